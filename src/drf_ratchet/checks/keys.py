"""Check the keys that sign access tokens, and who can read or change their files."""

import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.core.checks import CheckMessage, Error, Tags, Warning, register

from drf_ratchet.checks.settings import usable_settings
from drf_ratchet.conf import RatchetSettings

#: The default time for which the JavaScript package jose keeps a key set (``cacheMaxAge``). It
#: ignores Cache-Control. PyJWT's PyJWKClient keeps a key set for five minutes (``lifespan``).
KEPT_BY_OTHERS = timedelta(minutes=10)


@register(Tags.security)
def check_keys(**kwargs: Any) -> list[CheckMessage]:
    """Report E009: the keys are unusable. Report E010, W020: a new key signs too early."""
    return list(_keys(usable_settings()))


@register(Tags.security, deploy=True)
def check_key_files(**kwargs: Any) -> list[CheckMessage]:
    """Report W016: others can read a private key. Report W019: others can replace a key."""
    return [
        Warning(found.problem, hint=found.hint, id=found.id)
        for found in exposed_keys(usable_settings())
    ]


class Exposed(NamedTuple):
    """A key file or a directory that other users of the machine can read or change.

    Args:
        problem: what is wrong.
        hint: what to do.
        id: the id of the check.
    """

    problem: str
    hint: str
    id: str


def exposed_keys(chosen: RatchetSettings) -> Iterator[Exposed]:
    """Yield each key file and directory of ``KEYS`` that other users can read or change.

    Args:
        chosen: the project's settings.
    """
    from ratchet_tokens.key_files import is_place  # late, as in keyring

    for source in chosen.keys:
        if isinstance(source, (str, Path)) and is_place(source):
            yield from exposed_at(Path(source))


def exposed_at(place: Path) -> list[Exposed]:
    """Return the files and directories at a path that other users can read or change.

    Args:
        place: a key file, or a directory of key files.
    """
    from ratchet_tokens.key_files import files_of

    if os.name != "posix":
        return []
    try:
        return list(_exposed(place, files_of(place)))
    except (OSError, ValueError):
        return []  # E009 reports it


def _keys(chosen: RatchetSettings) -> Iterator[CheckMessage]:
    from drf_ratchet.keyring import read_key_files

    if not chosen.keys:
        return
    made = read_key_files(chosen)
    if isinstance(made, str):
        yield Error(
            made,
            hint="The server does not start. List the keys of a directory with 'manage.py ratchet "
            "keys list', and make a key with 'manage.py ratchet keys new'.",
            id="ratchet.E009",
        )
    if chosen.KEY_PUBLISH_DELAY <= chosen.JWKS_MAX_AGE:
        yield Error(
            "DRF_RATCHET['KEY_PUBLISH_DELAY'] is not longer than 'JWKS_MAX_AGE'.",
            hint="A verifier that caches the key set for JWKS_MAX_AGE would refuse tokens of a new "
            "key. Set KEY_PUBLISH_DELAY to three times JWKS_MAX_AGE.",
            id="ratchet.E010",
        )
    elif (
        chosen.KEY_PUBLISH_DELAY < KEPT_BY_OTHERS
        and not isinstance(made, str)
        and made is not None
        and made.current().published()["keys"]
    ):
        yield Warning(
            "DRF_RATCHET['KEY_PUBLISH_DELAY'] is shorter than ten minutes.",
            hint="Some verifiers ignore 'JWKS_MAX_AGE' and cache a key set for ten minutes "
            "(jose's createRemoteJWKSet does by default), so they may refuse tokens of a new key. "
            "Make the delay longer, or set cacheMaxAge there and silence 'ratchet.W020'.",
            id="ratchet.W020",
        )


def _exposed(place: Path, files: list[Path]) -> Iterator[Exposed]:
    for file in files:
        if _is_private(file) and file.stat().st_mode & stat.S_IROTH:
            yield Exposed(
                f"{_shown(file)} can be read by every user of this machine.",
                f"Run chmod 600 {_shown(file)}. Its readers can sign tokens of any user.",
                id="ratchet.W016",
            )
    # For a symbolic link, check its target and the directory that holds the target.
    real = {file.resolve() for file in files}
    own = {place.resolve()} if place.is_dir() else set()
    for path in sorted(real | own | {file.parent for file in real}):
        found = _changeable(path, is_key_directory=path in own)
        if found is not None:
            why, command = found
            yield Exposed(
                f"{_shown(path)} {why}.",
                f"Run {command} {_shown(path)}. Its writers can sign tokens of any user.",
                id="ratchet.W019",
            )


def _changeable(path: Path, *, is_key_directory: bool) -> tuple[str, str] | None:
    """Return how other users can change a path and the command that prevents it, or None."""
    at = path.stat()
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return None  # a file system mounted read-only, as Kubernetes mounts secrets
    # The check may run as root while the server runs as the owner of the keys.
    is_known = os.geteuid() == 0 and path.is_dir()
    if not is_known and at.st_uid not in {0, os.geteuid(), path.parent.stat().st_uid}:
        return "belongs to another user", "chown, as root, on"
    # With the sticky bit, as in /tmp, other users can add files but not replace them.
    is_sticky = bool(at.st_mode & stat.S_ISVTX) and not is_key_directory
    if at.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not is_sticky:
        return "can be changed by other users of this machine", "chmod go-w"
    if is_key_directory and at.st_mode & stat.S_IRWXO:
        return "is open to every user of this machine", "chmod o-rwx"
    return None


def _is_private(file: Path) -> bool:
    try:
        read = file.read_bytes()
    except OSError:
        return False
    # The private members of a JWK (d, k, priv), and PEM.
    return any(mark in read for mark in (b'"d"', b'"k"', b'"priv"', b"PRIVATE KEY"))


def _shown(path: Path) -> str:
    from ratchet_tokens.key_files import shown  # late, as in keyring

    return shown(path)
