"""The small things that projects import from simplejwt's module of this name."""

import hashlib
import logging
from calendar import timegm
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.functional import lazy

logger = logging.getLogger("drf_ratchet_compat.simplejwt")


def get_md5_hash_password(password: str) -> str:
    """What simplejwt wrote into tokens with ``CHECK_REVOKE_TOKEN``; only read here.

    Args:
        password: as the database has it, hashed.
    """
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest().upper()


def make_utc(dt: datetime) -> datetime:
    """A naive moment as an aware one in UTC, with ``USE_TZ``."""
    return dt.replace(tzinfo=UTC) if settings.USE_TZ and dt.tzinfo is None else dt


def aware_utcnow() -> datetime:
    """Now; naive, in UTC, without ``USE_TZ``."""
    now = datetime.now(tz=UTC)
    return now if settings.USE_TZ else now.replace(tzinfo=None)


def datetime_to_epoch(dt: datetime) -> int:
    """Seconds since 1970; a naive moment is taken for UTC."""
    return timegm(dt.utctimetuple())


def datetime_from_epoch(ts: float) -> datetime:
    """The moment, as ``aware_utcnow`` has it."""
    moment = datetime.fromtimestamp(ts, tz=UTC)
    return moment if settings.USE_TZ else moment.replace(tzinfo=None)


def _format(s: str, *args: Any, **kwargs: Any) -> str:
    return s.format(*args, **kwargs)


#: ``str.format``, done when the text is shown.
format_lazy: Callable[..., Any] = lazy(_format, str)
