"""The project's own files, and reading them without changing a byte."""

import io
import os
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: What is in a project's directory and is not the project.
_NOT_OURS = frozenset({"node_modules", "site-packages", "dist-packages", "__pycache__"})
#: What a virtual environment has in its own directory: venv's, conda's.
_ENVIRONMENT = frozenset({"pyvenv.cfg", "conda-meta"})
#: Settings in other forms. What they say is reported and not changed.
TEXTS = frozenset({".cfg", ".env", ".in", ".ini", ".json", ".toml", ".txt", ".yaml", ".yml"})
#: Characters beyond which a text file is data.
_LARGE = 500_000


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file as it was read.

    Args:
        path: where it is.
        raw: its bytes.
        text: its text, newlines as they are.
        encoding: what makes the one of the other, with a byte order mark where there is one.
    """

    path: Path
    raw: bytes
    text: str
    encoding: str


class Unreadable(Exception):
    """A file that is not Python as this interpreter reads it; the text says why."""


def project_files(root: Path) -> Iterator[Path]:
    """The files under a directory that are the project's, in order.

    Not: hidden directories, virtual environments, installed packages, and whatever is reached over
    a symbolic link. A link into the project is met again as the file it names.

    Args:
        root: the project's directory.
    """
    for place, directories, files in os.walk(root):
        directories[:] = sorted(name for name in directories if _is_project(Path(place, name)))
        for name in sorted(files):
            path = Path(place, name)
            if not path.is_symlink() and path.is_file():
                yield path


def is_migration(path: Path) -> bool:
    """Whether a file is one of an app's migrations, whose names and dependencies are recorded."""
    return path.parent.name == "migrations"


def _is_project(directory: Path) -> bool:
    name = directory.name
    if name.startswith(".") or name in _NOT_OURS or directory.is_symlink():
        return False
    return not any((directory / mark).exists() for mark in _ENVIRONMENT)


def read(path: Path) -> Source:
    """Read a Python file by its own declaration of its encoding (PEP 263).

    Args:
        path: the file.

    Raises:
        Unreadable: it cannot be read or decoded.
    """
    try:
        raw = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return Source(path, raw, raw.decode(encoding), encoding)
    except (OSError, SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise Unreadable(str(error)) from None


def read_text(path: Path) -> str:
    """A small text file's text; "" for whatever is none.

    Args:
        path: the file.
    """
    try:
        if path.stat().st_size > _LARGE:
            return ""
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
