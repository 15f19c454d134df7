"""Check settings of other packages that change the responses drf-ratchet's clients receive."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security)
def check_authenticators(**kwargs: Any) -> list[CheckMessage]:
    """Report W008: the first authentication class turns every 401 into a 403."""
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.settings import api_settings

    from drf_ratchet.authentication import JWTAuthentication

    try:
        classes: list[Any] = list(api_settings.DEFAULT_AUTHENTICATION_CLASSES or ())
    except ImportError:
        return []  # DRF reports it at the first use
    first, *others = classes or [JWTAuthentication]
    answers_401 = (
        getattr(first, "authenticate_header", None) is not BaseAuthentication.authenticate_header
    )
    if answers_401 or not any(issubclass(other, JWTAuthentication) for other in others):
        return []
    return [
        Warning(
            f"{first.__name__} comes before JWTAuthentication in "
            "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'] and has no authenticate_header: the "
            "response to an expired token is 403 instead of 401.",
            hint="Clients refresh after a 401, not after a 403. Put JWTAuthentication first.",
            id="ratchet.W008",
        )
    ]


@register(Tags.security)
def check_cors(**kwargs: Any) -> list[CheckMessage]:
    """Report W011: browsers on another origin may not send the Idempotency-Key."""
    installed = any(app.split(".")[0] == "corsheaders" for app in settings.INSTALLED_APPS)
    # django-cors-headers' default does not have it.
    allowed = {str(name).lower() for name in getattr(settings, "CORS_ALLOW_HEADERS", ())}
    if not installed or allowed & {"idempotency-key", "*"}:
        return []
    return [
        Warning(
            "CORS_ALLOW_HEADERS does not have 'idempotency-key'.",
            hint="A browser on another origin cannot send it, so a refresh whose response was lost "
            "cannot be retried after the grace period. Write CORS_ALLOW_HEADERS = "
            "(*corsheaders.defaults.default_headers, 'idempotency-key').",
            id="ratchet.W011",
        )
    ]
