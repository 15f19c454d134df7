"""What simplejwt's endpoints take and answer."""

from drf_ratchet.openapi import bodies
from drf_ratchet.openapi.bodies import (
    IDEMPOTENCY_KEY,
    NO_STORE,
    PLAIN_REFUSAL,
    RETRY_AFTER,
    TEXT,
    challenge,
    members,
    refusal,
    tokens,
)
from drf_ratchet.openapi.schema import Answer, Component, Described, RatchetSchema, call, describes
from drf_ratchet.openapi.views import credentials
from drf_ratchet_compat.simplejwt import views
from drf_ratchet_compat.simplejwt.serializers import (
    TokenBlacklistSerializer,
    TokenObtainPairSerializer,
    TokenObtainSlidingSerializer,
    TokenRefreshSerializer,
    TokenRefreshSlidingSerializer,
    TokenVerifySerializer,
)

call(TokenObtainPairSerializer, "Who signs in.", "SimpleJWTTokenObtainPair")
call(TokenObtainSlidingSerializer, "Who signs in.", "SimpleJWTTokenObtainSliding")
call(TokenRefreshSerializer, "The refresh token.", "SimpleJWTTokenRefresh")
call(TokenRefreshSlidingSerializer, "The sliding token.", "SimpleJWTTokenRefreshSliding")
call(TokenVerifySerializer, "A token of whatever type.", "SimpleJWTTokenVerify")
call(TokenBlacklistSerializer, "The refresh token.", "SimpleJWTTokenBlacklist")

HEADERS = (NO_STORE, challenge(), RETRY_AFTER)
SLIDING = Component("SlidingToken", members({"token": TEXT}))
BAD = Answer(
    "A field is missing or wrong, or the body is none.", [bodies.FIELD_ERRORS, PLAIN_REFUSAL]
)
NO_ACCOUNT = Answer(
    "No such account, a wrong password, or not active.",
    [PLAIN_REFUSAL],
    {"Wrong": {"detail": "No active account found with the given credentials"}},
)
NOT_VALID = Answer(
    "The token is refused.",
    [bodies.REFUSAL, PLAIN_REFUSAL],
    {"Refused": refusal("Token is invalid or expired", "token_not_valid")},
)
TOO_MANY = Answer("Too many attempts.", [PLAIN_REFUSAL])
SIGN_IN_REFUSED = {400: BAD, 401: NO_ACCOUNT, 429: TOO_MANY}
TOKEN_REFUSED = {400: BAD, 401: NOT_VALID, 429: TOO_MANY}


@describes(views.TokenObtainPairView, "post")
def sign_in(schema: RatchetSchema) -> Described:
    """Sign in."""
    return Described(
        summary="Sign in",
        text="Credentials for a refresh and an access token.",
        example=credentials(schema),
        answers={200: Answer("Signed in.", [tokens(schema, bodies.TOKEN_PAIR)]), **SIGN_IN_REFUSED},
        parameters=HEADERS,
    )


@describes(views.TokenRefreshView, "post")
def refresh(schema: RatchetSchema) -> Described:
    """Refresh."""
    return Described(
        summary="Refresh",
        text="A refresh token for an access token, and where the session rotates the next refresh "
        "token.",
        answers={
            200: Answer("The next tokens.", [tokens(schema, bodies.REFRESHED)]),
            **TOKEN_REFUSED,
        },
        parameters=(IDEMPOTENCY_KEY, *HEADERS),
    )


@describes(views.TokenObtainSlidingView, "post")
def sign_in_sliding(schema: RatchetSchema) -> Described:
    """Sign in, with a sliding token."""
    return Described(
        summary="Sign in, with a sliding token",
        text="Credentials for a token that can be refreshed itself.",
        example=credentials(schema),
        answers={200: Answer("Signed in.", [tokens(schema, SLIDING)]), **SIGN_IN_REFUSED},
        parameters=HEADERS,
    )


@describes(views.TokenRefreshSlidingView, "post")
def refresh_sliding(schema: RatchetSchema) -> Described:
    """Refresh a sliding token."""
    return Described(
        summary="Refresh a sliding token",
        text="A sliding token for one that expires later.",
        answers={200: Answer("The next token.", [tokens(schema, SLIDING)]), **TOKEN_REFUSED},
        parameters=HEADERS,
    )


@describes(views.TokenVerifyView, "post")
def verify(schema: RatchetSchema) -> Described:
    """Verify."""
    return Described(
        summary="Verify",
        text="Whether a token of whatever type is good, and its session alive.",
        answers={200: Answer("It is good.", [{"type": "object"}]), **TOKEN_REFUSED},
        parameters=HEADERS,
    )


@describes(views.TokenBlacklistView, "post")
def log_out(schema: RatchetSchema) -> Described:
    """Log out."""
    return Described(
        summary="Log out",
        text="Ends the session of a refresh token.",
        answers={200: Answer("Signed out.", [{"type": "object"}]), **TOKEN_REFUSED},
        parameters=HEADERS,
    )
