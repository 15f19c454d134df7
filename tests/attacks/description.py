"""The HTTP contract as an OpenAPI 3.1 description: written by hand, small, and strict.

Every object is closed and every status that is not here is a mistake: a description that allowed
more would find less. ``{"format": "refresh-token"}`` and the like are ours, see
``test_schemathesis``.
"""

from typing import Any

Json = dict[str, Any]

#: Of the posts that there are: alice's, another's, nobody's.
OWN_POST, OTHER_POST, NO_POST = 1001, 1002, 999_999

REASONS = [
    "malformed",
    "bad_signature",
    "wrong_type",
    "expired",
    "not_yet_valid",
    "wrong_issuer",
    "wrong_audience",
    "session_ended",
    "reused",
    "user_inactive",
    "password_changed",
]

TEXT: Json = {"type": "string"}
TIME: Json = {"type": "string", "format": "date-time"}
USERNAME: Json = {"type": "string", "format": "username", "minLength": 1}
PASSWORD: Json = {"type": "string", "format": "right-or-wrong-password", "minLength": 1}
TOKEN: Json = {"type": "string", "pattern": r"^[\w-]+\.[\w-]+\.[\w-]+$"}
REFRESH: Json = {"type": "string", "format": "refresh-token", "minLength": 1}


def closed(required: Json, optional: Json | None = None) -> Json:
    """An object of these members and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


ERROR = closed({"detail": TEXT, "code": TEXT})
REFUSED_TOKEN = closed(
    {"detail": TEXT, "code": {"const": "token_not_valid"}, "reason": {"enum": REASONS}}
)
#: DRF's, where the view is the project's own.
PLAIN_ERROR = closed({"detail": TEXT})
FIELD_ERRORS: Json = {
    "type": "object",
    "minProperties": 1,
    "not": {"required": ["detail"]},
    "additionalProperties": {"type": "array", "items": TEXT, "minItems": 1},
}
PAIR = closed({"access": TOKEN, "refresh": TOKEN})
LOGGED_OUT = closed({"detail": {"const": "Logout successful."}})
SESSION = closed(
    {
        "id": {"type": "string", "format": "uuid"},
        "current": {"type": "boolean"},
        "created_at": TIME,
        "last_used_at": TIME,
        "expires_at": TIME,
        "user_agent": TEXT,
        "ip": {"type": ["string", "null"]},
    }
)
POST = closed(
    {
        "id": {"type": "integer"},
        "title": {"type": "string", "maxLength": 200},
        "body": TEXT,
        "author": TEXT,
        "created_at": TIME,
    }
)
PAGE_LINK: Json = {"type": ["string", "null"]}
POSTS = closed(
    {
        "count": {"type": "integer"},
        "next": PAGE_LINK,
        "previous": PAGE_LINK,
        "results": {"type": "array", "items": POST},
    }
)
NEW_POST: Json = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 200},
        "body": {"type": "string", "minLength": 1},
    },
    "required": ["title", "body"],
}


def header(pattern: str) -> Json:
    return {"required": True, "schema": {"type": "string", "pattern": pattern}}


NO_STORE = {"Cache-Control": header("^no-store$")}
CHALLENGE = {"WWW-Authenticate": header('^Bearer realm="api"(, error="invalid_token")?$')}
ALLOW = {"Allow": header("^[A-Z, ]+$")}


def answer(*schemas: Json, headers: Json | None = None, html: bool = False) -> Json:
    """A response with a body of one of the schemas; with none of them, without a body."""
    content: Json = {}
    if schemas:
        content["application/json"] = {"schema": {"anyOf": list(schemas)}}
    if html:
        # What no route matches never comes to a view: Django's own page.
        content["text/html"] = {}
    return {
        "description": "",
        **({"content": content} if content else {}),
        **({"headers": headers} if headers else {}),
    }


def body(schema: Json) -> Json:
    kinds = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}


def ours(
    statuses: dict[int, Json], *, fields: Json | None = None, parameters: list[Json] | None = None
) -> Json:
    """An operation of the package: nothing may be cached, errors have their code."""
    responses = {
        405: answer(ERROR, headers=ALLOW),
        415: answer(ERROR),
        **statuses,
    }
    for status in responses.values():
        status["headers"] = {**status.get("headers", {}), **NO_STORE}
    return operation(responses, fields, parameters)


def blogs(
    statuses: dict[int, Json], *, fields: Json | None = None, parameters: list[Json] | None = None
) -> Json:
    """An operation of the blog: errors are DRF's, but for those about a token."""
    responses = {405: answer(PLAIN_ERROR, headers=ALLOW), 415: answer(PLAIN_ERROR), **statuses}
    return operation(responses, fields, parameters)


def drf_jwts(fields: Json) -> Json:
    """An operation of drf-jwt's: every refusal is a 400, and errors are DRF's."""
    one_token = answer(closed({"token": TOKEN}))
    described = blogs({200: one_token, 400: answer(FIELD_ERRORS, PLAIN_ERROR)}, fields=fields)
    for status in described["responses"].values():
        status["headers"] = {**status.get("headers", {}), **NO_STORE}
    return described


def operation(
    responses: dict[int, Json], fields: Json | None, parameters: list[Json] | None
) -> Json:
    return {
        "responses": {str(status): described for status, described in responses.items()},
        **({"requestBody": body(fields)} if fields else {}),
        **({"parameters": parameters} if parameters else {}),
    }


def in_path(schema: Json) -> Json:
    return {"name": "id", "in": "path", "required": True, "schema": schema}


NO_TOKEN = answer(ERROR, REFUSED_TOKEN, headers=CHALLENGE)
BLOG_NO_TOKEN = answer(PLAIN_ERROR, REFUSED_TOKEN, headers=CHALLENGE)
#: Also a body that cannot be parsed.
BAD_FIELDS = answer(FIELD_ERRORS, ERROR)
BLOG_BAD_FIELDS = answer(FIELD_ERRORS, PLAIN_ERROR)
KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": r"^[!-~]{1,128}$"},
}
POST_ID = in_path({"type": "integer", "enum": [OWN_POST, OTHER_POST, NO_POST]})
NOT_THIS_POST = {
    401: BLOG_NO_TOKEN,
    403: answer(PLAIN_ERROR),
    404: answer(PLAIN_ERROR, html=True),
}

DESCRIPTION: Json = {
    "openapi": "3.1.0",
    "info": {"title": "drf-ratchet and its demo", "version": "1"},
    "paths": {
        "/api/token/": {
            "post": ours(
                {200: answer(PAIR), 400: BAD_FIELDS, 401: answer(ERROR, headers=CHALLENGE)},
                fields=closed({"username": USERNAME, "password": PASSWORD}),
            )
        },
        "/api/token/refresh/": {
            "post": ours(
                {200: answer(PAIR), 400: BAD_FIELDS, 401: NO_TOKEN},
                fields=closed({"refresh": REFRESH}),
                parameters=[KEY],
            )
        },
        "/api/token/verify/": {
            "post": ours(
                {200: answer(closed({})), 400: BAD_FIELDS, 401: NO_TOKEN},
                fields=closed({"token": REFRESH}),
            )
        },
        "/api/logout/": {
            "post": ours(
                {
                    200: answer(LOGGED_OUT),
                    400: answer(FIELD_ERRORS, ERROR, REFUSED_TOKEN),
                    401: NO_TOKEN,
                },
                fields=closed({}, {"refresh": REFRESH}),
            )
        },
        "/api/logout/all/": {"post": ours({200: answer(LOGGED_OUT), 401: NO_TOKEN})},
        "/api/sessions/": {
            "get": ours({200: answer({"type": "array", "items": SESSION}), 401: NO_TOKEN})
        },
        "/api/sessions/{id}/": {
            "delete": ours(
                {204: answer(), 401: NO_TOKEN},
                parameters=[in_path({"type": "string", "format": "session-id", "minLength": 1})],
            )
        },
        "/api/step-up/": {
            "post": ours(
                {200: answer(PAIR), 400: BAD_FIELDS, 401: NO_TOKEN},
                fields=closed({"refresh": REFRESH, "password": PASSWORD}),
                parameters=[KEY],
            )
        },
        **{
            f"/api-token-{name}/": {"post": drf_jwts(fields)}
            for name, fields in {
                "auth": closed({"username": USERNAME, "password": PASSWORD}),
                "refresh": closed({"token": REFRESH}),
                "verify": closed({"token": REFRESH}),
            }.items()
        },
        "/.well-known/jwks.json": {
            "get": operation(
                {
                    200: {
                        "description": "",
                        "content": {
                            "application/jwk-set+json": {
                                "schema": closed({"keys": {"type": "array", "items": {}}})
                            }
                        },
                    },
                    405: {**answer(html=True), "headers": ALLOW},
                },
                None,
                None,
            )
        },
        "/api/protected/": {
            "get": blogs(
                {
                    200: answer(closed({"message": {"const": "This is a protected view!"}})),
                    401: BLOG_NO_TOKEN,
                }
            )
        },
        "/api/posts/": {
            "get": blogs(
                {200: answer(POSTS), 404: answer(PLAIN_ERROR)},
                parameters=[
                    {
                        "name": "page",
                        "in": "query",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 3},
                    }
                ],
            )
        },
        "/api/posts/create/": {
            "post": blogs(
                {201: answer(POST), 400: BLOG_BAD_FIELDS, 401: BLOG_NO_TOKEN}, fields=NEW_POST
            )
        },
        "/api/posts/{id}/": {
            "get": blogs({200: answer(POST), **NOT_THIS_POST}, parameters=[POST_ID]),
            "put": blogs(
                {200: answer(POST), 400: BLOG_BAD_FIELDS, **NOT_THIS_POST},
                fields=NEW_POST,
                parameters=[POST_ID],
            ),
            "patch": blogs(
                {200: answer(POST), 400: BLOG_BAD_FIELDS, **NOT_THIS_POST},
                fields={**NEW_POST, "required": []},
                parameters=[POST_ID],
            ),
            "delete": blogs({204: answer(), **NOT_THIS_POST}, parameters=[POST_ID]),
        },
    },
}
# The one path of the package that takes any text, and so the one that the router may refuse first.
DESCRIPTION["paths"]["/api/sessions/{id}/"]["delete"]["responses"]["404"] = answer(ERROR, html=True)
