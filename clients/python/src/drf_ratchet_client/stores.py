"""Where the tokens of a session are kept."""

import contextlib
import os
import secrets
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol

from drf_ratchet_client.errors import RatchetError

#: How often a lock that another process holds is tried again, in seconds.
_LOCK_POLL = 0.02
_LONGEST = 256 * 1024


class Store(Protocol):
    """What keeps one text: a file, a key store, a row of your own.

    ``save`` returns once the text would survive a crash: its tokens are used only then.
    """

    #: Whether other processes see what is saved.
    is_shared: bool

    def load(self) -> str | None:
        """Return the text that was saved last; None for none."""

    def save(self, text: str) -> None:
        """Keep a text, all of it or nothing."""

    def delete(self) -> None:
        """Forget the text."""

    def lock(self, seconds: float) -> AbstractContextManager[bool]:
        """Let one process and thread in at a time.

        Args:
            seconds: how long to wait at the most. The result is False if that was in vain.
        """


class MemoryStore:
    """Keep the tokens in this process: they are gone with it."""

    is_shared = False

    def __init__(self) -> None:
        self._text: str | None = None
        self._lock = threading.Lock()

    def load(self) -> str | None:
        """Return the text that was saved last; None for none."""
        return self._text

    def save(self, text: str) -> None:
        """Keep a text."""
        self._text = text

    def delete(self) -> None:
        """Forget the text."""
        self._text = None

    @contextmanager
    def lock(self, seconds: float) -> Iterator[bool]:
        """Let one thread in at a time."""
        is_ours = self._lock.acquire(timeout=seconds)
        try:
            yield is_ours
        finally:
            if is_ours:
                self._lock.release()


class TokenFile:
    """Keep the tokens in a file that its owner alone can read. Processes share it.

    A lock file stands beside it, ``<path>.lock``.

    Args:
        path: of the file; ``~`` is the user's home. Missing folders are made at the first save.
    """

    is_shared = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # A link to a file keeps leading there: saving replaces the file, and not the link.
        self.path = Path(os.path.realpath(Path(path).expanduser()))

    def __repr__(self) -> str:
        return f"TokenFile({str(self.path)!r})"

    def load(self) -> str | None:
        """Return what the file holds; None where there is none.

        Raises:
            RatchetError: ``storage``; it cannot be read, or others can read it.
        """
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with self._failing("read"):
            try:
                number = os.open(self.path, flags)
            except FileNotFoundError:
                return None
            with open(number, "rb") as file:
                self._demand_private(os.fstat(number))
                return file.read(_LONGEST).decode(errors="replace")

    def save(self, text: str) -> None:
        """Replace the file at once and for good: readers see the old text or the new one.

        Raises:
            RatchetError: ``storage``; it cannot be written. The old text is still there.
        """
        new = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        with self._failing("written"):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with _opened(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
                    file.write(text.encode())
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(new, self.path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
            _sync_folder(self.path.parent)

    def delete(self) -> None:
        """Remove the file.

        Raises:
            RatchetError: ``storage``; it cannot be removed.
        """
        with self._failing("deleted"):
            self.path.unlink(missing_ok=True)

    @contextmanager
    def lock(self, seconds: float) -> Iterator[bool]:
        """Let one process and thread in at a time. A process that dies lets go of it.

        Raises:
            RatchetError: ``storage``; there cannot be a lock file.
        """
        path = self.path.with_name(f"{self.path.name}.lock")
        with self._failing("locked"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = _opened(path, os.O_RDWR | os.O_CREAT)
        with file:
            with self._failing("locked"):
                is_ours = _wait_for(file, seconds)
            try:
                yield is_ours
            finally:
                if is_ours:
                    _unlock(file)

    def _demand_private(self, found: os.stat_result) -> None:
        problem = ""
        if not stat.S_ISREG(found.st_mode):
            problem = "is not a file"
        elif os.name == "posix" and found.st_uid != os.geteuid():
            problem = "belongs to another user of this machine"
        elif os.name == "posix" and found.st_mode & 0o077:
            problem = "can be read by other users of this machine: chmod 600"
        if problem:
            raise RatchetError("storage", f"The token file {self.path} {problem}.")

    @contextmanager
    def _failing(self, how: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise RatchetError(
                "storage", f"The token file {self.path} cannot be {how}: {reason}."
            ) from None


def _opened(path: Path, flags: int) -> IO[bytes]:
    number = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
    return open(number, "wb")


def _sync_folder(folder: Path) -> None:
    """Let a new name survive a crash of the machine, where the system can do that."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems refuse it.
        with contextlib.suppress(OSError):
            os.fsync(number)
    finally:
        os.close(number)


def _wait_for(file: IO[bytes], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not _try_lock(file):
        if time.monotonic() >= end:
            return False
        time.sleep(_LOCK_POLL)
    return True


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
