"""A fingerprint of the user's password, to detect a change of it.

An app may add a further secret of the user's to it, by ``cover``.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.crypto import constant_time_compare

from drf_ratchet.conf import ratchet_settings

#: Returns a further secret of a user; None if the project has no such secrets.
Secret = Callable[[Any], bytes | None]

_secrets: list[Secret] = []


def cover(secret: Secret) -> None:
    """Let a change of a further secret of a user end that user's sessions.

    Sessions that were opened before it was covered stay active, and so do all when it is covered no
    more.

    Args:
        secret: returns the secret of a user, as the database has it now. It must not raise.
    """
    if secret not in _secrets:
        _secrets.append(secret)


def covers_more(user: Any) -> bool:
    """Return whether the fingerprint of a user covers more than the password.

    Args:
        user: an instance of the user model.
    """
    return bool(_more(user))


def fingerprint_of(user: Any) -> str:
    """Return the fingerprint to store with a session.

    It is a hash of Django's session auth hash, which is an HMAC of the stored password. It is ""
    for a user model without ``get_session_auth_hash``, as in ``django.contrib.auth.login``. A
    covered secret adds a dot and a hash of its own.

    Args:
        user: an instance of the user model.
    """
    auth_hash: Callable[[], str] | None = getattr(user, "get_session_auth_hash", None)
    return (_digest(auth_hash()) if auth_hash else "") + _more(user)


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
    return any(_match(known, stamp) for known in fingerprints_of(user) for stamp in stamps)


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
    for auth_hash in fallbacks() if fallbacks else ():
        yield _digest(auth_hash) + _more(user)


def _match(known: str, stamp: str) -> bool:
    if "." in known and "." in stamp:
        return constant_time_compare(known, stamp)
    # One of them was made while no further secret was covered.
    return constant_time_compare(known.partition(".")[0], stamp.partition(".")[0])


def _more(user: Any) -> str:
    found = [value for value in (secret(user) for secret in _secrets) if value is not None]
    if not found:
        return ""
    # The user's key keeps equal secrets of two users apart. 24 bits are enough to detect a change,
    # and two fingerprints still fit the column.
    told = "\n".join([str(user.pk), *(value.hex() for value in found)])
    return f".{hashlib.sha256(told.encode()).hexdigest()[:6]}"


def _digest(auth_hash: str) -> str:
    # 128 bits are enough to detect a change, and two fingerprints fit the column.
    return hashlib.sha256(auth_hash.encode()).hexdigest()[:32]
