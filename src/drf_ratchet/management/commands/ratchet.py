"""``manage.py ratchet``: manage sessions and keys."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import (
    ImproperlyConfigured,
    MultipleObjectsReturned,
    ObjectDoesNotExist,
)
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from drf_ratchet.clock import process_now
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.management import doctor, keys
from drf_ratchet.management.tasks import add_tasks, skips_checks
from drf_ratchet.sessions import (
    EndReason,
    end_all_sessions,
    end_session,
    end_sessions_before,
    store,
)

#: Fifty years. A session's id holds its time in milliseconds since 1970, so no row is older.
_MOST_DAYS = 18250


class Command(BaseCommand):
    """The command, with one subcommand per task."""

    help = "Manage sign-in sessions and keys."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: The tasks of other packages, by name.
        self._further: dict[str, Any] = {}

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the subcommands and their arguments."""
        tasks = parser.add_subparsers(dest="task", required=True, title="tasks")

        pruning = tasks.add_parser("prune", help="Delete sessions that ended or expired long ago.")
        pruning.add_argument(
            "--days",
            type=float,
            default=30,
            help="minimum number of days ago (default: %(default)s)",
        )

        ending = tasks.add_parser("end", help="End sessions: sign devices out.")
        which = ending.add_mutually_exclusive_group(required=True)
        which.add_argument("--user", metavar="NAME", help="all sessions of the user with this name")
        which.add_argument("--session", metavar="ID", help="the session with this id")
        which.add_argument("--all", action="store_true", help="the sessions of all users")
        which.add_argument(
            "--before",
            metavar="TIME",
            help="all sessions opened before a time such as 2026-01-31T12:00:00Z; after restoring "
            "a backup, pass the time of the restore",
        )
        ending.add_argument(
            "--reason",
            default=EndReason.ADMIN.value,
            help="the sessions' end_reason (default: %(default)s)",
        )
        for task in (pruning, ending):
            task.add_argument(
                "--batch-size",
                type=int,
                default=1000,
                help="rows per batch (default: %(default)s)",
            )

        keys.add_arguments(
            tasks.add_parser("keys", help="Create, list, rotate and retire the signing keys.")
        )
        tasks.add_parser(
            "doctor",
            help="Examine keys, cache, database, feed and freshness; exit with 1 if one is broken.",
        )
        self._further = add_tasks(tasks)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Skip the system checks for keys: ``keys new`` must run while E009 reports their lack."""
        task = options.get("task")
        if task == "keys" or skips_checks(self._further, task):
            options["skip_checks"] = True
        return super().execute(*args, **options)

    def handle(self, *args: Any, task: str, **options: Any) -> None:
        """Run a task.

        Raises:
            CommandError: the task failed; the text says what to do.
        """
        if options.get("batch_size", 1) < 1:
            raise CommandError("--batch-size must be at least 1.")
        tasks: dict[str, Callable[..., None]] = {
            "prune": self.prune,
            "end": self.end,
            "doctor": self.doctor,
            "keys": lambda **options: keys.run(self.stdout, **options),
        }
        try:
            if task in self._further:
                # call_command passes a stdout of its own among the options.
                self._further[task].run(**{**options, "stdout": self.stdout})
            else:
                tasks[task](**options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            # A driver's text may contain an address or a password.
            raise CommandError(
                f"The database cannot be used: {type(error).__name__}. If its tables are missing, "
                "run manage.py migrate. For details run manage.py ratchet doctor."
            ) from error

    def prune(self, *, days: float, batch_size: int, **options: Any) -> None:
        """Delete sessions that ended or expired long ago, in batches.

        Args:
            days: the minimum number of days since then.
            batch_size: rows per batch.
            options: Django's own options.

        Raises:
            CommandError: ``days`` is out of range.
        """
        if not 0 <= days <= _MOST_DAYS:
            raise CommandError(f"--days must be between 0 and {_MOST_DAYS}.")
        age, kept = timedelta(days=days), ratchet_settings().ACCESS_TOKEN_LIFETIME
        if age < kept:
            raise CommandError(f"--days must be at least ACCESS_TOKEN_LIFETIME ({kept}).")
        self._count("deleted", store.prune(process_now() - age, batch_size), options["verbosity"])

    def end(
        self,
        *,
        user: str | None,
        session: str | None,
        before: str | None,
        reason: str,
        batch_size: int,
        **options: Any,
    ) -> None:
        """End the sessions of a user, one session, or all sessions opened before a time.

        Args:
            user: a username.
            session: a session's id.
            before: a time with a time zone; with none of the three, now.
            reason: the sessions' ``end_reason``.
            batch_size: rows per batch.
            options: Django's own options.

        Raises:
            CommandError: an argument is invalid.
        """
        if not 1 <= len(reason) <= 32 or not reason.isprintable():
            raise CommandError("--reason must have 1 to 32 printable characters.")
        if user is not None:
            ended = iter([end_all_sessions(_user(user), reason=reason)])
        elif session is not None:
            ended = iter([_end_one(session, reason)])
        else:
            moment = process_now() if before is None else _moment(before)
            ended = end_sessions_before(moment, reason=reason, batch_size=batch_size)
        self._count("ended", ended, options["verbosity"])

    def doctor(self, **options: Any) -> None:
        """Examine the running system and print one line per finding.

        Raises:
            CommandError: a part is broken.
        """
        styles = {
            doctor.Status.OK: self.style.SUCCESS,
            doctor.Status.WARNING: self.style.WARNING,
            doctor.Status.BROKEN: self.style.ERROR,
        }
        broken = 0
        for part, state, text in doctor.examine():
            broken += state is doctor.Status.BROKEN
            self.stdout.write(f"{part:<9} {styles[state](f'{state:<7}')} {text}")
        if broken:
            raise CommandError(f"{broken} broken. See the lines marked as such above.")

    def _count(self, what: str, batches: Iterator[int], verbosity: int) -> None:
        total = 0
        for number in batches:
            total += number
            if verbosity > 1:
                self.stdout.write(f"{total} {what} so far")
        self.stdout.write(self.style.SUCCESS(f"{total} session{'s'[: total != 1]} {what}."))


def _user(name: str) -> Any:
    try:
        return get_user_model()._default_manager.get_by_natural_key(name)
    except (ObjectDoesNotExist, ValueError):  # ValueError: PostgreSQL rejects NUL characters
        raise CommandError(f"There is no user {name!r}.") from None
    except MultipleObjectsReturned:
        raise CommandError(
            f"Several users have the name {name!r}. End their sessions one by one with --session."
        ) from None


def _end_one(session_id: str, reason: str) -> int:
    try:
        session = store.get(UUID(session_id))
    except ValueError:
        raise CommandError(f"{session_id!r} is not the id of a session.") from None
    if session is None:
        raise CommandError(f"There is no session {session_id}.")
    return int(end_session(session, reason=reason))


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{text!r} is not a time like 2026-01-31T12:00:00Z.")
    if timezone.is_naive(moment):
        raise CommandError(f"{text!r} has no time zone. Add Z for UTC, or an offset like +01:00.")
    if not 1970 < moment.year < 9999:
        raise CommandError(f"{text!r} is not a time between 1971 and 9998.")
    return moment
