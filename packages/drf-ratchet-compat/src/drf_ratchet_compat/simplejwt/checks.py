"""System checks of ``SIMPLE_JWT``."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from drf_ratchet_compat.simplejwt import underneath
from drf_ratchet_compat.simplejwt.keys import is_too_short, legacy_keys
from drf_ratchet_compat.simplejwt.settings import NAME, api_settings


@register(Tags.security)
def check_simple_jwt(**kwargs: Any) -> list[CheckMessage]:
    """E001: it asks for what cannot be done. W001: what is not as it reads."""
    return [*_errors(), *_warnings()]


@register(Tags.security, deploy=True)
def check_legacy_keys(**kwargs: Any) -> list[CheckMessage]:
    """W002: simplejwt's own tokens are still accepted."""
    try:
        accepted = bool(legacy_keys())
    except ImproperlyConfigured:
        return []  # E001 says it
    if not accepted:
        return []
    return [
        Warning(
            "Tokens that simplejwt made are still accepted.",
            hint="That is what a move needs. Once all of them have expired, which is "
            f"{api_settings.REFRESH_TOKEN_LIFETIME} after the last server with simplejwt was "
            f"stopped, set {NAME}['LEGACY_KEYS'] = [].",
            id="ratchet_simplejwt.W002",
        )
    ]


def _errors() -> Iterator[CheckMessage]:
    given = api_settings.user_settings
    refused = list(underneath.refusals(given))
    for text, hint in refused:
        yield Error(text, hint=hint, id="ratchet_simplejwt.E001")
    if not refused:
        try:
            underneath.defaults()
        except ImproperlyConfigured as error:
            yield Error(str(error), hint="It is the key of ALGORITHM.", id="ratchet_simplejwt.E001")


def _warnings() -> Iterator[CheckMessage]:
    given = api_settings.user_settings
    for text, hint in (*underneath.unknown(given), *underneath.left_behind(given)):
        yield Warning(text, hint=hint, id="ratchet_simplejwt.W001")
    if api_settings.user_settings.get("SIGNING_KEY") and is_too_short():
        yield Warning(
            f"{NAME}['SIGNING_KEY'] is too short for {api_settings.ALGORITHM}: new tokens are "
            "signed with a key derived from SECRET_KEY.",
            hint="Services that verify with it refuse the new tokens. Give all of them a longer "
            "one.",
            id="ratchet_simplejwt.W001",
        )
