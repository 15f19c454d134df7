"""System checks: what is wrong with the settings, before anything runs."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from drf_ratchet.conf import NAME, bad_values, unknown_keys


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """E001: a key is unknown. E002: a value cannot be used."""
    given = getattr(settings, NAME, {})
    return [
        *(Error(text, hint=hint, id="ratchet.E001") for text, hint in unknown_keys(given)),
        *(Error(text, hint=hint, id="ratchet.E002") for text, hint in bad_values(given)),
    ]
