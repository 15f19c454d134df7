"""Time travel: every clock that a token or a session is measured by, moved forward together."""

import threading
import time
from contextlib import ExitStack
from datetime import datetime, timedelta, tzinfo
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from django.utils import timezone

from drf_ratchet.testing.clock import one_clock, start_afresh


class Journey:
    """A journey that has begun. It ends with ``back()``, or with a block: ``with travel(...):``.

    Args:
        duration: how far it has gone.
    """

    def __init__(self, duration: timedelta) -> None:
        self.duration = duration
        self._under_way = True
        _move(duration.total_seconds(), 1)

    def back(self) -> None:
        """Return. What happened meanwhile was in the future then; a second time does nothing."""
        if self._under_way:
            self._under_way = False
            _move(-self.duration.total_seconds(), -1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.back()

    def __repr__(self) -> str:
        return f"<Journey {self.duration}>"


def travel(
    seconds: float | timedelta = 0,
    *,
    minutes: float = 0,
    hours: float = 0,
    days: float = 0,
    weeks: float = 0,
) -> Journey:
    """Go forward in time, at once, for this process and all of its threads.

    Moves ``time.time()``, Django's ``timezone.now()``, and what our statements take for the
    database's clock: so the ends of tokens and sessions, the grace period, rate limits and
    ``RecentSignIn``. Time goes on from there. Journeys add up.

    Does not move ``datetime.now()``, ``time.monotonic()``, nor what the database computes for the
    project's own queries.

    Args:
        seconds: how far, in seconds or as a duration.
        minutes: added to it, as are the others.
        hours: see ``minutes``.
        days: see ``minutes``.
        weeks: see ``minutes``.

    Raises:
        ValueError: this leads nowhere, or to the past.
    """
    first = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
    duration = first + timedelta(minutes=minutes, hours=hours, days=days, weeks=weeks)
    if duration <= timedelta(0):
        raise ValueError("Travel forward: travel(hours=1). To come back, end the block.")
    return Journey(duration)


class _Shift:
    """How far all journeys together have gone, and what was put in place of the clocks."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seconds = 0.0
        self.journeys = 0
        self.replaced = ExitStack()


_shift = _Shift()


def _move(seconds: float, journeys: int) -> None:
    with _shift.lock:
        if not _shift.journeys:
            _replace_clocks(_shift.replaced)
        _shift.seconds += seconds
        _shift.journeys += journeys
        if not _shift.journeys:
            _shift.seconds = 0.0  # not what is left of adding fractions
            _shift.replaced.close()
        start_afresh()


def _replace_clocks(replaced: ExitStack) -> None:
    time_before, time_ns_before = time.time, time.time_ns

    def shifted_time() -> float:
        return time_before() + _shift.seconds

    def shifted_time_ns() -> int:
        return time_ns_before() + int(_shift.seconds * 1_000_000_000)

    class AsDatetime(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime)

    class ShiftedDatetime(datetime, metaclass=AsDatetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.fromtimestamp(time.time(), tz)

    replaced.enter_context(one_clock())
    replaced.enter_context(patch.object(time, "time", shifted_time))
    replaced.enter_context(patch.object(time, "time_ns", shifted_time_ns))
    # What timezone.now() reads, and not itself: models hold that very function as a default.
    replaced.enter_context(patch.object(timezone, "datetime", ShiftedDatetime))
