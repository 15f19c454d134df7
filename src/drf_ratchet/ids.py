"""The id of a session."""

import secrets
import time
import uuid
from datetime import datetime


def uuid7() -> uuid.UUID:
    """A new UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, 74 random bits."""
    return _build(time.time_ns() // 1_000_000, secrets.randbits(74))


def first_uuid7(moment: datetime) -> uuid.UUID:
    """The lowest UUIDv7 of a moment: every id made earlier sorts before it.

    Args:
        moment: an aware datetime.
    """
    return _build(int(moment.timestamp() * 1000), 0)


def uuid7_of(moment: datetime, number: int) -> uuid.UUID:
    """The UUIDv7 of a moment and a number that tells it from others: the same for the same two.

    Args:
        moment: an aware datetime, not before 1970.
        number: its lowest 74 bits count.
    """
    return _build(int(moment.timestamp() * 1000), number & (1 << 74) - 1)


def _build(milliseconds: int, random: int) -> uuid.UUID:
    high, low = random >> 62, random & (1 << 62) - 1
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
