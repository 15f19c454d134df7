"""Create, rotate and retire the keys of a directory. Each file holds one JWK.

A JWK stores its own times: it signs from ``nbf`` on and verifies until ``exp``. So every process
that reads the directory, on any machine, arrives at the same key set.
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
_RSA_BITS = 3072  # NIST SP 800-57 part 1 requires this beyond 2030


class KeyState(StrEnum):
    """The state of a key."""

    PUBLISHED = "published"
    SIGNING = "signing"
    VERIFYING = "verifying"
    OVER = "over"


@dataclass(frozen=True)
class KeyFile:
    """A key, its file and its state.

    Args:
        key: the key.
        file: the path of its file.
        state: its state at the moment of the call.
    """

    key: Key
    file: Path
    state: KeyState


def list_keys(directory: Path, now: float) -> list[KeyFile]:
    """Return the keys of a directory.

    Args:
        directory: the key directory.
        now: seconds since 1970.

    Raises:
        ValueError: the path is not a directory, a file contains no key, or two keys have the same
            kid.
    """
    _demand_directory(directory)
    read = [(key, file) for file in files_of(directory) for key in read_file(file)]
    signing = None
    with contextlib.suppress(ValueError):
        signing = arrange([key for key, _ in read], now).signing
    kids = [key.kid for key, _ in read]
    twice = {kid for kid in kids if kids.count(kid) > 1}
    if twice:
        raise BadKey(f"Two keys have the kid {min(twice)!r}. Give each key its own kid.")
    return [KeyFile(key, file, _state(key, signing, now)) for key, file in read]


def new_key(directory: Path, alg: str, now: float, *, signs_from: float) -> KeyFile:
    """Create a key. The first key of a directory signs at once.

    Args:
        directory: the key directory. If it does not exist, it is created for its owner only.
        alg: the algorithm of the key.
        now: seconds since 1970.
        signs_from: seconds since 1970. Until then the key is published and does not sign.

    Raises:
        ValueError: the algorithm is unknown or not supported on this machine, or the directory
            cannot be created or written to.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        pass  # the path is a file, which _locked reports
    except (OSError, ValueError) as error:
        raise BadKey(_unwritable(directory, error)) from None
    with _locked(directory):
        return _make(directory, alg, now, signs_from)


def rotate_keys(
    directory: Path, now: float, *, signs_from: float, overlap: float, alg: str | None = None
) -> tuple[KeyFile, list[KeyFile]]:
    """Create the next key, and let the other keys end when their last token has expired.

    Args:
        directory: the key directory.
        now: seconds since 1970.
        signs_from: seconds since 1970, from which the new key signs.
        overlap: seconds for which the old keys verify after that: the lifetime of a token, and some
            seconds for clocks that differ.
        alg: the algorithm of the new key; by default that of the signing key.

    Returns:
        The new key, and the keys without an end because their files (PEM) cannot store one.

    Raises:
        ValueError: a file is unusable, or there is no signing key and no ``alg``.
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
                f"{shown(directory)} has no signing key. Create one first: manage.py ratchet keys "
                "new"
            )
        # The new key first: if this is interrupted, there is one key too many, and none is missing.
        made = _make(directory, chosen, now, signs_from)
        endless = []
        for one in alive:
            if one.key.verifies_until <= signs_from + overlap:
                continue
            if not _set(one.file, exp=made.key.signs_from + overlap):
                endless.append(one)
        return made, endless


def retire_key(directory: Path, kid: str, now: float, *, force: bool = False) -> KeyFile:
    """Delete a key. Its tokens are refused from now on.

    Args:
        directory: the key directory.
        kid: the id of the key.
        now: seconds since 1970.
        force: delete the key even if its tokens may still be valid. If it was the signing key, a
            published key signs at once.

    Raises:
        ValueError: there is no such key, its tokens may be valid and ``force`` is not set, or no
            key would be left to sign.
    """
    with _locked(directory):
        keys = list_keys(directory, now)
        _demand_one_each(keys)
        found = next((one for one in keys if one.key.kid == kid), None)
        if found is None:
            raise BadKey(
                f"{shown(directory)} has no key {kid}. List the keys with manage.py ratchet keys "
                "list."
            )
        if found.state in (KeyState.SIGNING, KeyState.VERIFYING) and not force:
            raise BadKey(
                f"Tokens that {kid} signed may still be valid. Rotate first and wait until its "
                "state is 'over', or use --force: clients with such a token must then refresh."
            )
        if found.state is not KeyState.OVER and found.key.can_sign:
            _take_over([one for one in keys if one is not found], now)
        with _writing(found.file):
            found.file.unlink()
        return found


def _demand_one_each(keys: list[KeyFile]) -> None:
    """Refuse a file with several keys, because files are deleted and written as a whole."""
    files = [one.file for one in keys]
    for file in files:
        if files.count(file) > 1:
            raise BadKey(
                f"{shown(file)} contains several keys. Move each key to a file of its own."
            )


def _take_over(others: list[KeyFile], now: float) -> None:
    """Ensure that one of the other keys signs now, and that the last key has no end."""
    able = [one for one in others if one.key.can_sign and one.state is not KeyState.OVER]
    if not able:
        raise BadKey("No other key can sign. Create one first: manage.py ratchet keys new")
    ready = [one.key.verifies_until for one in able if one.key.signs_from <= now]
    heir = max(able, key=lambda one: one.key.signs_from)
    # The heir may start later only if another key signs until then.
    in_time = bool(ready) and heir.key.signs_from <= max(ready)
    if in_time and heir.key.verifies_until == math.inf:
        return
    if not _set(heir.file, nbf=heir.key.signs_from if in_time else now, exp=None):
        raise BadKey(f"{shown(heir.file)} cannot store a start time. Create another key first.")


def _state(key: Key, signing: Key | None, now: float) -> KeyState:
    if key.verifies_until <= now:
        return KeyState.OVER
    if key is signing and key.can_sign:
        return KeyState.SIGNING
    return KeyState.PUBLISHED if key.signs_from > now else KeyState.VERIFYING


def _make(directory: Path, alg: str, now: float, signs_from: float) -> KeyFile:
    alive = [one.key for one in list_keys(directory, now) if one.state is not KeyState.OVER]
    # Whole seconds: not earlier than requested, and later than every other key.
    begins = max(
        (
            math.ceil(signs_from) if signs_from > now else int(now),
            *(int(key.signs_from) + 1 for key in alive if key.signs_from <= now),
        )
    )
    members = _generate(alg)
    while members["kid"].startswith("-"):  # the command line would treat it as an option
        members = _generate(alg)
    members |= {"iat": int(now), "nbf": begins if alive else int(now)}
    kid = members["kid"]
    _write(directory / f"{int(now)}-{kid[:8]}.json", members)
    return next(one for one in list_keys(directory, now) if one.key.kid == kid)


def _generate(alg: str) -> dict[str, Any]:
    if alg not in ALGORITHMS:
        raise BadKey(f"The alg is not a supported algorithm. Use one of {', '.join(ALGORITHMS)}.")
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
    """Set or remove times in a JWK's file, and return False if it is not a JWK.

    Args:
        file: the path of the file.
        times: ``nbf`` and ``exp`` in seconds since 1970; None removes the member.
    """
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
    """Write a file atomically. Other users cannot read it at any moment."""
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


#: The private members of a JWK (RFC 7518 section 6, and the draft of ML-DSA).
_PRIVATE = frozenset({"d", "k", "priv"})


def _belong_as(descriptor: int, file: Path, *, is_private: bool) -> None:
    """Give a new file the owner, group and mode of the other keys.

    The command may run as root, and the server as another user. The model is the file that is
    replaced, or else the newest private key in the directory, or else the directory.
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
    # The owner may read a private key, and the group may if it can read the other keys.
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
    """Lock the directory, so that one command runs at a time. Readers need no lock."""
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
    """Turn an ``OSError`` of the block into a ``BadKey`` that names the path and the reason."""
    why = ""
    try:
        yield
    except OSError as error:
        why = _unwritable(place, error)
    if why:
        raise BadKey(why)


def _unwritable(place: Path, error: Exception) -> str:
    why = getattr(error, "strerror", None) or "it is not a path"
    return (
        f"{shown(place)} cannot be written: {why}. Allow this user to write there, free some "
        "space, or choose another directory with --dir."
    )


def _demand_directory(directory: Path) -> None:
    try:
        if directory.is_dir():
            return
        is_file = directory.exists()
    except (OSError, ValueError):  # it is not accessible, or not a path
        is_file = False
    raise BadKey(
        f"{shown(directory)} is a file, not a directory. Choose a directory with --dir."
        if is_file
        else f"{shown(directory)} does not exist or is not accessible. Create the directory with "
        "its first key: manage.py ratchet keys new"
    )
