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
from drf_ratchet.openapi.schema import OPERATIONS, Answer, Component, Described, RatchetSchema, call
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
FORBIDDEN = {
    401: Answer("Nobody is signed in.", [PLAIN_REFUSAL]),
    403: Answer("The user may not do that.", [PLAIN_REFUSAL]),
}
TOO_MANY = Answer("Too many attempts.", [PLAIN_REFUSAL])


def status(schema: RatchetSchema) -> int:
    """Return the status of a response with a token, in the view's generation."""
    view: Any = schema.view
    return int(view.generation.status)


def handed_out(schema: RatchetSchema) -> dict[int, Answer]:
    """Return the response of a view that hands out a token."""
    view: Any = schema.view
    handler = api_settings.for_generation("JWT_RESPONSE_PAYLOAD_HANDLER", view.generation)
    bodies = {
        utils.jwt_response_payload_handler: ONE_TOKEN,
        utils.jwt_create_response_payload: NUMBERED_TOKEN,
    }
    # What a project's own handler puts there is for it to say.
    body = bodies.get(handler, {"type": "object", "additionalProperties": True})
    example = {"Token": {"token": ACCESS}} if body is ONE_TOKEN else None
    return {status(schema): Answer("The token.", [body], example)}


OPERATIONS |= {
    (views._SignIn, "post"): lambda schema: Described(
        "Sign in (drf-jwt)",
        "Credentials for a token.",
        {**handed_out(schema), 400: BAD, 429: TOO_MANY},
        example=credentials(schema),
        parameters=HEADERS,
    ),
    (views._Refresh, "post"): lambda schema: Described(
        "Refresh (drf-jwt)",
        "A token that is good for the next one. Without one in the body, the one in the "
        "Authorization header.",
        {**handed_out(schema), 400: BAD, 429: TOO_MANY},
        parameters=HEADERS,
    ),
    (views._TakesToken, "post"): lambda schema: Described(
        "Verify (drf-jwt)",
        "The token again, if it is good. Without one in the body, the one in the "
        "Authorization header.",
        {**handed_out(schema), 400: BAD},
        parameters=HEADERS,
    ),
    (views.ImpersonateJSONWebTokenView, "post"): lambda schema: Described(
        "Impersonate a user (drf-jwt)",
        "A token of another user's, for superusers.",
        {status(schema): Answer("The token.", [ONE_TOKEN]), 400: BAD, **FORBIDDEN},
        parameters=HEADERS,
    ),
    (BlacklistView, "create"): Described(
        "Log out (drf-jwt)",
        "Ends the session of the token in the body, or else of the request's own.",
        {201: Answer("Its session has ended.", [BlacklistedToken]), 400: BAD, **FORBIDDEN},
        parameters=HEADERS,
    ),
}
