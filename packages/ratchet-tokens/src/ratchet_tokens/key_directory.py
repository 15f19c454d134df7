"""Making, rotating and retiring the keys of a directory. One JWK a file, readable by its owner.

A key's time is in the key: ``nbf`` says from when it signs, ``exp`` until when it verifies. Whoever
reads the directory, now or after a restart, on this machine or another, comes to the same set.
"""

import contextlib
import json
import math
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from joserfc import jwk

from ratchet_tokens import ml_dsa
from ratchet_tokens.algorithms import ALGORITHMS, HMAC_BYTES, BadKey
from ratchet_tokens.key_files import arrange, files_of, read_file, shown
from ratchet_tokens.keys import Key

fcntl: Any
try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

_EC = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_RSA_BITS = 3072  # what NIST asks of keys that outlive 2030


class KeyState(StrEnum):
    """Where a key is in its life."""

    PUBLISHED = "published"
    SIGNING = "signing"
    VERIFYING = "verifying"
    OVER = "over"


@dataclass(frozen=True)
class KeyFile:
    """A key, its file and its state.

    Args:
        key: the key.
        file: where it is.
        state: at the moment it was asked for.
    """

    key: Key
    file: Path
    state: KeyState


def list_keys(directory: Path, now: float) -> list[KeyFile]:
    """The keys of a directory.

    Args:
        directory: where they are.
        now: seconds since 1970.

    Raises:
        ValueError: it is no directory, a file holds no key, or two keys have one kid.
    """
    _demand_directory(directory)
    read = [(key, file) for file in files_of(directory) for key in read_file(file)]
    signing = None
    with contextlib.suppress(ValueError):
        signing = arrange([key for key, _ in read], now).signing
    kids = [key.kid for key, _ in read]
    twice = {kid for kid in kids if kids.count(kid) > 1}
    if twice:
        raise BadKey(f"Two keys have the kid {min(twice)!r}. Give each one of its own.")
    return [KeyFile(key, file, _state(key, signing, now)) for key, file in read]


def new_key(directory: Path, alg: str, now: float, *, signs_from: float) -> KeyFile:
    """Make a key. The first of a directory signs at once: nobody waits for it.

    Args:
        directory: made where it is not there, for its owner alone.
        alg: what it signs with.
        now: seconds since 1970.
        signs_from: until then it is published and does not sign.

    Raises:
        ValueError: there is no such algorithm, or not here; or the directory cannot be made or
            written to.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        pass  # a file is there
    except (OSError, ValueError) as error:
        raise BadKey(_unwritable(directory, error)) from None
    with _locked(directory):
        return _make(directory, alg, now, signs_from)


def rotate_keys(
    directory: Path, now: float, *, signs_from: float, overlap: float, alg: str | None = None
) -> tuple[KeyFile, list[KeyFile]]:
    """Make the next key, and set an end to the others: when the last token of theirs is dead.

    Args:
        directory: where they are.
        now: seconds since 1970.
        signs_from: when the new one takes over.
        overlap: seconds that tokens made until then are good for, and some for clocks.
        alg: what the new one signs with; as the one that signs now unless given.

    Returns:
        The new key, and those that have no end because their files (PEM) cannot say it.

    Raises:
        ValueError: a file cannot be used, or there is no key yet and no ``alg``.
    """
    with _locked(directory):
        before = list_keys(directory, now)
        _demand_one_each(before)
        for one in before:
            if one.state is KeyState.OVER:
                with _writing(one.file):
                    one.file.unlink(missing_ok=True)
        alive = [one for one in before if one.state is not KeyState.OVER]
        signing = next((one.key for one in alive if one.state is KeyState.SIGNING), None)
        chosen = alg or (signing.alg if signing else "")
        if not chosen:
            raise BadKey(
                f"{shown(directory)} has no key that signs. Make one first: manage.py ratchet keys "
                "new"
            )
        # The new one first: if this is interrupted, there is a key too many and none too few.
        made = _make(directory, chosen, now, signs_from)
        endless = []
        for one in alive:
            if one.key.verifies_until <= signs_from + overlap:
                continue
            if not _set(one.file, exp=made.key.signs_from + overlap):
                endless.append(one)
        return made, endless


def retire_key(directory: Path, kid: str, now: float, *, force: bool = False) -> KeyFile:
    """Delete a key. Tokens that it signed are refused from now on.

    Args:
        directory: where it is.
        kid: which.
        now: seconds since 1970.
        force: although tokens of its may still be about. A published key then signs at once,
            where this was the one that did.

    Raises:
        ValueError: there is no such key; or its tokens may be about and ``force`` is not set; or
            no key would be left to sign.
    """
    with _locked(directory):
        keys = list_keys(directory, now)
        _demand_one_each(keys)
        found = next((one for one in keys if one.key.kid == kid), None)
        if found is None:
            raise BadKey(
                f"{shown(directory)} has no key {kid}. manage.py ratchet keys list says which "
                "there are."
            )
        if found.state in (KeyState.SIGNING, KeyState.VERIFYING) and not force:
            raise BadKey(
                f"Tokens that {kid} signed may still be valid. Rotate first and wait until its "
                "state is 'over', or use --force: clients that hold one must then refresh."
            )
        if found.state is not KeyState.OVER and found.key.can_sign:
            _take_over([one for one in keys if one is not found], now)
        with _writing(found.file):
            found.file.unlink()
        return found


def _demand_one_each(keys: list[KeyFile]) -> None:
    """A file is deleted or written as a whole, so it must not hold another key."""
    files = [one.file for one in keys]
    for file in files:
        if files.count(file) > 1:
            raise BadKey(f"{shown(file)} holds several keys. Give each a file of its own first.")


def _take_over(others: list[KeyFile], now: float) -> None:
    """See to it that a key signs now and that the last one has no end."""
    able = [one for one in others if one.key.can_sign and one.state is not KeyState.OVER]
    if not able:
        raise BadKey("No other key can sign. Make one first: manage.py ratchet keys new")
    ready = [one.key.verifies_until for one in able if one.key.signs_from <= now]
    heir = max(able, key=lambda one: one.key.signs_from)
    # It waits for its time only while there is one to sign until then.
    in_time = bool(ready) and heir.key.signs_from <= max(ready)
    if in_time and heir.key.verifies_until == math.inf:
        return
    if not _set(heir.file, nbf=heir.key.signs_from if in_time else now, exp=None):
        raise BadKey(f"{shown(heir.file)} cannot say when it signs. Make another key first.")


def _state(key: Key, signing: Key | None, now: float) -> KeyState:
    if key.verifies_until <= now:
        return KeyState.OVER
    if key is signing and key.can_sign:
        return KeyState.SIGNING
    return KeyState.PUBLISHED if key.signs_from > now else KeyState.VERIFYING


def _make(directory: Path, alg: str, now: float, signs_from: float) -> KeyFile:
    alive = [one.key for one in list_keys(directory, now) if one.state is not KeyState.OVER]
    # Whole seconds: never sooner than was asked, and after every other key that is there.
    begins = max(
        (
            math.ceil(signs_from) if signs_from > now else int(now),
            *(int(key.signs_from) + 1 for key in alive if key.signs_from <= now),
        )
    )
    members = _generate(alg)
    while members["kid"].startswith("-"):  # a shell's commands would take it for an option
        members = _generate(alg)
    members |= {"iat": int(now), "nbf": begins if alive else int(now)}
    kid = members["kid"]
    _write(directory / f"{int(now)}-{kid[:8]}.json", members)
    return next(one for one in list_keys(directory, now) if one.key.kid == kid)


def _generate(alg: str) -> dict[str, Any]:
    if alg not in ALGORITHMS:
        raise BadKey(f"This is not an algorithm to sign with. Use one of {', '.join(ALGORITHMS)}.")
    key: Any
    if alg in HMAC_BYTES:
        key = jwk.OctKey.generate_key(HMAC_BYTES[alg] * 8)
    elif alg in _EC:
        key = jwk.ECKey.generate_key(_EC[alg])
    elif alg in ml_dsa.NAMES:
        key = ml_dsa.AKPKey.generate_key(alg)
    elif alg in ("Ed25519", "EdDSA"):
        key = jwk.OKPKey.generate_key("Ed25519")
    else:
        key = jwk.RSAKey.generate_key(_RSA_BITS)
    kid = secrets.token_urlsafe(16) if alg in HMAC_BYTES else key.thumbprint()
    return {**key.as_dict(private=True), "alg": alg, "use": "sig", "kid": kid}


def _set(file: Path, **times: float | None) -> bool:
    """Write times into a JWK's file, or take them out; False if it is another kind of file."""
    try:
        members = json.loads(file.read_text("utf-8"))
    except ValueError:
        return False
    if not isinstance(members, dict) or "kty" not in members:
        return False
    changed = {**members, **times}
    said = {
        name: int(value) if name in times else value
        for name, value in changed.items()
        if value is not None or name not in times
    }
    _write(file, said)
    return True


def _write(file: Path, members: dict[str, Any]) -> None:
    """Write all of it or nothing, and for nobody else's eyes at any moment."""
    with _writing(file):
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
        draft = Path(name)
        try:
            with open(descriptor, "w", encoding="utf-8") as opened:
                _belong_as(opened.fileno(), file, is_private=not _PRIVATE.isdisjoint(members))
                opened.write(json.dumps(members, indent=2) + "\n")
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(file)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


#: The members of a JWK that nobody else may read: RFC 7518 section 6, and the draft of ML-DSA.
_PRIVATE = frozenset({"d", "k", "priv"})


def _belong_as(descriptor: int, file: Path, *, is_private: bool) -> None:
    """Let the user and the group that can read the keys read this one, and nobody else.

    The command may run as root, and the server as another user. What counts is the file that is
    replaced, else the newest private key beside it, else the directory.
    """
    if os.name != "posix":
        return
    beside = file if file.exists() else _newest_private(file.parent)
    was = (beside or file.parent).stat()
    if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()):
        try:
            os.fchown(descriptor, was.st_uid, was.st_gid)
        except PermissionError:
            if beside is not None:
                raise BadKey(
                    f"{shown(beside)} belongs to another user. Run this as its owner, or as root."
                ) from None
    mode = stat.S_IMODE(was.st_mode) if beside is not None else 0o600
    # A private key is for its owner, and for the group of a server where the others are.
    os.fchmod(descriptor, mode & 0o640 | 0o600 if is_private else mode)


def _newest_private(directory: Path) -> Path | None:
    private = []
    for file in files_of(directory):
        with contextlib.suppress(ValueError):
            if any(key.can_sign for key in read_file(file)):
                private.append(file)
    return max(private, default=None, key=_written_at)


def _written_at(file: Path) -> float:
    return file.stat().st_mtime


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One command at a time; readers need no lock."""
    if fcntl is None:
        yield
        return
    _demand_directory(directory)
    with _writing(directory):
        descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _writing(place: Path) -> Iterator[None]:
    """Say where it was, and what the system said, of what cannot be written."""
    why = ""
    try:
        yield
    except OSError as error:
        why = _unwritable(place, error)
    if why:
        raise BadKey(why)


def _unwritable(place: Path, error: Exception) -> str:
    why = getattr(error, "strerror", None) or "it is no path"
    return (
        f"{shown(place)} cannot be written: {why}. Let this user write there, make room, or "
        "choose another directory with --dir."
    )


def _demand_directory(directory: Path) -> None:
    try:
        if directory.is_dir():
            return
        is_file = directory.exists()
    except (OSError, ValueError):  # it cannot be looked into, or is no path
        is_file = False
    raise BadKey(
        f"{shown(directory)} is a file, and must be a directory. Choose another with --dir."
        if is_file
        else f"{shown(directory)} is not there, or cannot be looked into. Make the first key, and "
        "with it the directory: manage.py ratchet keys new"
    )
