"""System checks of settings that allauth and drf-ratchet share."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from drf_ratchet.allauth.second_factor import DEFAULTS, NAME

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


@register(Tags.security)
def check_setting(**kwargs: Any) -> list[CheckMessage]:
    """Report mistakes in the setting ``DRF_RATCHET_ALLAUTH``."""
    given = getattr(settings, NAME, {})
    if isinstance(given, dict):
        wrong = [
            str(name)[:40] for name in given if type(given[name]) is not type(DEFAULTS.get(name))
        ]
        if not wrong:
            return []
        said = f"{NAME} has no such settings, or they are no booleans: {', '.join(wrong)}."
    else:
        said = f"{NAME} is not a dict."
    known = ", ".join(f"{name} (default {value})" for name, value in DEFAULTS.items())
    return [Error(said, hint=f"Known: {known}.", id="ratchet.E018")]
