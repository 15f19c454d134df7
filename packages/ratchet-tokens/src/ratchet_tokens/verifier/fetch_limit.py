"""Limit fetches to one thread at a time, and to one per interval."""

import threading
import time
from collections.abc import Callable

#: Seconds that a request waits for another thread's fetch before it continues without it.
PATIENCE = 1.0


class FetchLimit:
    """A limit of one fetch at a time and one per interval.

    Args:
        interval: seconds between the starts of two fetches, including failed ones.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._lock = threading.Lock()
        self._last = float("-inf")

    def take(self, fetch: Callable[[], None], *, waits: bool = True) -> None:
        """Fetch, if the limit allows it.

        Args:
            fetch: the function that fetches. It must not raise.
            waits: wait up to ``PATIENCE`` seconds if another thread is fetching.
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
        """Return whether the interval since the last fetch has passed."""
        return time.monotonic() - self._last >= self._interval

    @property
    def would_fetch(self) -> bool:
        """Return whether ``take`` would fetch: the interval has passed, and no thread fetches."""
        return self.is_open and not self._lock.locked()

    @property
    def would_help(self) -> bool:
        """Return whether ``take`` would fetch, or wait for another thread's fetch."""
        return self.is_open or self._lock.locked()

    def after_fork(self) -> None:
        """Replace the lock in a forked child: a thread of the parent may have held it."""
        self._lock = threading.Lock()
