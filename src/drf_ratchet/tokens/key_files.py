"""The access keys in force: read from files and texts, read again when those change."""

import logging
import math
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from drf_ratchet.tokens.key_texts import from_jwk, read_keys
from drf_ratchet.tokens.keys import Key, KeySet

log = logging.getLogger("drf_ratchet")

#: What a directory's keys may be called. Others, and hidden files, are left alone.
SUFFIXES = (".json", ".jwk", ".jwks", ".pem", ".key")
#: Seconds between two looks at the files.
LOOK_EVERY = 1.0
#: Seconds since the last look from which on nobody goes on with what was known then: in a process
#: that had nothing to do, a key that is unknown here may long sign elsewhere.
TOO_OLD = 3.0

Source = str | Path | Mapping[str, Any]


def arrange(keys: Iterable[Key], now: float) -> KeySet:
    """The key set at a moment: of the keys that may sign, the one that began last does.

    Of several that began at once (PEM files say no time) the first does. Where there is no private
    key at all, the set verifies and cannot sign.

    Args:
        keys: all there are, in the order they are given.
        now: seconds since 1970.

    Raises:
        ValueError: there is none, none may sign yet, or two have one kid.
    """
    alive = [key for key in keys if key.verifies_until > now]
    private = [key for key in alive if key.can_sign]
    ready = [key for key in private if key.signs_from <= now]
    if not alive:
        raise ValueError("there is no key in force")
    if private and not ready:
        soonest = min(key.signs_from for key in private)
        raise ValueError(f"no key may sign yet: the first may in {soonest - now:.0f} seconds")
    signing = max(ready, key=lambda key: key.signs_from) if ready else alive[0]
    return KeySet(signing, [key for key in alive if key is not signing])


def next_change(keys: Iterable[Key], now: float) -> float:
    """When the set of ``arrange`` changes by itself, in seconds since 1970; infinity for never."""
    moments = (moment for key in keys for moment in (key.signs_from, key.verifies_until))
    return min((moment for moment in moments if moment > now), default=math.inf)


def read_sources(sources: Sequence[Source]) -> list[Key]:
    """The keys of directories, files, texts (JWK, JWK Set or PEM) and parsed JWKs.

    Args:
        sources: in this order; a directory's files are taken by their names.

    Raises:
        ValueError: one cannot be read or holds no key; the text names the file and shows no key.
    """
    keys: list[Key] = []
    for source in sources:
        if isinstance(source, Mapping):
            keys.append(from_jwk(source))
        elif is_text(source):
            keys += read_keys(str(source))
        else:
            for file in files_of(Path(source)):
                keys += read_file(file)
    return keys


def read_file(file: Path) -> list[Key]:
    """The keys of a file.

    Raises:
        ValueError: it cannot be read or holds no key; the text names the file and shows no key.
    """
    try:
        return read_keys(file.read_text("utf-8"), str(file))
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{file} cannot be read: {type(error).__name__}") from None


def is_text(source: Source) -> bool:
    """Whether it is a key itself, and not the place of one."""
    return isinstance(source, str) and source.lstrip().startswith(("{", "-----BEGIN"))


def files_of(place: Path) -> list[Path]:
    """The key files of a directory, by name; of a file, itself.

    Raises:
        ValueError: it is not there, or cannot be looked into.
    """
    try:
        if not place.is_dir():
            place.stat()
            return [place]
        # Kubernetes mounts each file as a link into a hidden directory.
        found = [path for path in place.iterdir() if path.suffix in SUFFIXES]
        return sorted(path for path in found if not path.name.startswith(".") and path.is_file())
    except OSError as error:
        raise ValueError(f"{place} cannot be read: {type(error).__name__}") from None


class KeyFiles:
    """Sources of keys, and the set they make at the moment.

    Args:
        sources: as for ``read_sources``.

    Raises:
        ValueError: they make no set now. Later such a state is logged, and the last good set
            goes on.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)
        self._lock = threading.Lock()
        self._complaint = ""
        self._seen = self._look()
        self._keys = read_sources(self._sources)
        self._arrange(time.time())
        self._looked_at = time.monotonic()

    def current(self) -> KeySet:
        """The set now. Looks at the files at most every second, and reads them if they changed."""
        age = time.monotonic() - self._looked_at
        due = age >= LOOK_EVERY or time.time() >= self._changes_at
        # One thread looks; the others go on with what is known, unless that is too old.
        if due and self._lock.acquire(blocking=age >= TOO_OLD):
            try:
                # Those who waited find that it is done.
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
                keys = read_sources(self._sources)
                arrange(keys, time.time())
                self._keys, self._seen, self._changes_at = keys, seen, 0.0
                self._complaint = ""
        except ValueError as error:
            self._complain(f"The keys changed and cannot be used: {error}. Those known go on.")
        try:
            # Those known too come and go by their own times.
            if time.time() >= self._changes_at:
                self._arrange(time.time())
        except ValueError as error:
            self._changes_at = math.inf  # until a file changes
            self._complain(f"The keys have come to their end: {error}. The last ones go on.")
        finally:
            # Not before: until here what is known is as old as it was.
            self._looked_at = began

    def _complain(self, what: str) -> None:
        # Once, and not every second.
        if what != self._complaint:
            log.error("%s", what)
        self._complaint = what

    def _arrange(self, now: float) -> None:
        self._set = arrange(self._keys, now)
        self._changes_at = next_change(self._keys, now)

    def _look(self) -> tuple[tuple[str, int, int, int, int], ...]:
        """What changes whenever a file does: names, sizes, times, inodes, and who may read it."""
        places = [Path(s) for s in self._sources if not isinstance(s, Mapping) and not is_text(s)]
        marks = []
        for file in (file for place in places for file in files_of(place)):
            try:
                at = os.stat(file)
            except OSError as error:
                raise ValueError(f"{file} cannot be read: {type(error).__name__}") from None
            marks.append((str(file), at.st_mtime_ns, at.st_ctime_ns, at.st_size, at.st_ino))
        return tuple(marks)
