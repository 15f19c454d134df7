"""Which sessions ended a short while ago, as each process knows it.

An access token lives for minutes, so a session that ended longer ago than that has no living token
and need not be known. What is left is a short list. With ``FRESHNESS = "bounded"`` each process
reads it at most every ``FEED_INTERVAL`` and asks nothing else.
"""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.core.signals import setting_changed
from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet

from drf_ratchet.clock import Now
from drf_ratchet.conf import NAME, ratchet_settings
from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions.database import write_database
from drf_ratchet.tokens.claims import session_id
from drf_ratchet.tokens.errors import Unavailable

log = logging.getLogger("drf_ratchet")

#: How much longer than an access token's life an ending stays in the list: for the transaction it
#: was written in to commit, and for clocks to differ.
MARGIN = timedelta(minutes=1)


class FeedTooOld(Unavailable):
    """The database has not answered for longer than ``FEED_MAX_AGE`` allows."""


class Feed:
    """The sessions that ended within one access-token lifetime.

    It only grows by reading and shrinks by age: what was read is never replaced by a later
    answer, since a database restored to an earlier state must not bring a session back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at = self._tried_at = float("-inf")
        self._overflows = False
        # Seconds. A change of the settings makes a new feed.
        self._interval = ratchet_settings().FEED_INTERVAL.total_seconds()
        self._lifetime = ratchet_settings().ACCESS_TOKEN_LIFETIME.total_seconds()
        # Each with the monotonic time after which no token can need it.
        self._ended: dict[UUID, float] = {}
        self._cut_off: dict[tuple[str, UUID], float] = {}

    def has_ended(self, claims: Mapping[str, Any]) -> bool | None:
        """Whether the session of verified claims has ended; None for "ask the database".

        Args:
            claims: of an access token.

        Raises:
            FeedTooOld: the list cannot be trusted any more, and the database does not answer.
            TokenRefused: the claims name no session.
        """
        if time.monotonic() - self._read_at >= self._interval:
            self._renew()
        session = session_id(claims)
        if session in self._ended:
            return True
        if self._cut_off and self._is_cut_off(claims["sub"], session):
            return True
        outlives = claims["exp"] - claims["iat"] > self._lifetime
        return None if outlives or self._overflows else False

    def _is_cut_off(self, subject: str, session: UUID) -> bool:
        return any(session <= last for whose, last in self._cut_off if whose in ("", subject))

    def _renew(self) -> None:
        """Read again, since what is known is older than the interval; one thread at a time."""
        interval = self._interval
        with self._lock:
            # Whoever waited for the lock finds that the one before has read or tried.
            started = time.monotonic()
            if started - self._read_at < interval:
                return
            if started - self._tried_at >= interval:
                self._tried_at = started
                self._read(started)
            age = time.monotonic() - self._read_at
            if age > max(ratchet_settings().FEED_MAX_AGE.total_seconds(), interval):
                raise FeedTooOld

    def _read(self, started: float) -> None:
        limit = ratchet_settings().FEED_MAX
        try:
            ended = list(recent_endings()[: limit + 1])
            cut_off = list(recent_cut_offs())
        except (DatabaseError, InterfaceError) as error:
            # The kind of error alone: a driver's text may hold the connection's password.
            log.error(
                "The list of ended sessions could not be read (%s). What is known is %.0f s old.",
                type(error).__name__,
                started - self._read_at,
            )
            return
        self._drop_old(started)
        self._overflows = len(ended) > limit
        for session, announced_at, now in ended[:limit]:
            self._ended[session] = _forget_at(started, announced_at, now)
        for subject, last, announced_at, now in cut_off:
            self._cut_off[subject, last] = _forget_at(started, announced_at, now)
        self._read_at = started  # before the query: it is as old as that, or younger

    def _drop_old(self, now: float) -> None:
        # New dicts: other threads read the old ones without the lock.
        self._ended = {key: until for key, until in self._ended.items() if until > now}
        self._cut_off = {key: until for key, until in self._cut_off.items() if until > now}


def window() -> timedelta:
    """How far back the list goes."""
    settings = ratchet_settings()
    return settings.ACCESS_TOKEN_LIFETIME + settings.LEEWAY + MARGIN


def recent_endings() -> QuerySet[Any, Any]:
    """Sessions that ended within the window: id, when it was announced, the database's now."""
    sessions = Session._base_manager.using(write_database()).annotate(database_now=Now())
    recent = sessions.filter(announced_at__gt=Now() - window()).order_by("-announced_at")
    return recent.values_list("pk", "announced_at", "database_now")


def recent_cut_offs() -> QuerySet[Any, Any]:
    """Cut-offs within the window: subject, last session, when announced, the database's now."""
    cut_offs = CutOff._base_manager.using(write_database()).annotate(database_now=Now())
    recent = cut_offs.filter(announced_at__gt=Now() - window())
    return recent.values_list("subject", "last_session", "announced_at", "database_now")


def _forget_at(started: float, announced_at: datetime, now: datetime) -> float:
    """By this process's monotonic clock; the age is measured by the database's."""
    return started + (window() - (now - announced_at)).total_seconds()


@cache
def feed() -> Feed:
    """This process's."""
    return Feed()


def _start_afresh(*, setting: str, **kwargs: Any) -> None:
    if setting == NAME:
        feed.cache_clear()


setting_changed.connect(_start_afresh, dispatch_uid="drf_ratchet.sessions.feed")
