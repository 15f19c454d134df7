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


def is_unchanged(user: Any, stored: str) -> bool:
    """Whether a session with this stamp was opened under the user's present password.

    A fingerprint made under one of ``SECRET_KEY_FALLBACKS`` counts.

    Args:
        user: as the database has it now.
        stored: one fingerprint, or what ``either`` made of two.
    """
    stamps = stored.split(",")
    return any(
        constant_time_compare(known, stamp) for known in fingerprints_of(user) for stamp in stamps
    )


def renewed(user: Any, stored: str) -> str:
    """The stamp to write at a turn: the stored one.

    One made under a ``SECRET_KEY`` that is about to go is replaced, before the key is gone.

    Args:
        user: as read together with the stamp, which the stamp may be a step ahead of.
        stored: the stamp; it fits the user.
    """
    current = fingerprint_of(user)
    return stored if current in stored.split(",") else current


def either(one: str, other: str) -> str:
    """A stamp that both fingerprints fit, for the moment in which one replaces the other."""
    return f"{one},{other}"


def fingerprints_of(user: Any) -> Iterable[str]:
    """The present fingerprint, then one for each of ``SECRET_KEY_FALLBACKS``."""
    yield fingerprint_of(user)
    fallbacks: Callable[[], Iterable[str]] | None = getattr(
        user, "get_session_auth_fallback_hash", None
    )
    if fallbacks:
        yield from map(_digest, fallbacks())


def _digest(auth_hash: str) -> str:
    # 128 bits are plenty to notice a change by, and two of them fit the column.
    return hashlib.sha256(auth_hash.encode()).hexdigest()[:32]
