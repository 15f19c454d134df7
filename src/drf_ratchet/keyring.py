"""The keys in force, made from the settings."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.encoding import force_bytes

from drf_ratchet.tokens.keys import Key, KeySet


@dataclass(frozen=True, slots=True)
class Keyring:
    """A key set for each kind of token. They share no key, so neither kind passes for the other.

    Args:
        access: signs access tokens; its public keys are published.
        refresh: signs refresh tokens; always HMAC, never published.
    """

    access: KeySet
    refresh: KeySet


def keyring() -> Keyring:
    """The keys in force: derived from ``SECRET_KEY``; its fallbacks still verify."""
    return _derived()


@lru_cache(maxsize=1)
def _derived() -> Keyring:
    # Easy slips in a settings file: a fallback that repeats the secret, and "".split(",").
    given = [
        force_bytes(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    secrets = [secret for secret in dict.fromkeys(given) if secret]
    access, refresh = (
        KeySet(*_signing_first([Key.derive(secret, use) for secret in secrets]))
        for use in ("access", "refresh")
    )
    return Keyring(access, refresh)


def _signing_first(keys: list[Key]) -> tuple[Key, list[Key]]:
    return keys[0], keys[1:]


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in ("SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        _derived.cache_clear()


setting_changed.connect(_forget, dispatch_uid="drf_ratchet.keyring")
