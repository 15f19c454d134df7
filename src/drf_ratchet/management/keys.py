"""``manage.py ratchet keys``: making, rotating and retiring the keys of access tokens."""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import key_directory
from drf_ratchet.tokens.key_directory import (
    KeyFile,
    State,
    list_keys,
    new_key,
    retire_key,
    rotate_keys,
)
from drf_ratchet.tokens.keys import ALGORITHMS

#: Beyond the last token's life: for processes to notice, and for clocks.
MARGIN = 60
DEFAULT_ALG = "Ed25519"


def add_arguments(parser: ArgumentParser) -> None:
    """The subcommands and what each takes."""
    tasks = parser.add_subparsers(dest="key_task", required=True, title="tasks")
    making = tasks.add_parser("new", help="Make a key: published at once, signing later.")
    making.add_argument("--alg", choices=ALGORITHMS, default=DEFAULT_ALG, metavar="ALG")
    tasks.add_parser("list", help="The keys and their states.")
    rotating = tasks.add_parser(
        "rotate", help="Make the next key, and let the present one go once its tokens are dead."
    )
    rotating.add_argument("--alg", choices=ALGORITHMS, metavar="ALG", help="(default: as now)")
    retiring = tasks.add_parser("retire", help="Delete a key. Its tokens are refused at once.")
    retiring.add_argument("kid", help="its name, as the list has it")
    retiring.add_argument("--force", action="store_true", help="although its tokens are about")
    for task in (making, rotating):
        task.add_argument(
            "--at-once", action="store_true", help="sign without KEY_PUBLISH_DELAY: after a theft"
        )
    for task in (making, rotating, retiring, tasks.choices["list"]):
        task.add_argument("--dir", type=Path, help="(default: the directory that KEYS is)")


def run(out: OutputWrapper, *, key_task: str, dir: Path | None, **options: Any) -> None:
    """Run a task.

    Raises:
        CommandError: it cannot be done; the text says what to do.
    """
    directory = dir or key_directory()
    if directory is None:
        raise CommandError(
            "DRF_RATCHET['KEYS'] is no directory. Set it to one, or give --dir. Keys in other "
            "places are made where those places are."
        )
    try:
        _TASKS[key_task](out, Path(directory), time.time(), options)
    except (ValueError, OSError) as error:
        raise CommandError(str(error)) from None


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
            f"{one.file.name} cannot say when it ends. After {over}: "
            f"manage.py ratchet keys retire {one.key.kid} --force"
        )


def _list(out: OutputWrapper, directory: Path, now: float, options: dict[str, Any]) -> None:
    keys = sorted(list_keys(directory, now), key=lambda one: one.key.signs_from)
    for one in keys:
        out.write(f"{one.state:<9}  {one.key.alg:<9}  {one.key.kid}  {one.file.name}{_when(one)}")
    if not keys:
        out.write(f"{directory} has no key. Make one: manage.py ratchet keys new")


def _retire(out: OutputWrapper, directory: Path, now: float, options: dict[str, Any]) -> None:
    gone = retire_key(directory, options["kid"], now, force=options["force"])
    out.write(f"{gone.key.kid} is deleted.")
    if gone.state is not State.OVER:
        kept = int(ratchet_settings().JWKS_MAX_AGE.total_seconds())
        out.write(f"Services that verify on their own may keep it for {kept} seconds more.")


_TASKS = {"new": _new, "list": _list, "rotate": _rotate, "retire": _retire}


def _signs_from(now: float, options: dict[str, Any]) -> float:
    if options["at_once"]:
        return now
    return now + ratchet_settings().KEY_PUBLISH_DELAY.total_seconds()


def _say_made(out: OutputWrapper, made: KeyFile, now: float) -> None:
    begins = made.key.signs_from
    when = f"signs from {_moment(begins)}" if begins > now else "signs now"
    out.write(f"{made.key.kid} ({made.key.alg}) is published, and {when}: {made.file}")


def _when(one: KeyFile) -> str:
    if one.state is State.PUBLISHED:
        return f"  signs from {_moment(one.key.signs_from)}"
    if one.key.verifies_until != float("inf"):
        return f"  verifies until {_moment(one.key.verifies_until)}"
    return ""


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
