"""Describe the requests and responses of ``drf_ratchet.browser.urls``."""

from functools import cache
from typing import Any

from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication

from drf_ratchet.browser import views
from drf_ratchet.browser.cookies import transport
from drf_ratchet.exceptions import CookieRefused
from drf_ratchet.openapi import bodies
from drf_ratchet.openapi.bodies import (
    ACCESS,
    LOGGED_OUT,
    RETRY_AFTER,
    TEXT,
    TOO_MANY,
    bad_fields,
    members,
    refusal,
    response_header,
    tokens,
)
from drf_ratchet.openapi.schema import Answer, Component, Described, RatchetSchema, call, describes
from drf_ratchet.openapi.views import BAD_SIGN_IN, OURS, REFUSED_TO_STEP_UP, credentials
from drf_ratchet.serializers import StepUpSerializer
from ratchet_tokens.errors import Reason, refusal_body

FROM_OUR_PAGES = (
    " For pages of this site alone: a browser says by `Origin` or `Sec-Fetch-Site` where a request "
    "comes from."
)
LIFETIME = {"type": "integer", "minimum": 0, "description": "Seconds that the access token lives."}
IN_MEMORY = Component("BrowserTokens", members({"access": TEXT, "expires_in": LIFETIME}))
IN_COOKIES = Component("BrowserTokens", members({"expires_in": LIFETIME}))
CROSS_SITE = Answer(
    "The request does not come from a page of this site, or the browser would keep no cookie of "
    "the answer.",
    [bodies.REFUSAL],
    {
        "From elsewhere": refusal(
            "This request does not come from a page of this site.", "cross_site"
        ),
        "Cookie": refusal(str(CookieRefused.default_detail), "cookie_refused"),
    },
)
BAD_BODY = Answer(
    "The body is no JSON object.",
    [bodies.FIELD_ERRORS, bodies.REFUSAL],
    {"No object": refusal("The body must be a JSON object.", "parse_error")},
)
NO_COOKIE = Answer(
    "There is no cookie, or its token is refused.",
    [bodies.REFUSAL, bodies.TOKEN_REFUSED],
    {"No cookie": bodies.NOT_AUTHENTICATED, "Signed out": refusal_body(Reason.SESSION_ENDED)},
)
SETS_COOKIES = response_header(
    "Set-Cookie", "The refresh token, which no script can read.", on=[200]
)


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


def _granted(schema: RatchetSchema) -> Answer:
    plain = IN_COOKIES if transport().access.in_cookie else IN_MEMORY
    # The optional ones of a serializer for JSON do not come to a browser's body.
    body = tokens(schema, plain)
    example: dict[str, Any] = {"expires_in": 300}
    if not transport().access.in_cookie:
        example = {"access": ACCESS, **example}
    return Answer("Signed in.", [body], {"Signed in": example} if body is plain else None)


@describes(views.BrowserLoginView, "post")
def sign_in(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``login/``."""
    return Described(
        summary="Sign in, in a browser",
        text="Credentials for an access token, and a cookie with the refresh token. The session "
        "that this browser had ends." + FROM_OUR_PAGES,
        example=credentials(schema),
        answers={
            200: _granted(schema),
            400: bad_fields("password"),
            401: BAD_SIGN_IN,
            403: CROSS_SITE,
            429: TOO_MANY,
        },
        parameters=(*OURS, SETS_COOKIES, RETRY_AFTER),
    )


@describes(views.BrowserRefreshView, "post")
def refresh(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``refresh/``."""
    return Described(
        summary="Refresh, in a browser",
        text="The cookie for the next one, and an access token." + FROM_OUR_PAGES,
        request=_body(schema),
        answers={
            200: _granted(schema),
            400: BAD_BODY,
            401: NO_COOKIE,
            403: CROSS_SITE,
            429: TOO_MANY,
        },
        # A session that does not rotate keeps its cookie.
        parameters=(bodies.IDEMPOTENCY_KEY, *OURS, RETRY_AFTER),
        authenticators=(RefreshCookie,),
    )


@describes(views.BrowserLogoutView, "post")
def log_out(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``logout/``."""
    return Described(
        summary="Log out, in a browser",
        text="Ends the session of the cookie and takes the cookies back, if there are any."
        + FROM_OUR_PAGES,
        request=None,
        answers={
            200: Answer("Signed out.", [LOGGED_OUT]),
            400: BAD_BODY,
            403: CROSS_SITE,
        },
        parameters=OURS,
        authenticators=(RefreshCookie,),
        optional=True,
    )


@describes(views.BrowserSessionView, "get")
def session(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``session/``."""
    return Described(
        summary="Who is signed in, in this browser",
        text="The user and the session of the cookie; all null where nobody is signed in.",
        answers={
            200: Answer(
                "Who is signed in.",
                [BrowserSession],
                {"Nobody": {"user": None, "session": None, "expires_at": None}},
            )
        },
        parameters=OURS[:1],
        authenticators=(RefreshCookie,),
        optional=True,
    )


@describes(views.BrowserStepUpView, "post")
def step_up(schema: RatchetSchema) -> Described:
    """Describe the endpoint ``step-up/``."""
    return Described(
        summary="Prove again who you are, in a browser",
        text="The password again, with the access token and the cookie." + FROM_OUR_PAGES,
        request=_body(schema),
        answers={
            200: _granted(schema),
            400: bad_fields("password"),
            401: REFUSED_TO_STEP_UP,
            403: CROSS_SITE,
            429: TOO_MANY,
        },
        parameters=(bodies.IDEMPOTENCY_KEY, *OURS, RETRY_AFTER),
        authenticators=(*map(type, schema.view.get_authenticators()), RefreshCookie),
        together=True,
    )


@cache
def without_token(serializer: type[Any]) -> type[Any]:
    """Return a serializer like this one, without the token that comes in the cookie.

    Args:
        serializer: ours, or a project's own.
    """

    def get_fields(self: Any) -> dict[str, Any]:
        fields: dict[str, Any] = serializer.get_fields(self)
        return {name: field for name, field in fields.items() if name != "refresh"}

    named = {"get_fields": get_fields, "__doc__": serializer.__doc__}
    made = type(f"Browser{serializer.__name__}", (serializer,), named)
    if serializer is StepUpSerializer:
        call(made, "The password again.")
    return made


def _body(schema: RatchetSchema) -> Any:
    serializer: Any = type(schema.own_serializer())
    return without_token(serializer)
