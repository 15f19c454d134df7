"""The sessions that ended recently, as each process knows them.

An access token lives for minutes. A session that ended longer ago has no valid access token, so
it can be forgotten. The list of the others is short. With ``FRESHNESS = "bounded"`` each
process reads what is new in it at most once per ``FEED_INTERVAL``, and sends no other query.
"""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet

from drf_ratchet.caches import forget_on_change
from drf_ratchet.clock import Now, aware
from drf_ratchet.conf import NAME, ratchet_settings
from drf_ratchet.models import CutOff
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.single_flight import SingleFlight
from ratchet_tokens.claims import session_id
from ratchet_tokens.errors import Unavailable
from ratchet_tokens.forks import after_fork
from ratchet_tokens.known_endings import KnownCutOff, KnownEndings

log = logging.getLogger("drf_ratchet")

#: How much longer than an access token's lifetime an ending stays in the list. The margin covers
#: slow commits and differences between clocks.
MARGIN = timedelta(minutes=1)
#: Overlap of a reading with the previous one. An ending that takes longer than
#: ``announcements.SETTLED`` to commit is announced again.
OVERLAP = timedelta(seconds=10)
#: A longer overlap, at this interval. It covers a process that died before it announced an ending
#: again, and a database that was slow to start a statement.
RECHECK_EVERY = timedelta(seconds=15)
RECHECK = MARGIN + RECHECK_EVERY
#: Seconds by which a token may be younger than the ending of its session. The token may be issued
#: before the ending commits, and clocks differ.
DOUBT = 10.0
#: Fraction of the interval after which a reading begins. Other threads continue with the known list
#: until the whole interval has passed, then they wait.
EARLY = 0.75
#: Seconds from the beginning of a reading that other threads wait for it before they continue
#: without it.
PATIENCE = 1.0
#: The same for threads whose list is too old to continue.
PATIENCE_AT_START = 5.0
#: A reading of more endings than ``_LONG`` is divided into ``_PARTS``. The endings of a part are
#: forgotten together.
_LONG, _PARTS = 20_000, 12
#: Maximum number of feeds in a process, one for each tenant. Idle feeds are dropped earlier.
MOST_FEEDS = 1000


class FeedTooOld(Unavailable):
    """The list is too old: the database has not answered for longer than ``FEED_MAX_AGE``."""


class Feed:
    """The sessions that ended within one access-token lifetime.

    Any number of threads may use it. Only one of them reads at a time, over its own connection.
    """

    def __init__(self) -> None:
        settings = ratchet_settings()  # when settings change, all feeds are replaced
        self._interval = settings.FEED_INTERVAL.total_seconds()
        self._early = self._interval * EARLY
        self._lifetime = settings.ACCESS_TOKEN_LIFETIME.total_seconds()
        self._max_age = max(settings.FEED_MAX_AGE.total_seconds(), self._interval)
        self._most = settings.FEED_MAX
        self._window = window()
        self._reader = SingleFlight()
        self._ended = KnownEndings()
        # By the monotonic clock, at the beginning of the reading. What was read is no older.
        self._read_at = self._tried_at = self._rechecked_at = float("-inf")
        self.asked_at = time.monotonic()

    def has_ended(self, claims: Mapping[str, Any]) -> bool | None:
        """Return whether the session of a token has ended; None if the database must be asked.

        Args:
            claims: verified claims of an access token.

        Raises:
            FeedTooOld: the list is older than ``FEED_MAX_AGE``, and the database does not answer.
            TokenRefused: the claims name no session.
        """
        self.asked_at = now = time.monotonic()
        if now - self._read_at >= self._early:
            self._renew(now)
        return self._says(claims)

    async def ahas_ended(self, claims: Mapping[str, Any]) -> bool | None:
        """Return what ``has_ended`` does, for a coroutine.

        A reading runs in the thread of the coroutine's request, as the ORM does, so the event loop
        goes on. Coroutines that need no reading use no thread.

        Args:
            claims: verified claims of an access token.

        Raises:
            FeedTooOld: as ``has_ended``.
            TokenRefused: as ``has_ended``.
        """
        self.asked_at = now = time.monotonic()
        age = now - self._read_at
        if age >= self._early and not (self._reader.is_reading and age <= self._interval):
            await sync_to_async(self._renew)(now)
        return self._says(claims)

    def _says(self, claims: Mapping[str, Any]) -> bool | None:
        issued_at = claims["iat"]
        ended = self._ended.has_ended(claims["sub"], session_id(claims), issued_at)
        # A token with a longer lifetime may outlive its session's entry in the list.
        outlives = claims["exp"] - issued_at > self._lifetime
        return None if outlives and not ended else ended

    def is_idle(self, now: float) -> bool:
        """Return whether the feed was last used so long ago that everything in it has expired.

        Args:
            now: seconds of the monotonic clock.
        """
        return now - self.asked_at > self._window.total_seconds()

    def _renew(self, asked_at: float) -> None:
        """Read what is new, or wait for the thread that reads, until the list is young enough.

        Args:
            asked_at: seconds of the monotonic clock. The list must contain all that ended
                ``FEED_INTERVAL`` before.
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
            # Log the error's type only. A driver's message may contain the connection's password.
            log.error(
                "The list of ended sessions could not be read (%s). The known list is %.0f s old.",
                type(error).__name__,
                behind,
            )
            return
        known, ended_by = self._ended, now + (time.monotonic() - started)
        for moment in missed:
            known.complete_since = max(known.complete_since, moment + DOUBT)
        for newest, part in parts:
            # By the database's clock, which may differ. The window includes ``MARGIN`` for this.
            age = 0.0 if newest is None else max(0.0, ended_by - newest)
            known.add(part, forget_at=started + window_ - age, ended_by=ended_by - age + DOUBT)
        known.cut_off(cut_offs, forget_at=started + window_, ended_by=ended_by + DOUBT)
        known.forget(started, self._most)
        self._read_at = started
        if rechecks:
            self._rechecked_at = started
            _drop_idle_feeds(started)


def _parts(sessions: list[UUID]) -> list[tuple[float | None, list[UUID]]]:
    """Divide a long list, such as the first one that a process reads, into parts of different ages.

    Args:
        sessions: session ids, newest ending first.

    Returns:
        Each part with the time of its newest ending, in seconds since 1970; None for the present.
        The oldest part comes first.
    """
    if len(sessions) <= _LONG:
        return [(None, sessions)]
    size = -(-len(sessions) // _PARTS)
    parts = [sessions[start : start + size] for start in range(0, len(sessions), size)]
    return [(announced_at(part[0]), part) for part in reversed(parts)]


def window() -> timedelta:
    """Return how long an ended session stays in the list."""
    settings = ratchet_settings()
    return settings.ACCESS_TOKEN_LIFETIME + settings.LEEWAY + MARGIN


def recent_endings() -> QuerySet[Any, Any]:
    """Return the ids of sessions that ended within the window, newest ending first."""
    return store.announced_since(Now() - window())


def announced_at(session: UUID) -> float:
    """Return when the ending of a session was announced, in seconds since 1970.

    Args:
        session: the id of an ended session.
    """
    moment = store.announced_at(session)
    # The row may have been pruned in between.
    return time.time() if moment is None else aware(moment, write_database()).timestamp()


def recent_cut_offs() -> QuerySet[Any, Any]:
    """Return the cut-offs within the window: subject, last session, kept session, announced at."""
    cut_offs = CutOff._base_manager.using(write_database())
    recent = cut_offs.filter(announced_at__gt=Now() - window())
    return recent.values_list("subject", "last_session", "kept_session", "announced_at")


def _known_cut_off(subject: str, last: UUID, kept: UUID | None, announced_at: Any) -> KnownCutOff:
    # A cut-off for all users is announced before its sessions end in batches. They are refreshed
    # until then, so a token issued after the cut-off may belong to one of them.
    moment = aware(announced_at, write_database()).timestamp() if subject else None
    return KnownCutOff(subject, last, kept, moment)


def feed_of(claims: Mapping[str, Any]) -> Feed:
    """Return this process's feed for the tenant that issued a token.

    There is one for each issuer and database. It reads over the connection of the current request.
    With a schema for each tenant, that connection has the right schema.

    Args:
        claims: verified claims of an access token.
    """
    # Without ISSUER no token needs an issuer, and looking up a missing claim is slowest.
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
    """Drop all feeds, so that each is read again."""
    _feeds.clear()


forget_on_change(forget_feeds, NAME)
# The thread that reads may not exist in the child, where all other threads would wait for it.
after_fork(forget_feeds)
