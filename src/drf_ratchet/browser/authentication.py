"""Authenticate requests by an access token in a cookie: the setting ``ACCESS_TOKEN_COOKIE``."""

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from drf_ratchet.authentication import (
    REALM,
    REALM_INVALID_TOKEN,
    JWTAuthentication,
    varies_by,
    verify_access,
)
from drf_ratchet.browser.cookies import token_of
from drf_ratchet.exceptions import CsrfFailed, TokenNotValid
from ratchet_tokens.claims import Claims, Kind


class CookieJWTAuthentication(JWTAuthentication):
    """Authenticates a request by the access token in its cookie.

    A browser sends cookies with requests of other sites too. So unsafe requests must pass Django's
    own CSRF check, as with DRF's ``SessionAuthentication``.
    """

    varies_by: tuple[str, ...] = ("Cookie",)

    def authenticate(self, request: Request) -> tuple[Any, Claims] | None:
        """Return the user and the claims; None if there is no cookie.

        Raises:
            TokenNotValid: the token is refused.
            CsrfFailed: Django's CSRF check fails.
            Busy: as ``JWTAuthentication``.
        """
        signed_in = super().authenticate(request)
        if signed_in is not None:
            _enforce_csrf(request)
        return signed_in

    async def aauthenticate(self, request: Any) -> tuple[Any, Claims] | None:
        """Return what ``authenticate`` does, for a coroutine.

        Raises:
            RequestRefused: as ``authenticate``.
        """
        signed_in = await super().aauthenticate(request)
        if signed_in is None:
            return None
        if settings.CSRF_USE_SESSIONS:  # the secret may be in the database
            await sync_to_async(_enforce_csrf)(request)
        else:
            _enforce_csrf(request)
        return signed_in

    def get_claims(self, request: Request) -> Claims | None:
        """Return the verified claims of the token in the cookie; None if there is no cookie."""
        token = token_of(request, Kind.COOKIE_ACCESS)
        return None if token is None else verify_access(token, Kind.COOKIE_ACCESS, request=request)

    def authenticate_header(self, request: Request) -> str:
        """Return the ``WWW-Authenticate`` of a 401, with the error if a token was sent."""
        return REALM if token_of(request, Kind.COOKIE_ACCESS) is None else REALM_INVALID_TOKEN


class BrowsableAPIAuthentication(CookieJWTAuthentication):
    """Authenticates users of DRF's browsable API by the cookies of ``browser.browsable_urls``.

    It applies only if the client asks for a page. An API request is authenticated by its
    Authorization header as usual, and not by the cookies that a browser adds to it. Invalid cookies
    are ignored, as with DRF's ``SessionAuthentication``, so that they do not close a public page.

    ``browser.middleware.BrowsableAPIMiddleware`` refreshes the access token in the cookie.
    """

    varies_by = ("Accept", "Cookie")

    def authenticate(self, request: Request) -> tuple[Any, Claims] | None:
        """Return the user and the claims; None for an invalid token, or if no page is asked for.

        Raises:
            CsrfFailed: Django's CSRF check fails.
            Busy: as ``JWTAuthentication``.
        """
        varies_by(request, *self.varies_by)
        if not wants_page(request):
            return None
        try:
            return super().authenticate(request)
        except TokenNotValid:
            return None

    async def aauthenticate(self, request: Any) -> tuple[Any, Claims] | None:
        """Return what ``authenticate`` does, for a coroutine.

        Raises:
            RequestRefused: as ``authenticate``.
        """
        if not wants_page(request):
            return None
        try:
            return await super().aauthenticate(request)
        except TokenNotValid:
            return None

    def authenticate_header(self, request: Request) -> str:
        """Return the ``WWW-Authenticate`` of a 401, without an error: cookies are ignored here."""
        return REALM


def _enforce_csrf(request: Any) -> None:
    try:
        SessionAuthentication().enforce_csrf(request)
    except PermissionDenied as failed:
        raise CsrfFailed(str(failed.detail)) from None


def wants_page(request: HttpRequest) -> bool:
    """Return whether a request asks for an HTML page, as browsers do, and not for data.

    Args:
        request: Django's or DRF's.
    """
    return "text/html" in request.META.get("HTTP_ACCEPT", "")


class ImmediateCookieJWTAuthentication(CookieJWTAuthentication):
    """Authenticates by the cookie, with ``FRESHNESS = "immediate"`` whatever the setting is."""

    freshness = "immediate"
