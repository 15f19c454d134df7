"""Let one thread read, while the others continue or wait for a limited time."""

import threading
import time
from collections.abc import Callable


class _Reading:
    def __init__(self) -> None:
        self.began = time.monotonic()
        self.is_over = threading.Event()


class SingleFlight:
    """Lets one thread at a time read something, in that thread, without holding a lock.

    A database that does not answer blocks only the thread that reads.
    """

    def __init__(self) -> None:
        # Held only to check and assign _reading.
        self._lock = threading.Lock()
        self._reading: _Reading | None = None

    def read(self, read: Callable[[], None], is_due: Callable[[], bool]) -> bool:
        """Call ``read`` if it is due and no other thread is reading; return whether this call did.

        Args:
            read: the function that reads. If it raises, the reading has ended too.
            is_due: returns whether to read. It is called while no other thread can begin.
        """
        with self._lock:
            if self._reading is not None or not is_due():
                return False
            reading = self._reading = _Reading()
        try:
            read()
        finally:
            with self._lock:
                self._reading = None
            reading.is_over.set()
        return True

    @property
    def is_reading(self) -> bool:
        """True while a thread is reading."""
        return self._reading is not None

    def wait(self, patience: float) -> bool:
        """Wait for the thread that reads; return whether it has finished.

        Args:
            patience: seconds since the beginning of the reading, not of this wait. So a slow
                reading delays other threads once, and not each request again.
        """
        reading = self._reading
        if reading is None:
            return False
        return reading.is_over.wait(max(0.0, reading.began + patience - time.monotonic()))
