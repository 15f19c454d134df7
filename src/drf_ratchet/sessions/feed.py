"""Which sessions ended a short while ago, as each process knows it.

An access token lives for minutes, so a session that ended longer ago than that has no living token
and need not be known. What is left is a short list. With ``FRESHNESS = "bounded"`` each process
reads what is new in it at most every ``FEED_INTERVAL`` and asks nothing else.
"""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet

from drf_ratchet.caches import forget_on_change
from drf_ratchet.clock import Now, aware
from drf_ratchet.conf import NAME, ratchet_settings
from drf_ratchet.models import CutOff
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.one_reader import OneReader
from ratchet_tokens.claims import session_id
from ratchet_tokens.errors import Unavailable
from ratchet_tokens.forks import after_fork
from ratchet_tokens.known_endings import KnownCutOff, KnownEndings

log = logging.getLogger("drf_ratchet")

#: How much longer than an access token's life an ending stays in the list: for the transaction it
#: was written in to commit, and for clocks to differ.
MARGIN = timedelta(minutes=1)
#: How far a reading goes back behind the one before. An ending that takes longer than
#: ``announcements.SETTLED`` to commit is announced again.
OVERLAP = timedelta(seconds=10)
#: From time to time it goes back by more: for a process that died before it could announce an
#: ending again, and for a database that takes long to begin with a statement.
RECHECK_EVERY = timedelta(seconds=15)
RECHECK = MARGIN + RECHECK_EVERY
#: Seconds that a token may be younger than an ending and of the ended session all the same: until
#: the ending is committed, and for clocks that differ.
DOUBT = 10.0
#: A reading begins once this part of the interval has passed, while other threads go on with what
#: is known. They wait when the whole of it has.
EARLY = 0.75
#: Seconds from the beginning of a reading that other threads wait for it, then go on without.
PATIENCE = 1.0
#: The same for threads that know too little to go on.
PATIENCE_AT_START = 5.0
#: A reading of more endings than these is divided into so many parts. What is in one is forgotten
#: together.
_LONG, _PARTS = 20_000, 12
#: Feeds that a process keeps, one for each tenant. Those that nobody asks are dropped sooner.
MOST_FEEDS = 1000


class FeedTooOld(Unavailable):
    """The database has not answered for longer than ``FEED_MAX_AGE`` allows."""


class Feed:
    """The sessions that ended within one access-token lifetime.

    Any number of threads may ask. One of them reads at a time, over its own connection.
    """

    def __init__(self) -> None:
        settings = ratchet_settings()  # a change of the settings makes new feeds
        self._interval = settings.FEED_INTERVAL.total_seconds()
        self._early = self._interval * EARLY
        self._lifetime = settings.ACCESS_TOKEN_LIFETIME.total_seconds()
        self._max_age = max(settings.FEED_MAX_AGE.total_seconds(), self._interval)
        self._most = settings.FEED_MAX
        self._window = window()
        self._reader = OneReader()
        self._ended = KnownEndings()
        # By the monotonic clock. A reading is as old as its beginning, or younger.
        self._read_at = self._tried_at = self._rechecked_at = float("-inf")
        self.asked_at = time.monotonic()

    def has_ended(self, claims: Mapping[str, Any]) -> bool | None:
        """Return whether the session of verified claims has ended; None for "ask the database".

        Args:
            claims: of an access token.

        Raises:
            FeedTooOld: the list cannot be trusted any more, and the database does not answer.
            TokenRefused: the claims name no session.
        """
        self.asked_at = now = time.monotonic()
        if now - self._read_at >= self._early:
            self._renew(now)
        issued_at = claims["iat"]
        ended = self._ended.has_ended(claims["sub"], session_id(claims), issued_at)
        # A token that was made to live for longer may be of a session that is off the list again.
        outlives = claims["exp"] - issued_at > self._lifetime
        return None if outlives and not ended else ended

    def is_idle(self, now: float) -> bool:
        """Return whether nobody has asked for so long that all it knows is too old to matter."""
        return now - self.asked_at > self._window.total_seconds()

    def _renew(self, asked_at: float) -> None:
        """Read what is new, or see to it that what is known is young enough.

        Args:
            asked_at: what ended ``FEED_INTERVAL`` before that is to be known.
        """
        while not self._reader.read(self._read, self._is_due):
            if self._read_at >= asked_at - self._interval:
                return
            can_go_on = asked_at - self._read_at <= self._max_age
            if not self._reader.wait(PATIENCE if can_go_on else PATIENCE_AT_START):
                break
        if time.monotonic() - self._read_at > self._max_age:
            raise FeedTooOld

    def _is_due(self) -> bool:
        return time.monotonic() - max(self._read_at, self._tried_at) >= self._early

    def _read(self) -> None:
        started = self._tried_at = time.monotonic()
        now, window_ = time.time(), self._window.total_seconds()
        rechecks = started - self._rechecked_at >= RECHECK_EVERY.total_seconds()
        behind = started - self._read_at
        back = RECHECK if rechecks else OVERLAP
        reach = timedelta(seconds=min(behind + back.total_seconds(), window_))
        try:
            new = recent_endings().filter(announced_at__gt=Now() - reach)
            sessions = list(new[: self._most + 1])
            parts = _parts(sessions[: self._most])
            missed = [announced_at(session) for session in sessions[self._most :]]
            found = recent_cut_offs().filter(announced_at__gt=Now() - reach)
            cut_offs = [_known_cut_off(*columns) for columns in found]
        except (DatabaseError, InterfaceError) as error:
            # The kind of error alone: a driver's text may hold the connection's password.
            log.error(
                "The list of ended sessions could not be read (%s). What is known is %.0f s old.",
                type(error).__name__,
                behind,
            )
            return
        known, ended_by = self._ended, now + (time.monotonic() - started)
        for moment in missed:
            known.complete_since = max(known.complete_since, moment + DOUBT)
        for newest, part in parts:
            # By the database's clock, which may differ: the window has time to spare.
            age = 0.0 if newest is None else max(0.0, ended_by - newest)
            known.add(part, forget_at=started + window_ - age, ended_by=ended_by - age + DOUBT)
        known.cut_off(cut_offs, forget_at=started + window_, ended_by=ended_by + DOUBT)
        known.forget(started, self._most)
        self._read_at = started
        if rechecks:
            self._rechecked_at = started
            _drop_idle_feeds(started)


def _parts(sessions: list[UUID]) -> list[tuple[float | None, list[UUID]]]:
    """Divide a long list, as a process reads at its start, into parts with an age of their own.

    Args:
        sessions: the newest ending first.

    Returns:
        Each part with the moment of its newest ending, the oldest first; None for just now.
    """
    if len(sessions) <= _LONG:
        return [(None, sessions)]
    size = -(-len(sessions) // _PARTS)
    parts = [sessions[start : start + size] for start in range(0, len(sessions), size)]
    return [(announced_at(part[0]), part) for part in reversed(parts)]


def window() -> timedelta:
    """Return how far back the list goes."""
    settings = ratchet_settings()
    return settings.ACCESS_TOKEN_LIFETIME + settings.LEEWAY + MARGIN


def recent_endings() -> QuerySet[Any, Any]:
    """Return the ids of sessions that ended within the window, newest ending first."""
    return store.announced_since(Now() - window())


def announced_at(session: UUID) -> float:
    """Return when the ending of a session was announced, in seconds since 1970."""
    moment = store.announced_at(session)
    # It may be pruned in between.
    return time.time() if moment is None else aware(moment, write_database()).timestamp()


def recent_cut_offs() -> QuerySet[Any, Any]:
    """Return cut-offs within the window: subject, last session, kept session, when announced."""
    cut_offs = CutOff._base_manager.using(write_database())
    recent = cut_offs.filter(announced_at__gt=Now() - window())
    return recent.values_list("subject", "last_session", "kept_session", "announced_at")


def _known_cut_off(subject: str, last: UUID, kept: UUID | None, announced_at: Any) -> KnownCutOff:
    # Everybody's sessions are ended in batches after the cut-off, and refreshed until then: a
    # token that was issued after it may well be of one of them.
    moment = aware(announced_at, write_database()).timestamp() if subject else None
    return KnownCutOff(subject, last, kept, moment)


def feed_of(claims: Mapping[str, Any]) -> Feed:
    """Return this process's feed of the tenant that a token is of.

    One for each issuer and database. It is read over the connection of the request that asks, so
    with a schema for each tenant that is the right one.

    Args:
        claims: verified.
    """
    # Without the setting no token has to have one, and looking for it in vain takes longest.
    issuer = None if ratchet_settings().ISSUER is None else claims.get("iss")
    key = write_database(), issuer
    known = _feeds.get(key)
    return _feeds.setdefault(key, Feed()) if known is None else known


_feeds: dict[tuple[str, Any], Feed] = {}


def _drop_idle_feeds(now: float) -> None:
    feeds = sorted(_feeds.copy().items(), key=lambda item: item[1].asked_at)
    for place, (key, feed) in enumerate(feeds):
        if len(feeds) - place > MOST_FEEDS or feed.is_idle(now):
            _feeds.pop(key, None)


def forget_feeds() -> None:
    """Let each feed be read anew."""
    _feeds.clear()


forget_on_change(forget_feeds, NAME)
# The thread that reads may not be in the child, where all others would wait for it.
after_fork(forget_feeds)
