"""Changing the project's files: each as a whole or not at all."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from drf_ratchet_compat.adopt.renaming import Renaming


class NotWritten(Exception):
    """A file was left as it is; the text says why."""


def write(renaming: Renaming, root: Path) -> None:
    """Put a file's new text in the old one's place: mode, owner, encoding and newlines stay.

    Args:
        renaming: what to write.
        root: the project's directory; nothing outside of it is touched.

    Raises:
        NotWritten: the file is not what it was when it was read, or cannot be written.
    """
    path, source = renaming.source.path, renaming.source
    if path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
        raise NotWritten("it is outside of the project")
    try:
        raw, was = _read(path)
        if raw != source.raw:
            raise NotWritten("it has changed in the meantime; run this again")
        _replace(path, renaming.text.encode(source.encoding), was)
    except (OSError, UnicodeEncodeError) as error:
        raise NotWritten(str(error)) from None


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    """A file, and what it is; not what somebody has put a link to in its place by now."""
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, os.O_RDONLY | flags), "rb") as file:
        return file.read(), os.fstat(file.fileno())


def _replace(path: Path, raw: bytes, was: os.stat_result) -> None:
    # Beside it: a rename is atomic within one file system.
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(raw)
            _keep_owner_and_mode(file.fileno(), was)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _keep_owner_and_mode(number: int, was: os.stat_result) -> None:
    """Root may run this in somebody's checkout; others own what they can write here.

    By the open file, never by its name: whose directory it is can put a link there, to a file that
    only root can give away.
    """
    now = os.fstat(number)
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid) and hasattr(os, "fchown"):
        os.fchown(number, was.st_uid, was.st_gid)
    if hasattr(os, "fchmod"):
        # After the owner, whose change takes bits away.
        os.fchmod(number, stat.S_IMODE(was.st_mode))


def uncommitted(paths: Sequence[Path], root: Path) -> list[str] | None:
    """Which of these files have changes that git does not have yet, or are unknown to it.

    Args:
        paths: the files.
        root: the project's directory.

    Returns:
        Their names as git has them, or None where it cannot be asked.
    """
    git = shutil.which("git")
    if git is None or not paths:
        return None
    command = [git, "-C", str(root), "status", "--porcelain", "-z", "--", *map(str, paths)]
    try:
        done = subprocess.run(  # noqa: S603 (git, and files of the project)
            command, capture_output=True, timeout=30, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return [entry[3:] for entry in done.stdout.decode(errors="replace").split("\0") if entry[3:]]
