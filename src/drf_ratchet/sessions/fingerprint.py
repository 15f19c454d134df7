"""A fingerprint of the user's password, to notice when it changes."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.crypto import constant_time_compare


def fingerprint_of(user: Any) -> str:
    """The fingerprint to store with a session.

    A hash over Django's session auth hash, which is an HMAC over the stored password. "" for a
    user model that has none, as ``django.contrib.auth.login`` does it.
    """
    auth_hash: Callable[[], str] | None = getattr(user, "get_session_auth_hash", None)
    return _digest(auth_hash()) if auth_hash else ""


def is_unchanged(user: Any, fingerprint: str) -> bool:
    """Whether a session with this fingerprint was opened under the user's present password.

    A fingerprint made under one of ``SECRET_KEY_FALLBACKS`` counts.
    """
    return any(constant_time_compare(known, fingerprint) for known in fingerprints_of(user))


def fingerprints_of(user: Any) -> Iterable[str]:
    """The present fingerprint, then one for each of ``SECRET_KEY_FALLBACKS``."""
    yield fingerprint_of(user)
    fallbacks: Callable[[], Iterable[str]] | None = getattr(
        user, "get_session_auth_fallback_hash", None
    )
    if fallbacks:
        yield from map(_digest, fallbacks())


def _digest(auth_hash: str) -> str:
    return hashlib.sha256(auth_hash.encode()).hexdigest()
