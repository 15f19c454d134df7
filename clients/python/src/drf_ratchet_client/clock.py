"""Time, as far as the client needs it."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the client asks for the time. Tests give one of their own."""

    def elapsed(self) -> float:
        """Return seconds since a fixed moment. It never jumps, and goes on in standby."""

    def wall(self) -> float:
        """Return the time of day as a Unix timestamp, which may be wrong."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """This machine's."""

    def elapsed(self) -> float:
        """Return seconds since a fixed moment, standby included where the system can tell."""
        return _elapsed()

    def wall(self) -> float:
        """Return the time of day as a Unix timestamp, which may be wrong."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def _elapsed() -> float:
    # time.monotonic() stands still in standby on Linux and macOS. There a token would look fresh
    # after a night. Linux has CLOCK_BOOTTIME; macOS's CLOCK_MONOTONIC goes on.
    number = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    return time.monotonic() if number is None else time.clock_gettime(number)
