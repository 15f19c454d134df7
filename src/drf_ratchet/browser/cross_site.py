"""Refuse requests from other sites to the views that use cookies.

Browsers name a request's origin in headers that no script can set, so no CSRF token has to be
fetched first. OWASP's cheat sheet on cross-site request forgery calls this Fetch Metadata with
verification of the origin.
"""

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import CSRFCheck, SessionAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import CookieRefused, SecureCookieRefused
from drf_ratchet.security_log import one_line, security_log

if TYPE_CHECKING:
    # Not imported at run time: settings may name the classes here, and DRF's views read those
    # settings.
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsSameOrigin(BasePermission):
    """403 for a request that another site sends, by a form, a script or a frame.

    ``Origin`` must be the host's own or in ``CSRF_TRUSTED_ORIGINS``. Without ``Origin``,
    ``Sec-Fetch-Site`` must be ``same-origin``. A request with neither header is refused. Safe
    methods are allowed, because other origins cannot read the response.

    Also 403 for a page that may use the cookies, but whose browser would drop them.
    """

    code = "cross_site"
    message = {
        "detail": _(
            "This request does not come from a page of this site. If it should be allowed, add "
            "its origin to CSRF_TRUSTED_ORIGINS."
        ),
        "code": code,
    }

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        """Return whether the request comes from a page of this site, or its method is safe.

        Raises:
            CookieRefused: it comes from such a page, but its browser would drop the response's
                cookies.
        """
        if request.method in SAFE_METHODS:
            return True
        if comes_from_us(request):
            require_cookie_support(request)
            return True
        if "HTTP_ORIGIN" in request.META:
            hint = (
                "If this page is yours, add its origin to CSRF_TRUSTED_ORIGINS: it has another "
                "origin, or a proxy in front of the server changes Host (as development servers "
                "do). Behind a proxy that ends TLS, set SECURE_PROXY_SSL_HEADER."
            )
        else:
            hint = "Browsers send these headers. Let other clients use the endpoints of token/."
        _log_refusal(request, hint)
        return False


class HasCSRFToken(BasePermission):
    """403 for a form that another site sends; it protects sign-in, too.

    This is Django's own check, by the form's token and the ``Origin``. Without it another site
    could sign a browser in to an attacker's account, which would then receive what its user writes.
    """

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        """Return True if the request comes from a form of this site, or its method is safe.

        Raises:
            PermissionDenied: the CSRF check fails; the text says why.
            CookieRefused: the check passes, but the browser would drop the response's cookies.
        """
        if request.method not in SAFE_METHODS:
            SessionAuthentication().enforce_csrf(request)
            require_cookie_support(request)
        return True


def require_cookie_support(request: HttpRequest) -> None:
    """Refuse a request whose browser would drop the cookies of the response.

    Not every case can be detected from the request. So a client should ask ``session/`` after a
    sign-in.

    Args:
        request: Django's or DRF's.

    Raises:
        CookieRefused: the browser would drop the cookies.
    """
    meta = request.META
    # Browsers keep SameSite=Strict cookies if the page and all pages that frame it are on the API's
    # site (RFC 6265bis section 5.7). Everywhere else Chromium sends Sec-Fetch-Storage-Access, with
    # any value. Sec-Fetch-Site is not enough: it may be same-origin in a frame on another site.
    if meta.get("HTTP_SEC_FETCH_SITE") == "cross-site" or "HTTP_SEC_FETCH_STORAGE_ACCESS" in meta:
        _log_refusal(
            request,
            "Browsers drop SameSite=Strict cookies there. Serve the page and the API on one site, "
            "and not in a frame on another site. localhost and 127.0.0.1 are two sites.",
        )
        raise CookieRefused
    if ratchet_settings().COOKIE_SECURE and _is_plain_http(meta):
        _log_refusal(
            request,
            "Browsers drop Secure cookies there. Use HTTPS, or in development set "
            "DRF_RATCHET['COOKIE_SECURE'] to False.",
        )
        raise SecureCookieRefused


def _is_plain_http(meta: Any) -> bool:
    """Return whether the page uses plain HTTP on a host that its browser does not trust.

    The page's origin decides, because a proxy may be in between. Browsers send ``Sec-Fetch-Site``
    only to trusted hosts: those with TLS, and their own machine.
    """
    origin = urlsplit(meta.get("HTTP_ORIGIN", ""))
    if origin.scheme != "http" or "HTTP_SEC_FETCH_SITE" in meta:
        return False
    host = origin.hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


def _log_refusal(request: HttpRequest, hint: str) -> None:
    meta = request.META
    security_log.warning(
        "Refused a request to %s from origin %.200r, Sec-Fetch-Site %.20r; our own is %.200r. %s",
        one_line(request.path),
        meta.get("HTTP_ORIGIN"),
        meta.get("HTTP_SEC_FETCH_SITE"),
        f"{request.scheme}://{meta.get('HTTP_HOST', '')}",
        hint,
    )


def comes_from_us(request: HttpRequest) -> bool:
    """Return whether the request's headers name a page of this site, or of a trusted one.

    Args:
        request: Django's or DRF's.
    """
    http = getattr(request, "_request", request)
    if "HTTP_ORIGIN" in http.META:
        # Django's own comparison, with CSRF_TRUSTED_ORIGINS and its wildcards. It never accepts
        # "null", which sandboxed frames send.
        check: Any = CSRFCheck(lambda request: None)  # type: ignore[arg-type]
        return bool(check._origin_verified(http))
    return bool(http.META.get("HTTP_SEC_FETCH_SITE") == "same-origin")
