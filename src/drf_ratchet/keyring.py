"""The keys in use, made from the settings.

Django's error page shows the local variables of each function that an exception passes through. So
the functions that raise here hold no secret. Those that hold one return the text of the error.
"""

import logging
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise

from drf_ratchet.caches import forget_on_change
from drf_ratchet.conf import NAME, RatchetSettings, ratchet_settings
from ratchet_tokens.keys import Key, KeySet

if TYPE_CHECKING:
    # Imported late below: derived keys need no files, and joserfc takes long to import.
    from ratchet_tokens.key_files import KeyFiles

log = logging.getLogger("drf_ratchet")


@dataclass(frozen=True, slots=True)
class Keyring:
    """A key set for each kind of token. They share no key, so no token passes as the other kind.

    Args:
        access: signs access tokens; its public keys are published.
        refresh: signs refresh tokens; always HMAC, never published.
    """

    access: KeySet
    refresh: KeySet


def keyring() -> Keyring:
    """Return the keys in use.

    Access tokens use the keys of ``KEYS``. Without it, their key is derived from ``SECRET_KEY``,
    whose fallbacks still verify. Keys of refresh tokens are always derived.

    Raises:
        ImproperlyConfigured: ``KEYS`` has no usable key; the text says why.
    """
    files = key_files()
    return _derived() if files is None else Keyring(files.current(), _derived().refresh)


@lru_cache(maxsize=1)
def key_files() -> "KeyFiles | None":
    """Return the key files that ``KEYS`` names; None if it is not set.

    Raises:
        ImproperlyConfigured: as ``keyring``.
    """
    made = read_key_files(ratchet_settings())
    if isinstance(made, str):
        raise ImproperlyConfigured(f"{made} To make a key: manage.py ratchet keys new")
    return made


def read_key_files(chosen: RatchetSettings) -> "KeyFiles | str | None":
    """Return the keys that ``KEYS`` names, or the text of what is wrong; None if it is not set.

    Args:
        chosen: the settings, all of them valid.
    """
    if not chosen.keys:
        return None
    from ratchet_tokens.key_files import KeyFiles

    try:
        return KeyFiles(chosen.keys, chosen.key_places)
    except ValueError as error:
        why = str(error).rstrip(".")
    # Most of these texts name the setting and the number of its entry themselves.
    return f"{why}." if why.startswith(NAME) else f"{NAME}['KEYS'] cannot be used: {why}."


def key_directory() -> Path | None:
    """Return the directory that ``KEYS`` names, existing or not; None if it names none or more.

    ``manage.py ratchet keys new`` creates a missing directory and prints its path. A text that may
    be a key must not become one. So a string must be an absolute path, and its last part must be
    short and plain.
    """
    sources = ratchet_settings().keys
    if len(sources) != 1 or not isinstance(sources[0], (str, Path)):
        return None
    place = Path(sources[0])
    try:
        if place.is_dir():
            return place
        absent = not place.exists() and place.absolute().parent.is_dir()
    except (OSError, ValueError):  # too long for a path, or with a NUL
        return None
    is_path = isinstance(sources[0], Path) or place.is_absolute()
    return place if absent and is_path and _NEW_DIRECTORY.fullmatch(place.name) else None


#: The name is shorter than the shortest secret that signs (RFC 7518 section 3.2), without a suffix.
_NEW_DIRECTORY = re.compile(r"[A-Za-z0-9_-]{1,31}")


def load_at_start() -> None:
    """Stop a server from starting if its keys cannot be used.

    Django's other commands still start: one of them makes the keys, and ``check`` names the error
    (E009).

    Raises:
        ImproperlyConfigured: as ``keyring``.
    """
    program = Path(sys.argv[0])
    is_django = program.name == "__main__.py" and program.parent.name == "django"
    if not (is_django or program.name in ("manage.py", "django-admin")):
        key_files()


@lru_cache(maxsize=1)
def _derived() -> Keyring:
    made = _derive()
    if isinstance(made, str):
        raise ImproperlyConfigured(made)
    return made


def _derive() -> Keyring | str:
    wrong = unusable_secrets()
    if "SECRET_KEY" in wrong:
        return f"{wrong['SECRET_KEY']} Every token depends on it."
    for problem in wrong.values():
        log.error("%s It is ignored.", problem)
    # Common mistakes in a settings file: a fallback that repeats the secret, and "".split(",").
    secrets = dict.fromkeys(_bytes(secret) for secret in _usable_secrets() if secret)
    return Keyring(
        *(
            KeySet(*_signing_first([Key.derive(secret, use) for secret in secrets]))
            for use in ("access", "refresh")
        )
    )


def _signing_first(keys: list[Key]) -> tuple[Key, list[Key]]:
    return keys[0], keys[1:]


def unusable_secrets() -> dict[str, str]:
    """Return what is wrong with ``SECRET_KEY`` and each of its fallbacks, by their names.

    Any value can be converted to a text, but an attacker can guess that text. Examples are "None",
    the "**********" of a value that masks itself, or each letter of a string in place of a list.
    """
    wrong = {}
    if not (_is_secret(settings.SECRET_KEY) and settings.SECRET_KEY):
        wrong["SECRET_KEY"] = "SECRET_KEY must be a string or bytes, and not empty."
    fallbacks: Any = settings.SECRET_KEY_FALLBACKS
    if not isinstance(fallbacks, (list, tuple)):
        return {**wrong, "SECRET_KEY_FALLBACKS": "SECRET_KEY_FALLBACKS must be a list or a tuple."}
    for index, secret in enumerate(fallbacks):
        if not _is_secret(secret):
            name = f"SECRET_KEY_FALLBACKS[{index}]"
            wrong[name] = f"{name} must be a string or bytes."
    return wrong


def _usable_secrets() -> list[Any]:
    fallbacks: Any = settings.SECRET_KEY_FALLBACKS
    if not isinstance(fallbacks, (list, tuple)):
        return [settings.SECRET_KEY]
    return [settings.SECRET_KEY, *filter(_is_secret, fallbacks)]


def _is_secret(value: object) -> bool:
    return isinstance(value, (str, bytes, Promise))


def _bytes(secret: Any) -> bytes:
    # An environment variable that is not UTF-8 contains surrogates. An encoding error would quote
    # it.
    is_bytes = isinstance(secret, bytes)
    return bytes(secret) if is_bytes else str(secret).encode("utf-8", "surrogatepass")


forget_on_change(_derived.cache_clear, "SECRET_KEY", "SECRET_KEY_FALLBACKS")
forget_on_change(key_files.cache_clear, NAME)
