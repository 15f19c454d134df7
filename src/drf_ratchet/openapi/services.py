"""Describe the requests and responses of ``drf_ratchet.services.urls``."""

from drf_ratchet.openapi import bodies
from drf_ratchet.openapi.bodies import (
    NO_STORE,
    RETRY_AFTER,
    TEXT,
    TOO_MANY,
    bad_fields,
    challenge,
    members,
    refusal,
    response_header,
)
from drf_ratchet.openapi.schema import Answer, Component, Described, RatchetSchema, describes
from drf_ratchet.services import views

OURS = (NO_STORE, challenge("Basic"), RETRY_AFTER)
TIME = {"type": "integer", "description": "Seconds since 1970."}

NO_SERVICE = Answer(
    "The service is unknown, or its secret is wrong or missing.",
    [bodies.REFUSAL],
    {"Unknown": refusal("This is for services that authenticate by HTTP Basic.", "invalid_client")},
)
REFUSED = {400: bad_fields("token"), 401: NO_SERVICE, 429: TOO_MANY}
INTROSPECTION = Component(
    "Introspection",
    {
        **members(
            {"active": {"type": "boolean"}},
            {
                "sub": TEXT,
                "sid": TEXT,
                "username": TEXT,
                "token_type": TEXT,
                "exp": TIME,
                "iat": TIME,
                "auth_time": TIME,
                "jti": TEXT,
                "iss": TEXT,
                "aud": {"oneOf": [TEXT, {"type": "array", "items": TEXT}]},
                "client_id": TEXT,
            },
        ),
        "additionalProperties": True,
        "description": "What a token says, with the project's own claims; of one that is inactive "
        "`active` alone.",
    },
)


@describes(views.IntrospectView, "post")
def introspect(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``introspect/``."""
    return Described(
        summary="Introspect a token",
        text="Whether an access token is active and its session alive, and what it says (RFC "
        "7662). Refresh tokens, and tokens that travel in cookies, are inactive but for services "
        "that a setting names.",
        answers={
            200: Answer("What it says.", [INTROSPECTION], {"Inactive": {"active": False}}),
            **REFUSED,
        },
        parameters=OURS,
        optional=False,
    )


@describes(views.RevokeView, "post")
def revoke(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``revoke/``."""
    return Described(
        summary="Revoke a token",
        text="Ends the session of a token, of any kind and however old (RFC 7009).",
        answers={
            200: Answer("Ended, or there was nothing to end.", [{"type": "object"}]),
            **REFUSED,
        },
        parameters=OURS,
        optional=False,
    )


@describes(views.EndedSessionsView, "get")
def ended_sessions(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``ended-sessions/``."""
    return Described(
        summary="The sessions that have ended lately",
        text="A signed list, for services that verify tokens on their own. "
        "`ratchet_tokens.verifier` reads it.",
        answers={
            200: Answer("The list, a JWS.", [TEXT], media_type="application/jwt"),
            304: Answer("The list is the one that `If-None-Match` names."),
            401: NO_SERVICE,
            404: Answer(
                "There is no public key that a service could verify the list with.",
                [bodies.REFUSAL],
                {"No key": refusal("There is no public key.", "no_public_key")},
            ),
            429: TOO_MANY,
        },
        parameters=(
            response_header("Cache-Control", "How long a copy may be kept."),
            response_header("ETag", "Of this list.", on=[200, 304]),
            challenge("Basic"),
            RETRY_AFTER,
        ),
        optional=False,
    )
