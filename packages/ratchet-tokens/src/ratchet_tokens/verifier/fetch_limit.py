"""Limit fetches: one thread at a time, and not again within an interval."""

import threading
import time
from collections.abc import Callable

#: Seconds that a request waits for another one's fetch before it goes on without.
PATIENCE = 1.0


class FetchLimit:
    """Lets one thread at a time fetch, and at most once in an interval.

    Args:
        interval: seconds from the beginning of one to that of the next, whether it worked or not.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._lock = threading.Lock()
        self._last = float("-inf")

    def take(self, fetch: Callable[[], None], *, waits: bool = True) -> None:
        """Fetch, if it is time.

        Args:
            fetch: called with nothing else going on here; it raises nothing.
            waits: a little, for whoever is fetching already.
        """
        if not self._lock.acquire(timeout=PATIENCE if waits else 0):
            return
        try:
            if self.is_open:
                self._last = time.monotonic()
                fetch()
        finally:
            self._lock.release()

    @property
    def is_open(self) -> bool:
        """Whether the interval is over."""
        return time.monotonic() - self._last >= self._interval

    @property
    def would_fetch(self) -> bool:
        """Whether ``take`` would fetch: it is time, and nobody does yet."""
        return self.is_open and not self._lock.locked()

    @property
    def would_help(self) -> bool:
        """Whether ``take`` can change anything: it would fetch, or wait for whoever does."""
        return self.is_open or self._lock.locked()

    def after_fork(self) -> None:
        """In a child, whose lock may be held by a thread that it does not have."""
        self._lock = threading.Lock()
