"""Check the settings about TLS and proxies between the client and the server."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_https(**kwargs: Any) -> list[CheckMessage]:
    """Report W009: no setting enforces HTTPS."""
    redirects = settings.SECURE_SSL_REDIRECT and any(
        name.endswith("SecurityMiddleware") for name in settings.MIDDLEWARE
    )
    if redirects or settings.SECURE_PROXY_SSL_HEADER:
        return []
    return [
        Warning(
            "No setting enforces HTTPS, so tokens and passwords may be sent unencrypted.",
            hint="Set SECURE_SSL_REDIRECT = True (with SecurityMiddleware), or, behind a proxy "
            "that accepts only HTTPS, SECURE_PROXY_SSL_HEADER. A client sends its token before it "
            "is redirected: give clients the https:// address.",
            id="ratchet.W009",
        )
    ]


@register(Tags.security, deploy=True)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Report W010: every client appears to have the proxy's address."""
    from rest_framework.settings import api_settings

    signs = [
        name
        for name in ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")
        if getattr(settings, name)
    ]
    if not signs or api_settings.NUM_PROXIES is not None:
        return []
    return [
        Warning(
            f"{signs[0]} says that there is a proxy, and REST_FRAMEWORK['NUM_PROXIES'] is not set: "
            "every client has the proxy's address.",
            hint="One attacker can then exhaust the sign-in rate of all users. Set NUM_PROXIES to "
            "the number of proxies that add to X-Forwarded-For; 0 if the server sets REMOTE_ADDR.",
            id="ratchet.W010",
        )
    ]


@register(Tags.security)
def check_number_of_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Report E016: NUM_PROXIES is not a whole number, as with an environment variable's text."""
    from rest_framework.settings import api_settings

    number: Any = api_settings.NUM_PROXIES
    if number is None or (isinstance(number, int) and number >= 0):
        return []
    return [
        Error(
            "REST_FRAMEWORK['NUM_PROXIES'] is not a whole number of at least 0: requests with "
            "X-Forwarded-For fail.",
            hint="Environment variables are text. Write int(os.environ['NUM_PROXIES']).",
            id="ratchet.E016",
        )
    ]
