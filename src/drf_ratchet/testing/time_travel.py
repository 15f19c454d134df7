"""Move all clocks of tokens and sessions forward together in tests."""

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
    """A shift of the clocks. It ends with ``back()``, or with the block ``with travel(...):``.

    Args:
        duration: the distance by which the clocks are moved forward.
    """

    def __init__(self, duration: timedelta) -> None:
        self.duration = duration
        self._under_way = True
        _move(duration.total_seconds(), 1)

    def back(self) -> None:
        """Move the clocks back. Calling it again has no effect.

        Tokens issued within the journey then appear to be from the future.
        """
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
    """Move the clocks of this process and all of its threads forward.

    Moves ``time.time()``, Django's ``timezone.now()``, and the database's clock in drf-ratchet's
    statements. This covers the expiry of tokens and sessions, the grace period, rate limits and
    ``RecentSignIn``. The clocks keep running. Several journeys add up.

    Does not move ``datetime.now()``, ``time.monotonic()``, or the database's clock in the project's
    own queries.

    Args:
        seconds: the distance, in seconds or as a timedelta.
        minutes: added to the distance, like the arguments below.
        hours: see ``minutes``.
        days: see ``minutes``.
        weeks: see ``minutes``.

    Raises:
        ValueError: the distance is not positive.
    """
    first = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
    duration = first + timedelta(minutes=minutes, hours=hours, days=days, weeks=weeks)
    if duration <= timedelta(0):
        raise ValueError(
            "The distance must be positive: travel(hours=1). Call back() to move the clocks back."
        )
    return Journey(duration)


class _Shift:
    """The total distance of all journeys, and the patches that replace the clocks."""

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
            _shift.seconds = 0.0  # adding and subtracting floats leaves a remainder
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
    # Patch the class that timezone.now() reads. Models hold timezone.now itself as a default.
    replaced.enter_context(patch.object(timezone, "datetime", ShiftedDatetime))
