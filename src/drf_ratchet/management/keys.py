"""``manage.py ratchet keys``: create, list, rotate and retire the keys of access tokens."""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, OutputWrapper

from drf_ratchet.checks.keys import exposed_at
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import key_directory
from ratchet_tokens.algorithms import ALGORITHMS
from ratchet_tokens.key_directory import (
    KeyFile,
    KeyState,
    list_keys,
    new_key,
    retire_key,
    rotate_keys,
)
from ratchet_tokens.key_files import shown

#: Seconds that a rotated key verifies after its last token has expired. They allow for processes
#: that notice the change late, and for clocks that differ.
MARGIN = 60
DEFAULT_ALG = "Ed25519"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the subcommands and their arguments."""
    tasks = parser.add_subparsers(dest="key_task", required=True, title="tasks")
    making = tasks.add_parser("new", help="Create a key. It is published at once and signs later.")
    making.add_argument("--alg", choices=ALGORITHMS, default=DEFAULT_ALG, metavar="ALG")
    tasks.add_parser("list", help="List the keys and their states.")
    rotating = tasks.add_parser(
        "rotate", help="Create the next key, and remove the current one when its tokens expire."
    )
    rotating.add_argument(
        "--alg", choices=ALGORITHMS, metavar="ALG", help="(default: that of the current key)"
    )
    retiring = tasks.add_parser("retire", help="Delete a key. Its tokens are refused at once.")
    retiring.add_argument("kid", help="the key id, as shown by list")
    retiring.add_argument(
        "--force", action="store_true", help="delete it even if its tokens may still be valid"
    )
    for task in (making, rotating):
        task.add_argument(
            "--at-once", action="store_true", help="sign without KEY_PUBLISH_DELAY: after a theft"
        )
    for task in (making, rotating, retiring, tasks.choices["list"]):
        task.add_argument("--dir", type=Path, help="(default: the directory in KEYS)")


def run(
    out: OutputWrapper, *, key_task: str, dir: str | Path | None = None, **options: Any
) -> None:
    """Run a task.

    Args:
        out: the command's stdout.
        key_task: "new", "list", "rotate" or "retire".
        dir: the key directory; by default the one in ``KEYS``.
        options: the task's other arguments.

    Raises:
        CommandError: the task failed; the text says what to do.
    """
    try:
        directory = Path(dir) if dir else _configured()
        _TASKS[key_task](out, directory, time.time(), options)
        for found in exposed_at(directory):
            out.write(f"Warning: {found.problem} {found.hint}")
    except (ValueError, OSError, ImproperlyConfigured) as error:
        # An OSError's text names a file, which may be a temporary one: show the reason alone.
        text = str(error) if not isinstance(error, OSError) else str(error.strerror)
        raise CommandError(text) from None


def _configured() -> Path:
    """Return the directory in ``KEYS``.

    Raises:
        CommandError: ``KEYS`` is not a directory. The text does not contain the value, which may
            be a key.
    """
    directory = key_directory()
    if directory is not None:
        return directory
    problem = (
        "DRF_RATCHET['KEYS'] is not a directory."
        if ratchet_settings().keys
        else "DRF_RATCHET['KEYS'] is not a directory: it is not set."
    )
    raise CommandError(
        f"{problem} Set it to the absolute path of a directory, for example BASE_DIR / 'keys', or "
        "pass --dir. This command changes no keys in a file, a list or an environment variable."
    )


def _new(out: OutputWrapper, directory: Path, now: float, options: dict[str, Any]) -> None:
    made = new_key(directory, options["alg"], now, signs_from=_signs_from(now, options))
    _say_made(out, made, now)


def _rotate(out: OutputWrapper, directory: Path, now: float, options: dict[str, Any]) -> None:
    settings = ratchet_settings()
    overlap = (settings.ACCESS_TOKEN_LIFETIME + settings.LEEWAY).total_seconds() + MARGIN
    made, endless = rotate_keys(
        directory,
        now,
        signs_from=_signs_from(now, options),
        overlap=overlap,
        alg=options["alg"],
    )
    _say_made(out, made, now)
    for one in endless:
        over = _moment(made.key.signs_from + overlap)
        out.write(
            f"{_name(one)} cannot store an end time. After {over} run "
            f"manage.py ratchet keys retire {one.key.kid} --force"
        )


def _list(out: OutputWrapper, directory: Path, now: float, options: dict[str, Any]) -> None:
    keys = sorted(list_keys(directory, now), key=lambda one: one.key.signs_from)
    for one in keys:
        out.write(f"{one.state:<9}  {one.key.alg:<9}  {one.key.kid}  {_name(one)}{_when(one)}")
    if not keys:
        out.write(f"{shown(directory)} has no key. Create one: manage.py ratchet keys new")


def _retire(out: OutputWrapper, directory: Path, now: float, options: dict[str, Any]) -> None:
    gone = retire_key(directory, options["kid"], now, force=options["force"])
    out.write(f"{gone.key.kid} is deleted.")
    if gone.state is not KeyState.OVER:
        kept = int(ratchet_settings().JWKS_MAX_AGE.total_seconds())
        out.write(
            f"Services that verify tokens may cache it for {kept} more seconds. Verifiers of other "
            "packages may cache it for longer: docs/keys.md."
        )


_TASKS = {"new": _new, "list": _list, "rotate": _rotate, "retire": _retire}


def _signs_from(now: float, options: dict[str, Any]) -> float:
    if options["at_once"]:
        return now
    return now + ratchet_settings().KEY_PUBLISH_DELAY.total_seconds()


def _say_made(out: OutputWrapper, made: KeyFile, now: float) -> None:
    begins = made.key.signs_from
    when = f"signs from {_moment(begins)}" if begins > now else "signs now"
    out.write(f"{made.key.kid} ({made.key.alg}) is published, and {when}: {shown(made.file)}")


def _name(one: KeyFile) -> str:
    return shown(Path(one.file.name))


def _when(one: KeyFile) -> str:
    if one.state is KeyState.PUBLISHED:
        return f"  signs from {_moment(one.key.signs_from)}"
    if one.key.verifies_until != float("inf"):
        return f"  verifies until {_moment(one.key.verifies_until)}"
    return ""


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
