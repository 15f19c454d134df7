"""The bodies and headers that more than one endpoint has."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from drf_ratchet.openapi.schema import Answer, Component, RatchetSchema, Schema
from ratchet_tokens.errors import Reason, refusal_body

TEXT: Schema = {"type": "string"}

#: No token: three words with dots between them, which is what a token looks like.
ACCESS, REFRESH = "header.claims.signature", "header.counter.signature"


def members(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> Schema:
    """Describe an object with these members."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


#: Named, and no part of what has it: drf-spectacular would look for its name among a project's.
REASON = Component(
    "TokenRefusalReason", {"type": "string", "enum": [each.value for each in Reason]}
)
TOKEN_NOT_VALID = Component("TokenNotValidCode", {"type": "string", "enum": ["token_not_valid"]})

REFUSAL = Component(
    "Refusal",
    {**members({"detail": TEXT, "code": TEXT}), "description": "A sentence, and a stable code."},
)
TOKEN_REFUSED = Component(
    "TokenRefused",
    {
        **members({"detail": TEXT, "code": TOKEN_NOT_VALID, "reason": REASON}),
        "description": "A refusal that says what is wrong with the token.",
    },
)
FIELD_ERRORS = Component(
    "FieldErrors",
    {
        "type": "object",
        "additionalProperties": {"type": "array", "items": TEXT, "minItems": 1},
        "minProperties": 1,
        "description": "What is wrong, by field.",
    },
)
#: DRF's own.
PLAIN_REFUSAL = Component("PlainRefusal", members({"detail": TEXT}))

TOKEN_PAIR = Component("TokenPair", members({"access": TEXT, "refresh": TEXT}))
REFRESHED = Component("RefreshedTokens", members({"access": TEXT}, {"refresh": TEXT}))
LOGGED_OUT = Component("LoggedOut", members({"detail": TEXT}))


def refusal(detail: str, code: str) -> dict[str, str]:
    """Return an example of a refusal."""
    return {"detail": detail, "code": code}


NOT_AUTHENTICATED = refusal("Authentication credentials were not provided.", "not_authenticated")


def bad_fields(field: str) -> Answer:
    """Describe a 400, whose example misses this field."""
    return Answer(
        "A field is missing or wrong, or the body is none.",
        [FIELD_ERRORS, REFUSAL],
        {
            "A field is missing": {field: ["This field is required."]},
            "The body is none": refusal("JSON parse error", "parse_error"),
        },
    )


NO_TOKEN = Answer(
    "Nobody is signed in, or the token is refused.",
    [REFUSAL, TOKEN_REFUSED],
    {
        "No token": NOT_AUTHENTICATED,
        "Expired": refusal_body(Reason.EXPIRED),
        "Signed out": refusal_body(Reason.SESSION_ENDED),
    },
)
REFRESH_REFUSED = Answer(
    "The token is refused.",
    [TOKEN_REFUSED],
    {
        "Used before": refusal_body(Reason.REUSED),
        "Signed out": refusal_body(Reason.SESSION_ENDED),
    },
)
TOO_MANY = Answer(
    "Too many attempts.",
    [REFUSAL],
    {"Too many": refusal("Request was throttled. Expected available in 60 seconds.", "throttled")},
)
SIGNED_OUT = Answer("Signed out.", [LOGGED_OUT], {"Signed out": {"detail": "Logout successful."}})


def response_header(
    name: str,
    text: str,
    *,
    on: list[int] | bool = True,
    schema: Any = OpenApiTypes.STR,
    always: bool = True,
) -> OpenApiParameter:
    """Describe a header of responses.

    Args:
        name: the header.
        text: what it says.
        on: the statuses of the responses that have it; True for all.
        schema: its type.
        always: whether each of these responses has it.
    """
    statuses = [str(status) for status in on] if isinstance(on, list) else on
    return OpenApiParameter(
        name, schema, OpenApiParameter.HEADER, required=always, description=text, response=statuses
    )


NO_STORE = response_header(
    "Cache-Control",
    "`no-store`: nothing on the way keeps a copy.",
    schema={"type": "string", "pattern": "^no-store$"},
)
RETRY_AFTER = response_header(
    "Retry-After", "Seconds to wait.", on=[429], schema={"type": "integer", "minimum": 0}
)


def challenge(scheme: str = "Bearer") -> OpenApiParameter:
    """Describe the header of a 401."""
    return response_header(
        "WWW-Authenticate", f"A `{scheme}` challenge (RFC 9110 section 11.6.1).", on=[401]
    )


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,128}$"},
    OpenApiParameter.HEADER,
    description="Chosen once for each refresh token and kept beside it. With the same one, the "
    "same answer is handed out again when it was lost on its way.",
)


def tokens(schema: RatchetSchema, plain: Component) -> Component:
    """Add the ``read_only`` fields that a project's own serializer declares to a body of tokens."""
    serializer = schema.own_serializer()
    known = plain.schema["properties"]
    said = schema.fields(serializer, "response") if serializer is not None else {"properties": {}}
    further = {name: field for name, field in said["properties"].items() if name not in known}
    if not further:
        return plain
    return Component(
        f"{schema.name_of(serializer)}{plain.name}",
        {
            **plain.schema,
            "properties": {**known, **further},
            "required": [
                *plain.schema["required"],
                *(name for name in further if name in said.get("required", ())),
            ],
        },
    )


def granted(
    schema: RatchetSchema, text: str, plain: Component, example: str, value: Mapping[str, Any]
) -> Answer:
    """Describe a response with tokens, whose example holds only for the plain body.

    Args:
        schema: of the view.
        text: what the response means.
        plain: the body, without what a project's own serializer adds.
        example: its name.
        value: the example.
    """
    body = tokens(schema, plain)
    return Answer(text, [body], {example: value} if body is plain else None)
