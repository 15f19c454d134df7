"""The access keys in force: read from files and texts, read again when those change."""

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

#: What a directory's keys may be called. Others, and hidden files, are left alone.
SUFFIXES = (".json", ".jwk", ".jwks", ".pem", ".key")
#: Seconds between two looks at the files.
LOOK_EVERY = 1.0
#: Seconds since the last look from which on nobody goes on with what was known then: in a process
#: that had nothing to do, a key that is unknown here may long sign elsewhere.
TOO_OLD = 3.0

#: Bytes of a key file at most: no key and no set of keys is that long, and a device has no end.
LONGEST_FILE = 1_000_000

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


def read_sources(sources: Sequence[Source], places: Sequence[str] = ()) -> list[Key]:
    """Return the keys of directories, files, texts (JWK, JWK Set or PEM) and parsed JWKs.

    Args:
        sources: in this order; a directory's files are taken by their names.
        places: what messages call each source, since a source may be the key itself.

    Raises:
        BadKey: one cannot be read or holds no key; the text names the place or the file and shows
            no key.
    """
    keys: list[Key] = []
    for source, place in _placed(sources, places):
        keys += _read_source(source, place)
    return keys


def read_file(file: Path) -> list[Key]:
    """Return the keys of a file.

    Raises:
        BadKey: it cannot be read or holds no key; the text names the file and shows no key.
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
    """Return the key files of a directory, by name; of a file, itself.

    Args:
        place: of the directory or the file.
        name: what a message calls it while it is not known to be a path: it may be a key.

    Raises:
        BadKey: it is not there, is neither, or cannot be looked into.
    """
    name = name or shown(place)
    try:
        mode = place.stat().st_mode
    except PermissionError as error:
        raise BadKey(_unreadable(name, error)) from None
    except (OSError, ValueError):  # a text with a NUL is no path
        mode = 0
    if stat.S_ISREG(mode):
        return [place]
    if not mode:
        raise BadKey(
            f"{name} is not a readable file or a PEM/JWK key. Pass the PEM text with its line "
            f"breaks, or a path. {likely_kind(str(place))}".strip()
        )
    if not stat.S_ISDIR(mode):
        raise BadKey(f"{name} is a pipe or a device, and must be a file or a directory.")
    try:
        # Kubernetes mounts each file as a link into a hidden directory.
        found = [path for path in place.iterdir() if path.suffix in SUFFIXES]
        return sorted(path for path in found if not path.name.startswith(".") and path.is_file())
    except OSError as error:
        raise BadKey(_unreadable(shown(place), error)) from None


def is_place(source: Source) -> bool:
    """Return whether a source is the place of keys, and not a key itself."""
    return isinstance(source, Path) or (isinstance(source, str) and not is_text(source))


def shown(path: Path) -> str:
    """Return a path as printable text of one line, whatever the file system holds."""
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
    # PowerShell writes UTF-16 into a file, with a byte order mark.
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
    return f"{name} holds no key that can be used: {why.rstrip('.')}."


def _unreadable(name: str, error: OSError) -> str:
    return f"{name} cannot be read: {type(error).__name__}. Let the user of this process read it."


class KeyFiles:
    """Sources of keys, and the set they make at the moment.

    Args:
        sources: as for ``read_sources``.
        places: as there.

    Raises:
        ValueError: they make no set now. Later such a state is logged, and the last good set
            goes on.
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
                keys = read_sources(self._sources, self._places)
                arrange(keys, time.time())
                self._keys, self._seen, self._changes_at = keys, seen, 0.0
                self._complaint = ""
        except ValueError as error:
            self._complain(f"The keys changed and cannot be used; those known go on. {error}")
        try:
            # Those known too come and go by their own times.
            if time.time() >= self._changes_at:
                self._arrange(time.time())
        except ValueError as error:
            self._changes_at = math.inf  # until a file changes
            self._complain(f"The keys have come to their end; the last ones go on. {error}")
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
