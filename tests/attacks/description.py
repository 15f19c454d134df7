"""The demo's API as drf-spectacular describes it, and told besides what only a test knows.

The description lets clients be lenient: objects may grow members, and what every operation of HTTP
may answer is not repeated for each. Here every object is closed, every token looks like one, and
every status that is not here is a mistake. ``{"format": "refresh-token"}`` and the like are ours,
see ``test_schemathesis``.
"""

from typing import Any

from drf_spectacular.generators import SchemaGenerator

from ratchet_tokens.errors import Reason

Json = dict[str, Any]

#: Of the posts that there are: alice's, another's, nobody's.
OWN_POST, OTHER_POST, NO_POST = 1001, 1002, 999_999

TEXT: Json = {"type": "string"}
TOKEN: Json = {"type": "string", "pattern": r"^[\w-]+\.[\w-]+\.[\w-]+$"}
#: What to send in a field of that name.
SENT = {
    "username": "username",
    "password": "right-or-wrong-password",
    "refresh": "refresh-token",
    "token": "refresh-token",
}
#: Views of the project, whose errors are DRF's own; and drf-jwt's, which are the same.
PLAIN = ("/api/posts/", "/api/protected/", "/api-token-")


def description() -> Json:
    """The whole of it."""
    described: Json = SchemaGenerator(urlconf="config.urls").get_schema(public=True)
    components = described["components"]["schemas"]
    for name, schema in components.items():
        (send if name.endswith("Request") else receive)(schema)
    components["RefreshedTokens"]["required"] = ["access", "refresh"]  # each session here rotates
    components["LoggedOut"]["properties"]["detail"]["enum"] = ["Logout successful."]
    components["Message"]["properties"]["message"]["enum"] = ["This is a protected view!"]
    components["NotSignedIn"] = {"anyOf": [closed(detail=TEXT), refused_token()]}
    for path, operations in described["paths"].items():
        for operation in operations.values():
            tighten(path, operation)
    return described


def send(schema: Json) -> None:
    """Fill a request's fields with what is nearly right."""
    schema["additionalProperties"] = False
    for name, field in schema["properties"].items():
        if name in SENT:
            field["format"] = SENT[name]


def receive(schema: Json) -> None:
    """Let a response have what is described and nothing else."""
    if schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    for name, field in schema.get("properties", {}).items():
        if name in ("access", "refresh", "token"):
            field.update(TOKEN)


def closed(**members: Json) -> Json:
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def refused_token() -> Json:
    reasons = [reason.value for reason in Reason]
    return closed(detail=TEXT, code={"enum": ["token_not_valid"]}, reason={"enum": reasons})


def header(pattern: str) -> Json:
    return {"required": True, "schema": {"type": "string", "pattern": pattern}}


def tighten(path: str, operation: Json) -> None:
    """Add what goes without saying, and hold the answers to it."""
    responses: Json = operation["responses"]
    is_ours = not path.startswith((*PLAIN, "/.well-known/"))
    error = closed(detail=TEXT, code=TEXT) if is_ours else closed(detail=TEXT)
    for status in ("405", "415"):
        responses[status] = {
            "description": "",
            "content": {"application/json": {"schema": error}},
            "headers": {},
        }
    responses["405"]["headers"]["Allow"] = header("^[A-Z, ]+$")
    if path.startswith("/.well-known/"):
        # No view of DRF's: Django's own page.
        del responses["415"]
        responses["405"]["content"] = {"text/html": {}}
    for status, response in responses.items():
        headers = response.setdefault("headers", {})
        if is_ours or path.startswith("/api-token-"):
            headers["Cache-Control"] = header("^no-store$")
        if status == "401":
            headers["WWW-Authenticate"] = header('^Bearer realm="api"(, error="invalid_token")?$')
        for media in response.get("content", {}).values():
            for schema in alternatives(media.get("schema", {})):
                receive(schema)
    if "{" in path:
        # What no route matches never comes to a view: Django's own page.
        responses["404"]["content"]["text/html"] = {}
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = PARAMETERS.get((path, parameter["name"]), parameter["schema"])


def alternatives(schema: Json) -> list[Json]:
    found: list[Json] = schema.get("anyOf", [schema])
    return found


PARAMETERS: dict[tuple[str, str], Json] = {
    ("/api/sessions/{id}/", "id"): {"type": "string", "format": "session-id", "minLength": 1},
    ("/api/posts/{id}/", "id"): {"type": "integer", "enum": [OWN_POST, OTHER_POST, NO_POST]},
    ("/api/posts/", "page"): {"type": "integer", "minimum": 1, "maximum": 3},
}

DESCRIPTION = description()
