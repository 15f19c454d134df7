"""Read the access keys from files and texts, and read them again when the files change."""

import logging
import math
import os
import stat
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ratchet_tokens.algorithms import BadKey
from ratchet_tokens.key_texts import is_text, keys_of_json, keys_of_text, likely_kind
from ratchet_tokens.keys import Key, KeySet

log = logging.getLogger("drf_ratchet")

#: The suffixes of key files in a directory. Other files and hidden files are ignored.
SUFFIXES = (".json", ".jwk", ".jwks", ".pem", ".key")
#: Seconds between two checks of the files.
LOOK_EVERY = 1.0
#: Seconds since the last check after which the known keys are not used without a new check. In an
#: idle process, another process may have signed with a newer key for some time.
TOO_OLD = 3.0

#: The most bytes of a key file. Keys and key sets are shorter, and a device file may never end.
LONGEST_FILE = 1_000_000

Source = str | Path | Mapping[str, Any]


def arrange(keys: Iterable[Key], now: float) -> KeySet:
    """Return the key set of a moment. The key with the latest ``signs_from`` that has passed signs.

    If several keys have the same ``signs_from`` (PEM files have none), the first one signs. Without
    any private key, the set verifies and cannot sign.

    Args:
        keys: all keys, in the order of the settings.
        now: seconds since 1970.

    Raises:
        ValueError: there is no key, no key may sign yet, or two keys have the same kid.
    """
    alive = [key for key in keys if key.verifies_until > now]
    private = [key for key in alive if key.can_sign]
    ready = [key for key in private if key.signs_from <= now]
    if not alive:
        raise ValueError("there is no valid key")
    if private and not ready:
        soonest = min(key.signs_from for key in private)
        raise ValueError(f"no key may sign yet: the first one may in {soonest - now:.0f} seconds")
    signing = max(ready, key=lambda key: key.signs_from) if ready else alive[0]
    return KeySet(signing, [key for key in alive if key is not signing])


def next_change(keys: Iterable[Key], now: float) -> float:
    """Return when the set of ``arrange`` changes next; infinity for never.

    Args:
        keys: all keys.
        now: seconds since 1970, like the result.
    """
    moments = (moment for key in keys for moment in (key.signs_from, key.verifies_until))
    return min((moment for moment in moments if moment > now), default=math.inf)


def read_sources(sources: Sequence[Source], places: Sequence[str] = ()) -> list[Key]:
    """Return the keys of directories, files, texts (JWK, JWK Set or PEM) and parsed JWKs.

    Args:
        sources: the sources, in order. The files of a directory are sorted by name.
        places: the name of each source in messages, because a source may be the key itself.

    Raises:
        BadKey: a source is unreadable or contains no key. The text names the place or the file, and
            contains no key.
    """
    keys: list[Key] = []
    for source, place in _placed(sources, places):
        keys += _read_source(source, place)
    return keys


def read_file(file: Path) -> list[Key]:
    """Return the keys of a file.

    Args:
        file: the path of the file.

    Raises:
        BadKey: the file is unreadable or contains no key. The text names the file, and contains no
            key.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(LONGEST_FILE + 1)
    except OSError as error:
        raise BadKey(_unreadable(shown(file), error)) from None
    try:
        return keys_of_text(_decoded(raw), str(file))
    except BadKey as error:
        why = str(error)
    raise BadKey(_useless(shown(file), why))


def files_of(place: Path, name: str = "") -> list[Path]:
    """Return the key files of a directory, sorted by name, or a file itself.

    Args:
        place: the path of the directory or the file.
        name: the name of the place in messages. A place that is not a path may be a key.

    Raises:
        BadKey: the place does not exist, is neither a file nor a directory, or is unreadable.
    """
    name = name or shown(place)
    try:
        mode = place.stat().st_mode
    except PermissionError as error:
        raise BadKey(_unreadable(name, error)) from None
    except (OSError, ValueError):  # ValueError: the text contains a NUL
        mode = 0
    if stat.S_ISREG(mode):
        return [place]
    if not mode:
        raise BadKey(
            f"{name} is not a readable file or a PEM/JWK key. Pass the PEM text with its line "
            f"breaks, or a path. {likely_kind(str(place))}".strip()
        )
    if not stat.S_ISDIR(mode):
        raise BadKey(f"{name} is a pipe or a device. Pass a file or a directory.")
    try:
        # Kubernetes mounts each file as a link into a hidden directory.
        found = [path for path in place.iterdir() if path.suffix in SUFFIXES]
        return sorted(path for path in found if not path.name.startswith(".") and path.is_file())
    except OSError as error:
        raise BadKey(_unreadable(shown(place), error)) from None


def is_place(source: Source) -> bool:
    """Return whether a source is a path, and not a key itself."""
    return isinstance(source, Path) or (isinstance(source, str) and not is_text(source))


def shown(path: Path) -> str:
    """Return a path as one line of printable text, with other characters escaped."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in str(path)
    )


def _placed(sources: Sequence[Source], places: Sequence[str]) -> Iterable[tuple[Source, str]]:
    return zip(
        sources, places or [f"Source {number}" for number in range(len(sources))], strict=True
    )


def _read_source(source: Source, place: str) -> list[Key]:
    try:
        if isinstance(source, Mapping):
            return keys_of_json(source)
        if not is_place(source):
            return keys_of_text(str(source))
    except BadKey as error:
        why = str(error)
    else:
        return [key for file in files_of(Path(source), place) for key in read_file(file)]
    raise BadKey(_useless(place, why))


def _decoded(raw: bytes) -> str:
    if len(raw) > LONGEST_FILE:
        raise BadKey(f"it has more than {LONGEST_FILE} bytes")
    # PowerShell writes UTF-16 with a byte order mark by default.
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    try:
        return raw.decode(encoding)
    except UnicodeError:
        pass
    raise BadKey(
        f"it is not {encoding.upper()} text. To convert DER: openssl pkey -inform DER -in FILE "
        "-out NEW"
    )


def _useless(name: str, why: str) -> str:
    return f"{name} contains no usable key: {why.rstrip('.')}."


def _unreadable(name: str, error: OSError) -> str:
    return (
        f"{name} cannot be read: {type(error).__name__}. Allow the user of this process to read it."
    )


class KeyFiles:
    """Sources of keys, and the current key set.

    Args:
        sources: as for ``read_sources``.
        places: as for ``read_sources``.

    Raises:
        ValueError: the sources make no valid set. Later such a state is logged, and the last valid
            set stays in use.
    """

    def __init__(self, sources: Sequence[Source], places: Sequence[str] = ()) -> None:
        self._sources = tuple(sources)
        self._places = tuple(places)
        self._lock = threading.Lock()
        self._complaint = ""
        self._seen = self._look()
        self._keys = read_sources(self._sources, self._places)
        self._arrange(time.time())
        self._looked_at = time.monotonic()

    def current(self) -> KeySet:
        """Return the current set. Checks the files at most once per ``LOOK_EVERY`` seconds."""
        age = time.monotonic() - self._looked_at
        due = age >= LOOK_EVERY or time.time() >= self._changes_at
        # One thread checks. The others use the known keys, unless those are too old.
        if due and self._lock.acquire(blocking=age >= TOO_OLD):
            try:
                # A thread that waited may find that another one has checked already.
                if age < TOO_OLD or time.monotonic() - self._looked_at >= LOOK_EVERY:
                    self._renew()
            finally:
                self._lock.release()
        return self._set

    def _renew(self) -> None:
        began = time.monotonic()
        try:
            seen = self._look()
            if seen != self._seen:
                keys = read_sources(self._sources, self._places)
                arrange(keys, time.time())
                self._keys, self._seen, self._changes_at = keys, seen, 0.0
                self._complaint = ""
        except ValueError as error:
            self._complain(f"The changed keys are unusable; the known keys stay in use. {error}")
        try:
            # The known keys also start and end by their own times.
            if time.time() >= self._changes_at:
                self._arrange(time.time())
        except ValueError as error:
            self._changes_at = math.inf  # until a file changes
            self._complain(f"All keys have expired; the last ones stay in use. {error}")
        finally:
            # Only now: until here the known keys are as old as before.
            self._looked_at = began

    def _complain(self, what: str) -> None:
        # Log a problem once, and not every second.
        if what != self._complaint:
            log.error("%s", what)
        self._complaint = what

    def _arrange(self, now: float) -> None:
        self._set = arrange(self._keys, now)
        self._changes_at = next_change(self._keys, now)

    def _look(self) -> tuple[tuple[str, int, int, int, int], ...]:
        """Return the name, times, size and inode of each file, which change when the file does."""
        files = [
            file
            for source, place in _placed(self._sources, self._places)
            if not isinstance(source, Mapping) and is_place(source)
            for file in files_of(Path(source), place)
        ]
        marks = []
        for file in files:
            try:
                at = os.stat(file)
            except OSError as error:
                raise BadKey(_unreadable(shown(file), error)) from None
            marks.append((str(file), at.st_mtime_ns, at.st_ctime_ns, at.st_size, at.st_ino))
        return tuple(marks)
