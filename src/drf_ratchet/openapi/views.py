"""The table of our operations: what each endpoint takes and answers."""

from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication

from drf_ratchet import views
from drf_ratchet.authentication import ImmediateJWTAuthentication
from drf_ratchet.browser import views as browser
from drf_ratchet.browser.cookies import transport
from drf_ratchet.exceptions import CookieRefused
from drf_ratchet.openapi.bodies import (
    ACCESS,
    FIELD_ERRORS,
    IDEMPOTENCY_KEY,
    LOGGED_OUT,
    NO_STORE,
    NO_TOKEN,
    NOT_AUTHENTICATED,
    REFRESH,
    REFRESH_REFUSED,
    REFRESHED,
    REFUSAL,
    RETRY_AFTER,
    SIGNED_OUT,
    TEXT,
    TOKEN_PAIR,
    TOKEN_REFUSED,
    TOO_MANY,
    bad_fields,
    challenge,
    granted,
    members,
    refusal,
    response_header,
)
from drf_ratchet.openapi.schema import OPERATIONS, Answer, Component, Described, RatchetSchema, call
from drf_ratchet.serializers import (
    LogoutSerializer,
    SessionSerializer,
    StepUpSerializer,
    TokenObtainPairSerializer,
    TokenRefreshSerializer,
    TokenVerifySerializer,
)
from drf_ratchet.services import views as services
from ratchet_tokens.errors import Reason, refusal_body

call(TokenObtainPairSerializer, "Who signs in.")
call(TokenRefreshSerializer, "The refresh token, which is used up by that.")
call(TokenVerifySerializer, "A token of either kind.")
call(LogoutSerializer, "The refresh token, where there is no access token in the header.")
call(StepUpSerializer, "The refresh token, and the password again.")
call(SessionSerializer, "One device on which the user is signed in.")


class BrowserUser(serializers.Serializer[Any]):
    """The signed-in user."""

    id = serializers.CharField()
    username = serializers.CharField()


class BrowserSession(serializers.Serializer[Any]):
    """The user of this browser's session, and its end; null if nobody is signed in."""

    user = BrowserUser(allow_null=True)
    session = serializers.UUIDField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class RefreshCookie(BaseAuthentication):
    """Stands for the cookie in a description. The views look at it themselves."""


def credentials(schema: RatchetSchema) -> dict[str, Any] | None:
    """Return an example of a sign-in, or None where a project asks for more."""
    example = {get_user_model().USERNAME_FIELD: "alice", "password": "correct horse battery"}
    asked = schema.fields(schema.own_serializer(), "request")["properties"]
    return example if asked.keys() == example.keys() else None


def browser_granted(schema: RatchetSchema) -> Answer:
    """Describe the response of a sign-in in a browser: the refresh token is in the cookie."""
    lifetime = {"expires_in": 300}
    if transport().access.in_cookie:
        return granted(schema, "Signed in.", IN_COOKIES, "Signed in", lifetime)
    return granted(schema, "Signed in.", IN_MEMORY, "Signed in", {"access": ACCESS, **lifetime})


def browser_request(schema: RatchetSchema) -> Any:
    """Return the view's serializer without the refresh token, which comes in the cookie."""
    serializer: Any = type(schema.own_serializer())
    return without_token(serializer)


@cache
def without_token(serializer: type[Any]) -> type[Any]:
    """Return a serializer like this one, without the refresh token."""

    def get_fields(self: Any) -> dict[str, Any]:
        fields: dict[str, Any] = serializer.get_fields(self)
        return {name: field for name, field in fields.items() if name != "refresh"}

    named = {"get_fields": get_fields, "__doc__": serializer.__doc__}
    made = type(f"Browser{serializer.__name__}", (serializer,), named)
    if serializer is StepUpSerializer:
        call(made, "The password again.")
    return made


OURS = (NO_STORE, challenge(), RETRY_AFTER)
FOR_SERVICES = (NO_STORE, challenge("Basic"), RETRY_AFTER)
SETS_COOKIES = response_header(
    "Set-Cookie", "The refresh token, which no script can read.", on=[200]
)
PAIR = {"access": ACCESS, "refresh": REFRESH}
LIFETIME = {"type": "integer", "minimum": 0, "description": "Seconds that the access token lives."}
IN_MEMORY = Component("BrowserTokens", members({"access": TEXT, "expires_in": LIFETIME}))
IN_COOKIES = Component("BrowserTokens", members({"expires_in": LIFETIME}))
TIME = {"type": "integer", "description": "Seconds since 1970."}
INTROSPECTION = Component(
    "Introspection",
    {
        **members(
            {"active": {"type": "boolean"}},
            {
                **dict.fromkeys(("sub", "sid", "username", "token_type"), TEXT),
                **dict.fromkeys(("exp", "iat", "auth_time"), TIME),
                **dict.fromkeys(("jti", "iss"), TEXT),
                "aud": {"oneOf": [TEXT, {"type": "array", "items": TEXT}]},
                "client_id": TEXT,
            },
        ),
        "additionalProperties": True,
        "description": "What a token says, with the project's own claims; of one that is inactive "
        "`active` alone.",
    },
)

BAD_SIGN_IN = Answer(
    "No such account, a wrong password, or not active: all look the same.",
    [REFUSAL],
    {"Wrong": refusal("No active account was found with these credentials.", "no_active_account")},
)
REFUSED_TO_STEP_UP = Answer(
    "Nobody is signed in, a token is refused, or the password is wrong.",
    [REFUSAL, TOKEN_REFUSED],
    {**(BAD_SIGN_IN.examples or {}), **(NO_TOKEN.examples or {})},
)
FROM_OUR_PAGES = (
    " For pages of this site alone: a browser says by `Origin` or `Sec-Fetch-Site` where a request "
    "comes from."
)
CROSS_SITE = Answer(
    "The request does not come from a page of this site, or the browser would keep no cookie of "
    "the answer.",
    [REFUSAL],
    {
        "From elsewhere": refusal(
            "This request does not come from a page of this site.", "cross_site"
        ),
        "Cookie": refusal(str(CookieRefused.default_detail), "cookie_refused"),
    },
)
BAD_BODY = Answer(
    "The body is no JSON object.",
    [FIELD_ERRORS, REFUSAL],
    {"No object": refusal("The body must be a JSON object.", "parse_error")},
)
NO_COOKIE = Answer(
    "There is no cookie, or its token is refused.",
    [REFUSAL, TOKEN_REFUSED],
    {"No cookie": NOT_AUTHENTICATED, "Signed out": refusal_body(Reason.SESSION_ENDED)},
)
NO_SERVICE = Answer(
    "The service is unknown, or its secret is wrong or missing.",
    [REFUSAL],
    {"Unknown": refusal("This is for services that authenticate by HTTP Basic.", "invalid_client")},
)

SIGN_IN_REFUSED = {400: bad_fields("password"), 401: BAD_SIGN_IN, 429: TOO_MANY}
STEP_UP_REFUSED = {**SIGN_IN_REFUSED, 401: REFUSED_TO_STEP_UP}
SERVICE_REFUSED = {400: bad_fields("token"), 401: NO_SERVICE, 429: TOO_MANY}

OPERATIONS |= {
    # drf_ratchet.urls
    (views.TokenObtainPairView, "post"): lambda schema: Described(
        "Sign in",
        "Credentials for a pair of tokens: the access token for requests, the refresh token for "
        "the next pair.",
        {200: granted(schema, "Signed in.", TOKEN_PAIR, "Signed in", PAIR), **SIGN_IN_REFUSED},
        example=credentials(schema),
        parameters=OURS,
    ),
    (views.TokenRefreshView, "post"): lambda schema: Described(
        "Refresh",
        "A refresh token for the next pair. It is used up by that: one that comes back later ends "
        "its session. A session that does not rotate keeps its refresh token, and the answer has "
        "the access token alone.",
        {
            200: granted(schema, "The next tokens.", REFRESHED, "The next pair", PAIR),
            400: bad_fields("refresh"),
            401: REFRESH_REFUSED,
            429: TOO_MANY,
        },
        parameters=(IDEMPOTENCY_KEY, *OURS),
    ),
    (views.TokenVerifyView, "post"): Described(
        "Verify",
        "Whether a token of either kind is good, and its session alive. Changes nothing.",
        {
            200: Answer("It is good.", [{"type": "object"}], {"Good": {}}),
            400: bad_fields("token"),
            401: Answer(
                "The token is refused.", [TOKEN_REFUSED], {"Expired": refusal_body(Reason.EXPIRED)}
            ),
        },
        parameters=OURS,
    ),
    (views.LogoutView, "post"): Described(
        "Log out",
        "Ends the session of the refresh token, or without one that of the access token. A "
        "refresh token that was used, has expired or whose session has ended will do.",
        {
            200: SIGNED_OUT,
            400: Answer(
                "A field is wrong, or the refresh token is none of ours, or another user's than "
                "the access token's.",
                [FIELD_ERRORS, REFUSAL, TOKEN_REFUSED],
                {"None of ours": refusal_body(Reason.BAD_SIGNATURE)},
            ),
            401: NO_TOKEN,
        },
        parameters=OURS,
        authenticators=(ImmediateJWTAuthentication,),
    ),
    (views.LogoutAllView, "post"): Described(
        "Log out everywhere",
        "Ends every session of the user.",
        {200: SIGNED_OUT, 401: NO_TOKEN},
        request=None,
        parameters=OURS,
    ),
    (views.SessionListView, "get"): lambda schema: Described(
        "List one's devices",
        "The user's living sessions, newest first: 100 at the most. Where there are more, the "
        "header `Link` has the address of the next ones.",
        {
            200: Answer(
                "The sessions.", [type(schema.own_serializer() or SessionSerializer())(many=True)]
            ),
            400: Answer(
                "`before` is no session's id.",
                [FIELD_ERRORS],
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
    ),
    (views.SessionDetailView, "delete"): Described(
        "Sign a device out",
        "Ends one of the user's sessions.",
        {
            204: Answer("Ended."),
            401: NO_TOKEN,
            404: Answer(
                "Not the user's, or not there, or ended before.",
                [REFUSAL],
                {"Not there": refusal("Not found.", "not_found")},
            ),
        },
        parameters=(
            OpenApiParameter(
                "id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The session's."
            ),
            *OURS,
        ),
    ),
    (views.StepUpView, "post"): Described(
        "Prove again who you are",
        "The password again, for tokens that say that the sign-in was just now: for what asks for "
        "a recent one (RFC 9470).",
        {200: Answer("The next tokens.", [REFRESHED], {"The next pair": PAIR}), **STEP_UP_REFUSED},
        parameters=(IDEMPOTENCY_KEY, *OURS),
    ),
    # drf_ratchet.browser.urls
    (browser.BrowserLoginView, "post"): lambda schema: Described(
        "Sign in, in a browser",
        "Credentials for an access token, and a cookie with the refresh token. The session that "
        "this browser had ends." + FROM_OUR_PAGES,
        {200: browser_granted(schema), 403: CROSS_SITE, **SIGN_IN_REFUSED},
        example=credentials(schema),
        parameters=(*OURS, SETS_COOKIES),
    ),
    (browser.BrowserRefreshView, "post"): lambda schema: Described(
        "Refresh, in a browser",
        "The cookie for the next one, and an access token." + FROM_OUR_PAGES,
        {
            200: browser_granted(schema),
            400: BAD_BODY,
            401: NO_COOKIE,
            403: CROSS_SITE,
            429: TOO_MANY,
        },
        request=browser_request(schema),
        # A session that does not rotate keeps its cookie.
        parameters=(IDEMPOTENCY_KEY, *OURS),
        authenticators=(RefreshCookie,),
    ),
    (browser.BrowserLogoutView, "post"): Described(
        "Log out, in a browser",
        "Ends the session of the cookie and takes the cookies back, if there are any."
        + FROM_OUR_PAGES,
        {200: Answer("Signed out.", [LOGGED_OUT]), 400: BAD_BODY, 403: CROSS_SITE},
        request=None,
        parameters=OURS,
        authenticators=(RefreshCookie,),
        optional=True,
    ),
    (browser.BrowserSessionView, "get"): Described(
        "Who is signed in, in this browser",
        "The user and the session of the cookie; all null where nobody is signed in.",
        {
            200: Answer(
                "Who is signed in.",
                [BrowserSession],
                {"Nobody": {"user": None, "session": None, "expires_at": None}},
            )
        },
        parameters=OURS,
        authenticators=(RefreshCookie,),
        optional=True,
    ),
    (browser.BrowserStepUpView, "post"): lambda schema: Described(
        "Prove again who you are, in a browser",
        "The password again, with the access token and the cookie." + FROM_OUR_PAGES,
        {200: browser_granted(schema), 403: CROSS_SITE, **STEP_UP_REFUSED},
        request=browser_request(schema),
        parameters=(IDEMPOTENCY_KEY, *OURS),
        authenticators=(*map(type, schema.view.get_authenticators()), RefreshCookie),
        together=True,
    ),
    # drf_ratchet.services.urls
    (services.IntrospectView, "post"): Described(
        "Introspect a token",
        "Whether an access token is active and its session alive, and what it says (RFC 7662). "
        "Refresh tokens, and tokens that travel in cookies, are inactive but for services that a "
        "setting names.",
        {
            200: Answer("What it says.", [INTROSPECTION], {"Inactive": {"active": False}}),
            **SERVICE_REFUSED,
        },
        parameters=FOR_SERVICES,
        optional=False,
    ),
    (services.RevokeView, "post"): Described(
        "Revoke a token",
        "Ends the session of a token, of any kind and however old (RFC 7009).",
        {
            200: Answer("Ended, or there was nothing to end.", [{"type": "object"}]),
            **SERVICE_REFUSED,
        },
        parameters=FOR_SERVICES,
        optional=False,
    ),
    (services.EndedSessionsView, "get"): Described(
        "The sessions that have ended lately",
        "A signed list, for services that verify tokens on their own. `ratchet_tokens.verifier` "
        "reads it.",
        {
            200: Answer("The list, a JWS.", [TEXT], media_type="application/jwt"),
            304: Answer("The list is the one that `If-None-Match` names."),
            401: NO_SERVICE,
            404: Answer(
                "There is no public key that a service could verify the list with.",
                [REFUSAL],
                {"No key": refusal("There is no public key.", "no_public_key")},
            ),
            429: TOO_MANY,
        },
        parameters=(
            *FOR_SERVICES,
            # In the place of `no-store`.
            response_header("Cache-Control", "How long a copy may be kept."),
            response_header("ETag", "Of this list.", on=[200, 304]),
        ),
        optional=False,
    ),
}
