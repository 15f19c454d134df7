"""The keys in force, made from the settings."""

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.encoding import force_bytes

from drf_ratchet.conf import NAME, ratchet_settings
from drf_ratchet.tokens.keys import Key, KeySet

if TYPE_CHECKING:
    # Late below: with derived keys nobody reads any, and joserfc takes long to import.
    from drf_ratchet.tokens.key_files import KeyFiles


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
    """The keys in force.

    Access tokens: those of ``KEYS``, else derived from ``SECRET_KEY``, whose fallbacks still
    verify. Refresh tokens: always derived.

    Raises:
        ImproperlyConfigured: ``KEYS`` holds nothing that can be used; the text says what.
    """
    files = key_files()
    return _derived() if files is None else Keyring(files.current(), _derived().refresh)


@lru_cache(maxsize=1)
def key_files() -> "KeyFiles | None":
    """What ``KEYS`` names; None where it is not set.

    Raises:
        ImproperlyConfigured: as ``keyring``.
    """
    sources = ratchet_settings().keys
    if not sources:
        return None
    from drf_ratchet.tokens.key_files import KeyFiles

    try:
        return KeyFiles(sources)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{NAME}['KEYS'] cannot be used: {error}. To make a key: manage.py ratchet keys new"
        ) from None


def key_directory() -> Path | None:
    """The one directory that ``KEYS`` is; None where it is something else."""
    sources = ratchet_settings().keys
    if len(sources) != 1 or not isinstance(sources[0], (str, Path)):
        return None
    place = Path(sources[0])
    # One that is not there yet is about to be made.
    return place if place.is_dir() or not (place.exists() or place.suffix) else None


def load_at_start() -> None:
    """Let a server with keys that cannot be used not start at all.

    Commands do start: one of them makes the keys, and ``check`` names what is wrong (E009).

    Raises:
        ImproperlyConfigured: as ``keyring``.
    """
    program = Path(sys.argv[0])
    is_django = program.name == "__main__.py" and program.parent.name == "django"
    if not (is_django or program.name in ("manage.py", "django-admin")):
        key_files()


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
    if setting == NAME:
        key_files.cache_clear()


setting_changed.connect(_forget, dispatch_uid="drf_ratchet.keyring")
