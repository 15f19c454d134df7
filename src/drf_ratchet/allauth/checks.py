"""System checks of settings that allauth and drf-ratchet share."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

_COOKIES = "django.contrib.sessions.backends.signed_cookies"


@register(Tags.security)
def check_session_engine(**kwargs: Any) -> list[CheckMessage]:
    """Report a session engine that cannot delete a session."""
    if settings.SESSION_ENGINE != _COOKIES:
        return []
    return [
        Error(
            "SESSION_ENGINE keeps sessions in cookies, so allauth's session cannot be deleted when "
            "a session of drf-ratchet ends.",
            hint="Use an engine with a store on the server, such as "
            "django.contrib.sessions.backends.db.",
            id="ratchet.E017",
        )
    ]
