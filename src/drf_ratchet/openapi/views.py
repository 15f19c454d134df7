"""Describe requests and responses of ``drf_ratchet.urls`` and ``drf_ratchet.well_known``."""

from typing import Any

from django.contrib.auth import get_user_model
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from drf_ratchet import views
from drf_ratchet.authentication import ImmediateJWTAuthentication
from drf_ratchet.openapi import bodies
from drf_ratchet.openapi.bodies import (
    ACCESS,
    NO_STORE,
    NO_TOKEN,
    REFRESH,
    REFRESH_REFUSED,
    RETRY_AFTER,
    SIGNED_OUT,
    TOO_MANY,
    bad_fields,
    challenge,
    refusal,
    response_header,
    tokens,
)
from drf_ratchet.openapi.schema import Answer, Described, RatchetSchema, call, describes
from drf_ratchet.serializers import (
    LogoutSerializer,
    SessionSerializer,
    StepUpSerializer,
    TokenObtainPairSerializer,
    TokenRefreshSerializer,
    TokenVerifySerializer,
)
from ratchet_tokens.errors import Reason, refusal_body

call(TokenObtainPairSerializer, "Who signs in.")
call(TokenRefreshSerializer, "The refresh token, which is used up by that.")
call(TokenVerifySerializer, "A token of either kind.")
call(LogoutSerializer, "The refresh token, where there is no access token in the header.")
call(StepUpSerializer, "The refresh token, and the password again.")
call(SessionSerializer, "One device on which the user is signed in.")

OURS = (NO_STORE, challenge())
PAIR = {"access": ACCESS, "refresh": REFRESH}

BAD_SIGN_IN = Answer(
    "No such account, a wrong password, or not active: all look the same.",
    [bodies.REFUSAL],
    {"Wrong": refusal("No active account was found with these credentials.", "no_active_account")},
)
REFUSED_TO_STEP_UP = Answer(
    "Nobody is signed in, a token is refused, or the password is wrong.",
    [bodies.REFUSAL, bodies.TOKEN_REFUSED],
    {**(BAD_SIGN_IN.examples or {}), **(NO_TOKEN.examples or {})},
)


def credentials(schema: RatchetSchema) -> dict[str, Any] | None:
    """Return an example of a sign-in, or None where a project asks for more."""
    example = {get_user_model().USERNAME_FIELD: "alice", "password": "correct horse battery"}
    asked = schema.fields(schema.own_serializer(), "request")["properties"]
    return example if asked.keys() == example.keys() else None


@describes(views.TokenObtainPairView, "post")
def sign_in(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``token/``."""
    body = tokens(schema, bodies.TOKEN_PAIR)
    return Described(
        summary="Sign in",
        text="Credentials for a pair of tokens: the access token for requests, the refresh token "
        "for the next pair.",
        example=credentials(schema),
        answers={
            200: Answer(
                "Signed in.", [body], {"Signed in": PAIR} if body is bodies.TOKEN_PAIR else None
            ),
            400: bad_fields("password"),
            401: BAD_SIGN_IN,
            429: TOO_MANY,
        },
        parameters=(*OURS, RETRY_AFTER),
    )


@describes(views.TokenRefreshView, "post")
def refresh(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``token/refresh/``."""
    body = tokens(schema, bodies.REFRESHED)
    return Described(
        summary="Refresh",
        text="A refresh token for the next pair. It is used up by that: one that comes back later "
        "ends its session. A session that does not rotate keeps its refresh token, and the answer "
        "has the access token alone.",
        answers={
            200: Answer(
                "The next tokens.",
                [body],
                {"The next pair": PAIR} if body is bodies.REFRESHED else None,
            ),
            400: bad_fields("refresh"),
            401: REFRESH_REFUSED,
            429: TOO_MANY,
        },
        parameters=(bodies.IDEMPOTENCY_KEY, *OURS, RETRY_AFTER),
    )


@describes(views.TokenVerifyView, "post")
def verify(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``token/verify/``."""
    return Described(
        summary="Verify",
        text="Whether a token of either kind is good, and its session alive. Changes nothing.",
        answers={
            200: Answer("It is good.", [{"type": "object"}], {"Good": {}}),
            400: bad_fields("token"),
            401: Answer(
                "The token is refused.",
                [bodies.TOKEN_REFUSED],
                {"Expired": refusal_body(Reason.EXPIRED)},
            ),
        },
        parameters=OURS,
    )


@describes(views.LogoutView, "post")
def log_out(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``logout/``."""
    return Described(
        summary="Log out",
        text="Ends the session of the refresh token, or without one that of the access token. "
        "A refresh token that was used, has expired or whose session has ended will do.",
        answers={
            200: SIGNED_OUT,
            400: Answer(
                "A field is wrong, or the refresh token is none of ours, or another user's than "
                "the access token's.",
                [bodies.FIELD_ERRORS, bodies.REFUSAL, bodies.TOKEN_REFUSED],
                {"None of ours": refusal_body(Reason.BAD_SIGNATURE)},
            ),
            401: NO_TOKEN,
        },
        parameters=OURS,
        authenticators=(ImmediateJWTAuthentication,),
    )


@describes(views.LogoutAllView, "post")
def log_out_everywhere(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``logout/all/``."""
    return Described(
        summary="Log out everywhere",
        text="Ends every session of the user.",
        request=None,
        answers={200: SIGNED_OUT, 401: NO_TOKEN},
        parameters=OURS,
    )


@describes(views.SessionListView, "get")
def list_sessions(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``sessions/``."""
    serializer = schema.own_serializer()
    child = SessionSerializer() if serializer is None else serializer
    return Described(
        summary="List one's devices",
        text="The user's living sessions, newest first: 100 at the most. Where there are more, the "
        "header `Link` has the address of the next ones.",
        answers={
            200: Answer("The sessions.", [type(child)(many=True)]),
            400: Answer(
                "`before` is no session's id.",
                [bodies.FIELD_ERRORS],
                {"No id": {"before": ["Must be a valid UUID."]}},
            ),
            401: NO_TOKEN,
        },
        parameters=(
            OpenApiParameter(
                "before",
                OpenApiTypes.UUID,
                description="Sessions before the one of this id alone; `Link` has it.",
            ),
            response_header(
                "Link", '`<…?before=…>; rel="next"` (RFC 8288).', on=[200], always=False
            ),
            *OURS,
        ),
        is_list=True,
    )


@describes(views.SessionDetailView, "delete")
def end_session(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``sessions/<id>/``."""
    return Described(
        summary="Sign a device out",
        text="Ends one of the user's sessions.",
        answers={
            204: Answer("Ended."),
            401: NO_TOKEN,
            404: Answer(
                "Not the user's, or not there, or ended before.",
                [bodies.REFUSAL],
                {"Not there": refusal("Not found.", "not_found")},
            ),
        },
        parameters=(
            OpenApiParameter(
                "id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The session's."
            ),
            *OURS,
        ),
    )


@describes(views.StepUpView, "post")
def step_up(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``step-up/``."""
    return Described(
        summary="Prove again who you are",
        text="The password again, for tokens that say that the sign-in was just now: for what asks "
        "for a recent one (RFC 9470).",
        answers={
            200: Answer("The next tokens.", [bodies.REFRESHED], {"The next pair": PAIR}),
            400: bad_fields("password"),
            401: REFUSED_TO_STEP_UP,
            429: TOO_MANY,
        },
        parameters=(bodies.IDEMPOTENCY_KEY, *OURS, RETRY_AFTER),
    )
