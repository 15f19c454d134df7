"""What drf-jwt's endpoints take and answer."""

from typing import Any

from drf_ratchet.openapi.bodies import (
    ACCESS,
    FIELD_ERRORS,
    NO_STORE,
    PLAIN_REFUSAL,
    RETRY_AFTER,
    TEXT,
    members,
)
from drf_ratchet.openapi.schema import Answer, Component, Described, RatchetSchema, call, describes
from drf_ratchet.openapi.views import credentials
from drf_ratchet_compat.drf_jwt import utils, views
from drf_ratchet_compat.drf_jwt.blacklist.serializers import BlacklistTokenSerializer
from drf_ratchet_compat.drf_jwt.blacklist.views import BlacklistView
from drf_ratchet_compat.drf_jwt.openapi import BlacklistedToken
from drf_ratchet_compat.drf_jwt.serializers import (
    ImpersonateAuthTokenSerializer,
    JSONWebTokenSerializer,
    RefreshAuthTokenSerializer,
    RefreshJSONWebTokenSerializer,
    VerifyAuthTokenSerializer,
    VerifyJSONWebTokenSerializer,
)
from drf_ratchet_compat.drf_jwt.settings import api_settings

call(JSONWebTokenSerializer, "Who signs in.")
for takes_token in (
    RefreshAuthTokenSerializer,
    RefreshJSONWebTokenSerializer,
    VerifyAuthTokenSerializer,
    VerifyJSONWebTokenSerializer,
):
    call(takes_token, "A token that is good now.")
call(ImpersonateAuthTokenSerializer, "The user, by primary key.")
call(BlacklistTokenSerializer, "The token to end, if it is not the request's own.")

HEADERS = (NO_STORE, RETRY_AFTER)
ONE_TOKEN = Component("OneToken", members({"token": TEXT}))
#: 1.19's, with the second of the token's making.
NUMBERED_TOKEN = Component("NumberedToken", members({"pk": {"type": "integer"}, "token": TEXT}))
BAD = Answer(
    "A field is missing or wrong, or the token or the credentials are refused.",
    [FIELD_ERRORS, PLAIN_REFUSAL],
    {"Refused": {"non_field_errors": ["Unable to log in with provided credentials."]}},
)
REFUSED = Answer("Nobody is signed in.", [PLAIN_REFUSAL])
FORBIDDEN = Answer("The user may not do that.", [PLAIN_REFUSAL])
TOO_MANY = Answer("Too many attempts.", [PLAIN_REFUSAL])


def handed_out(schema: RatchetSchema) -> dict[int, Answer]:
    """The response of a view that hands out a token."""
    view: Any = schema.view
    handler = api_settings.for_generation("JWT_RESPONSE_PAYLOAD_HANDLER", view.generation)
    bodies = {
        utils.jwt_response_payload_handler: ONE_TOKEN,
        utils.jwt_create_response_payload: NUMBERED_TOKEN,
    }
    # What a project's own handler puts there is for it to say.
    body = bodies.get(handler, {"type": "object", "additionalProperties": True})
    example = {"Token": {"token": ACCESS}} if body is ONE_TOKEN else None
    return {view.generation.status: Answer("The token.", [body], example)}


@describes(views._SignIn, "post")
def sign_in(schema: RatchetSchema) -> Described:
    """Sign in."""
    return Described(
        summary="Sign in (drf-jwt)",
        text="Credentials for a token.",
        example=credentials(schema),
        answers={**handed_out(schema), 400: BAD, 429: TOO_MANY},
        parameters=HEADERS,
    )


@describes(views._Refresh, "post")
def refresh(schema: RatchetSchema) -> Described:
    """Refresh."""
    return Described(
        summary="Refresh (drf-jwt)",
        text="A token that is good for the next one. Without one in the body, the one in the "
        "Authorization header.",
        answers={**handed_out(schema), 400: BAD, 429: TOO_MANY},
        parameters=HEADERS,
    )


@describes(views._TakesToken, "post")
def verify(schema: RatchetSchema) -> Described:
    """Verify."""
    return Described(
        summary="Verify (drf-jwt)",
        text="The token again, if it is good. Without one in the body, the one in the "
        "Authorization header.",
        answers={**handed_out(schema), 400: BAD},
        parameters=HEADERS[:1],
    )


@describes(views.ImpersonateJSONWebTokenView, "post")
def impersonate(schema: RatchetSchema) -> Described:
    """Impersonate."""
    view: Any = schema.view
    return Described(
        summary="Impersonate a user (drf-jwt)",
        text="A token of another user's, for superusers.",
        answers={
            view.generation.status: Answer("The token.", [ONE_TOKEN]),
            400: BAD,
            401: REFUSED,
            403: FORBIDDEN,
        },
        parameters=HEADERS[:1],
    )


@describes(BlacklistView, "create")
def blacklist(schema: RatchetSchema) -> Described:
    """Log out."""
    return Described(
        summary="Log out (drf-jwt)",
        text="Ends the session of the token in the body, or else of the request's own.",
        answers={
            201: Answer("Its session has ended.", [BlacklistedToken]),
            400: BAD,
            401: REFUSED,
            403: FORBIDDEN,
        },
        parameters=HEADERS[:1],
    )
