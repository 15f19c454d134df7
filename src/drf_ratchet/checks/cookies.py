"""Check the settings of the cookies that carry tokens."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from drf_ratchet.checks.browsable import signs_people_in
from drf_ratchet.checks.settings import usable_settings


@register(Tags.security, deploy=True)
def check_secure_cookies(**kwargs: Any) -> list[CheckMessage]:
    """Report W014: browsers also send cookies with tokens over plain HTTP."""
    if usable_settings().COOKIE_SECURE:
        return []
    return [
        Warning(
            "DRF_RATCHET['COOKIE_SECURE'] is False: browsers send the refresh token over plain "
            "HTTP, and a subdomain can replace the cookie.",
            hint="Use False only for development without TLS. In production remove the setting, or "
            "write 'COOKIE_SECURE': not DEBUG.",
            id="ratchet.W014",
        )
    ]


@register(Tags.security)
def check_csrf_cookie(**kwargs: Any) -> list[CheckMessage]:
    """Report W015: a cookie signs requests in, and no middleware issues CSRF tokens."""
    has_middleware = any(name.endswith("CsrfViewMiddleware") for name in settings.MIDDLEWARE)
    signs_in = usable_settings().ACCESS_TOKEN_COOKIE or signs_people_in()
    if not signs_in or has_middleware:
        return []
    return [
        Warning(
            "Cookies sign requests in (DRF_RATCHET['ACCESS_TOKEN_COOKIE'], or "
            "BrowsableAPIAuthentication) and Django's CsrfViewMiddleware is not in MIDDLEWARE.",
            hint="Unsafe requests that a cookie signs in need a CSRF token. Without the middleware "
            "no page receives one, and each such request is refused with 403. Add "
            "'django.middleware.csrf.CsrfViewMiddleware'.",
            id="ratchet.W015",
        )
    ]
