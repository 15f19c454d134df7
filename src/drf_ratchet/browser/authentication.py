"""The access token in a cookie, for DRF: the setting ``ACCESS_TOKEN_COOKIE``."""

from typing import Any

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
    """Signs a request in by the access token in its cookie.

    A browser sends cookies whoever makes it send the request, so what may change something has to
    pass Django's own protection against cross-site request forgery, as with DRF's
    ``SessionAuthentication``.
    """

    varies_by: tuple[str, ...] = ("Cookie",)

    def authenticate(self, request: Request) -> tuple[Any, Claims] | None:
        """The user and the claims; None where there is no cookie.

        Raises:
            TokenNotValid: the token is refused.
            CsrfFailed: Django's CSRF check fails.
            Busy: as ``JWTAuthentication``.
        """
        signed_in = super().authenticate(request)
        if signed_in is not None:
            try:
                SessionAuthentication().enforce_csrf(request)
            except PermissionDenied as failed:
                raise CsrfFailed(str(failed.detail)) from None
        return signed_in

    def get_claims(self, request: Request) -> Claims | None:
        """The verified claims of the cookie; None where there is none."""
        token = token_of(request, Kind.COOKIE_ACCESS)
        return None if token is None else verify_access(token, Kind.COOKIE_ACCESS, request=request)

    def authenticate_header(self, request: Request) -> str:
        """The ``WWW-Authenticate`` of a 401; names the error where a token was sent."""
        return REALM if token_of(request, Kind.COOKIE_ACCESS) is None else REALM_INVALID_TOKEN


class BrowsableAPIAuthentication(CookieJWTAuthentication):
    """Signs a person in to DRF's browsable API by the cookies of ``browser.browsable_urls``.

    Only where a page is asked for: an API call goes by its Authorization header as ever, and what
    a browser adds to it by itself signs nobody in. A cookie that is no good is as if it were not
    there, as with DRF's ``SessionAuthentication``: it must not close a public page.

    ``browser.middleware.BrowsableAPIMiddleware`` keeps the access token in the cookie fresh.
    """

    varies_by = ("Accept", "Cookie")

    def authenticate(self, request: Request) -> tuple[Any, Claims] | None:
        """The user and the claims; None where no page is asked for, or by nobody.

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

    def authenticate_header(self, request: Request) -> str:
        """The ``WWW-Authenticate`` of a 401: no token was sent for others to see."""
        return REALM


def wants_page(request: Any) -> bool:
    """Whether a browser asks for a page, and not a script for data.

    Args:
        request: Django's or DRF's.
    """
    return "text/html" in request.META.get("HTTP_ACCEPT", "")


class ImmediateCookieJWTAuthentication(CookieJWTAuthentication):
    """For views where a logout must count at once, whatever ``FRESHNESS`` is."""

    freshness = "immediate"
