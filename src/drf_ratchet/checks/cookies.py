"""The cookies that browsers carry tokens in."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from drf_ratchet.checks.browsable import signs_people_in
from drf_ratchet.checks.settings import usable_settings


@register(Tags.security, deploy=True)
def check_secure_cookies(**kwargs: Any) -> list[CheckMessage]:
    """W014: cookies with tokens travel over plain HTTP too."""
    if usable_settings().COOKIE_SECURE:
        return []
    return [
        Warning(
            "DRF_RATCHET['COOKIE_SECURE'] is False: browsers send the refresh token over plain "
            "HTTP, and a subdomain can put a cookie of its own in its place.",
            hint="It is for development without TLS. Leave it out in production, or make it "
            "DEBUG's opposite.",
            id="ratchet.W014",
        )
    ]


@register(Tags.security)
def check_csrf_cookie(**kwargs: Any) -> list[CheckMessage]:
    """W015: a cookie signs requests in, and nothing gives pages the token that protects them."""
    has_middleware = any(name.endswith("CsrfViewMiddleware") for name in settings.MIDDLEWARE)
    signs_in = usable_settings().ACCESS_TOKEN_COOKIE or signs_people_in()
    if not signs_in or has_middleware:
        return []
    return [
        Warning(
            "Cookies sign requests in (DRF_RATCHET['ACCESS_TOKEN_COOKIE'], or "
            "BrowsableAPIAuthentication) and Django's CsrfViewMiddleware is not in MIDDLEWARE.",
            hint="Such an authentication demands a CSRF token for whatever changes something, "
            "and no page ever gets one: each such request is a 403. Add "
            "'django.middleware.csrf.CsrfViewMiddleware'.",
            id="ratchet.W015",
        )
    ]
