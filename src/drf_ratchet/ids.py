"""Make the ids of sessions."""

import secrets
import time
import uuid
from datetime import datetime


def uuid7() -> uuid.UUID:
    """Return a new UUID version 7 (RFC 9562 section 5.7): milliseconds, fraction, 62 random bits.

    The fraction of the millisecond (section 6.2, method 3) keeps the ids of one process in order.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = (nanoseconds << 12) // 1_000_000
    return _build(milliseconds, fraction << 62 | secrets.randbits(62))


def first_uuid7(moment: datetime) -> uuid.UUID:
    """Return the lowest UUIDv7 of a moment: every id made earlier sorts before it.

    Args:
        moment: an aware datetime.
    """
    return _build(int(moment.timestamp() * 1000), 0)


def uuid7_of(moment: datetime, number: int) -> uuid.UUID:
    """Return the UUIDv7 of a moment and a number; the same arguments give the same id.

    Args:
        moment: an aware datetime, not before 1970.
        number: distinguishes ids of the same moment; its lowest 74 bits are used.
    """
    return _build(int(moment.timestamp() * 1000), number & (1 << 74) - 1)


def _build(milliseconds: int, rest: int) -> uuid.UUID:
    high, low = rest >> 62, rest & (1 << 62) - 1
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
