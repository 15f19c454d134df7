"""One thread reads, the others go on or wait for a little."""

import threading
import time
from collections.abc import Callable


class _Reading:
    def __init__(self) -> None:
        self.began = time.monotonic()
        self.is_over = threading.Event()


class OneReader:
    """Lets one thread at a time read something, in that thread, and holds no lock meanwhile.

    A database that does not answer holds up the thread that reads and none of the others.
    """

    def __init__(self) -> None:
        # For a look and an assignment.
        self._lock = threading.Lock()
        self._reading: _Reading | None = None

    def read(self, read: Callable[[], None], is_due: Callable[[], bool]) -> bool:
        """Read, unless another thread does or it is not due; return whether this call did.

        Args:
            read: may raise, and is then over as well.
            is_due: asked while no other thread can begin.
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

    def wait(self, patience: float) -> bool:
        """Wait for the thread that reads; return whether it is done.

        Args:
            patience: seconds from the beginning of the reading, however late the wait begins: so
                a reading that takes long holds up others once, and not each request anew.
        """
        reading = self._reading
        if reading is None:
            return False
        return reading.is_over.wait(max(0.0, reading.began + patience - time.monotonic()))
