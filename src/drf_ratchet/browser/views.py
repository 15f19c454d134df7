"""The endpoints for browsers, whose tokens travel in cookies."""

from typing import Any

from django.middleware.csrf import rotate_token
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from drf_ratchet import views
from drf_ratchet.authentication import ImmediateJWTAuthentication
from drf_ratchet.browser.authentication import ImmediateCookieJWTAuthentication
from drf_ratchet.browser.cookies import delete_cookies, key_of, set_cookies, token_of, transport
from drf_ratchet.browser.cross_site import IsSameOrigin
from drf_ratchet.parsers import JSONParser
from drf_ratchet.sessions import store
from drf_ratchet.sessions.device import django_request
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import end_session
from drf_ratchet.sessions.grant import Grant, Transport
from drf_ratchet.sessions.refreshing import check_refresh, read_refresh
from drf_ratchet.sessions.subject import subject_of
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import TokenRefused


class BrowserView(views.RatchetView):
    """The base of the endpoints for browsers: for pages of this site, with tokens in cookies."""

    permission_classes: tuple[type[BasePermission], ...] = (IsSameOrigin,)
    parser_classes = (JSONParser,)
    # A project's own renderer would rename the members that the script in the browser reads.
    renderer_classes: Any = (JSONRenderer,)
    content_negotiation_class = views.FirstRenderer

    def get_transport(self) -> Transport:
        """Return the kinds of tokens that ``ACCESS_TOKEN_COOKIE`` chooses."""
        return transport()

    def answer(self, body: dict[str, Any], grant: Grant) -> Response:
        """Return the body with ``expires_in`` (seconds; RFC 6749, 5.1), and set the cookies."""
        lifetime = grant.access_expires_at - grant.issued_at
        response = Response({**body, "expires_in": int(lifetime.total_seconds())})
        set_cookies(response, grant, self.get_transport())
        return response


class BrowserSignInView(BrowserView):
    """The base of endpoints that sign a browser in."""

    def answer(self, body: dict[str, Any], grant: Grant) -> Response:
        """Return the response, end the browser's previous session, rotate the CSRF token."""
        response = super().answer(body, grant)
        _end_session_of(self.request, EndReason.REPLACED)
        rotate_token(django_request(self.request))
        return response


class BrowserLoginView(BrowserSignInView, views.TokenObtainPairView):
    """Sign in with credentials: set the refresh cookie and return an access token."""


class BrowserRefreshView(BrowserView, views.TokenRefreshView):
    """Refresh the tokens: replace the refresh cookie and return a new access token.

    A refused cookie is not deleted. The response to a slow request must not delete the cookie of a
    sign-in that happened meanwhile.
    """

    def get_data(self, request: Request) -> Any:
        """Return the refresh token of the cookie.

        Raises:
            NotAuthenticated: there is no cookie.
        """
        return _with_cookie(request)

    def get_serializer_context(self) -> dict[str, Any]:
        """Return the context with the Idempotency-Key that the browser keeps with the token."""
        return {**super().get_serializer_context(), "kept_key": key_of(self.request)}


class BrowserLogoutView(BrowserView):
    """Log out: end the session of the cookie, and delete the cookies."""

    serializer_class = Serializer  # no fields: DRF needs a serializer to describe an empty body

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return 200, also if nobody was signed in."""
        _json(request)
        _end_session_of(request, EndReason.LOGOUT)
        response = Response({"detail": _("Logout successful.")})
        delete_cookies(response, request)
        return response


class BrowserSessionView(BrowserView):
    """Return who is signed in with this browser, and until when."""

    serializer_class = Serializer
    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the user, the session's id and its end; all null if nobody is signed in."""
        try:
            kind = Kind.COOKIE_REFRESH
            session = check_refresh(token_of(request, kind), kind=kind, request=request)
        except TokenRefused:
            return Response({"user": None, "session": None, "expires_at": None})
        user: Any = session.user
        return Response(
            {
                "user": {"id": subject_of(user), "username": user.get_username()},
                "session": session.pk,
                "expires_at": session.expires_at,
            }
        )


class BrowserStepUpView(BrowserView, views.StepUpView):
    """Enter the password again: the cookie and a password give a new ``auth_time``."""

    permission_classes = (IsSameOrigin, IsAuthenticated)

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return the authentication by the access token, in a cookie or a header."""
        if self.get_transport().access.in_cookie:
            return [ImmediateCookieJWTAuthentication()]
        return [ImmediateJWTAuthentication()]

    def get_data(self, request: Request) -> Any:
        """Return the password of the body and the refresh token of the cookie."""
        return {**_json(request), **_with_cookie(request)}


def _with_cookie(request: Request) -> dict[str, Any]:
    _json(request)
    token = token_of(request, Kind.COOKIE_REFRESH)
    if token is None:
        raise exceptions.NotAuthenticated
    return {"refresh": token}


def _json(request: Request) -> dict[str, Any]:
    """Return the body, which must be a JSON object if there is one."""
    if not isinstance(request.data, dict):
        raise exceptions.ParseError(_("The body must be a JSON object."))
    return dict(request.data)


def _end_session_of(request: Request, reason: str) -> None:
    """End the session of the browser's refresh token, expired or not."""
    cookie = token_of(request, Kind.COOKIE_REFRESH)
    if cookie is None:
        return
    try:
        token = read_refresh(cookie, kind=Kind.COOKIE_REFRESH, request=request, check_times=False)
    except TokenRefused:
        return
    session = store.get(token.session)
    if session is not None:
        end_session(session, reason=reason, request=request)
