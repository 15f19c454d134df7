"""Whether a request comes from a page that may use the cookies.

Browsers say where a request comes from in headers that no script can set; nothing has to be fetched
and sent back first. OWASP's cheat sheet on cross-site request forgery calls it Fetch Metadata with
verification of the origin.
"""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import CSRFCheck, SessionAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission

from drf_ratchet.security_log import one_line, security_log

if TYPE_CHECKING:
    # Not at run time: settings may name the classes here, and DRF's views read those settings.
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsSameOrigin(BasePermission):
    """403 for what another site sends, by a form, a script or a frame.

    An ``Origin`` must be the host's own or in ``CSRF_TRUSTED_ORIGINS``. Without one
    ``Sec-Fetch-Site`` must be ``same-origin``. Neither: 403. Reading is left alone, since other
    origins cannot see the answer.
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
        """Whether it comes from one of our pages."""
        if request.method in SAFE_METHODS or comes_from_us(request):
            return True
        security_log.warning(
            "Refused a request to %s from origin %.200r, Sec-Fetch-Site %.20r; our own is %.200r. "
            "Behind a proxy that ends TLS, SECURE_PROXY_SSL_HEADER has to be set.",
            one_line(request.path),
            request.META.get("HTTP_ORIGIN"),
            request.META.get("HTTP_SEC_FETCH_SITE"),
            f"{request.scheme}://{request.META.get('HTTP_HOST', '')}",
        )
        return False


class HasCSRFToken(BasePermission):
    """403 for a form that is not of this site; for signing in as well.

    Django's own check, with the form's token and the ``Origin``. Otherwise another site could sign
    a browser in as somebody else, who then reads what its owner writes.
    """

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        """Whether it comes from one of our forms.

        Raises:
            PermissionDenied: it does not; the text says why.
        """
        if request.method not in SAFE_METHODS:
            SessionAuthentication().enforce_csrf(request)
        return True


def comes_from_us(request: Any) -> bool:
    """Whether the request's headers say that a page of this site, or a trusted one, sent it.

    Args:
        request: Django's or DRF's.
    """
    http = getattr(request, "_request", request)
    if "HTTP_ORIGIN" in http.META:
        # Django's own comparison, with CSRF_TRUSTED_ORIGINS and its wildcards. "null", which
        # sandboxed frames send, is nobody's origin.
        check: Any = CSRFCheck(lambda request: None)  # type: ignore[arg-type]
        return bool(check._origin_verified(http))
    return bool(http.META.get("HTTP_SEC_FETCH_SITE") == "same-origin")
