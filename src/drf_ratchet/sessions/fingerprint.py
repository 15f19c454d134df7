"""A fingerprint of the user's password, to detect a change of it."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.crypto import constant_time_compare

from drf_ratchet.conf import ratchet_settings


def fingerprint_of(user: Any) -> str:
    """Return the fingerprint to store with a session.

    It is a hash of Django's session auth hash, which is an HMAC of the stored password. It is ""
    for a user model without ``get_session_auth_hash``, as in ``django.contrib.auth.login``.

    Args:
        user: an instance of the user model.
    """
    auth_hash: Callable[[], str] | None = getattr(user, "get_session_auth_hash", None)
    return _digest(auth_hash()) if auth_hash else ""


def is_unchanged(user: Any, stored: str) -> bool:
    """Return whether a session's fingerprint matches the user's current password.

    A fingerprint made under one of ``SECRET_KEY_FALLBACKS`` matches too. Without
    ``USER_CHANGES_END_SESSIONS`` every fingerprint does.

    Args:
        user: the user, as the database has it now.
        stored: one fingerprint, or two joined by ``join_fingerprints``.
    """
    if not ratchet_settings().USER_CHANGES_END_SESSIONS:
        return True
    stamps = stored.split(",")
    return any(
        constant_time_compare(known, stamp) for known in fingerprints_of(user) for stamp in stamps
    )


def renewed(user: Any, stored: str) -> str:
    """Return the fingerprint to write at a refresh: the stored one if it uses the current key.

    A fingerprint made under one of ``SECRET_KEY_FALLBACKS`` is replaced before that key is removed.

    Args:
        user: the user, read together with the fingerprint. A concurrent password upgrade may
            already have written both hashes to it.
        stored: the session's fingerprint, which matches the user.
    """
    current = fingerprint_of(user)
    return stored if current in stored.split(",") else current


def join_fingerprints(one: str, other: str) -> str:
    """Return a fingerprint that matches both, for the moment in which one replaces the other."""
    return f"{one},{other}"


def fingerprints_of(user: Any) -> Iterable[str]:
    """Yield the current fingerprint, then one for each of ``SECRET_KEY_FALLBACKS``.

    Args:
        user: an instance of the user model.
    """
    yield fingerprint_of(user)
    fallbacks: Callable[[], Iterable[str]] | None = getattr(
        user, "get_session_auth_fallback_hash", None
    )
    if fallbacks:
        yield from map(_digest, fallbacks())


def _digest(auth_hash: str) -> str:
    # 128 bits are enough to detect a change, and two fingerprints fit the column.
    return hashlib.sha256(auth_hash.encode()).hexdigest()[:32]
