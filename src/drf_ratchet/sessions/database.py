"""The database that sessions are written to: its alias, open transactions, and conflicts."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, router

from drf_ratchet.models import Session

T = TypeVar("T")


class Contended(Exception):
    """Other requests changed the same row during every attempt. Nothing was written; try again."""


#: Attempts at one refresh or ending before ``Contended`` is raised.
ATTEMPTS = 10

#: PostgreSQL's serialization_failure and deadlock_detected. Above READ COMMITTED a lost race raises
#: one of them, where it would otherwise update zero rows.
_SQLSTATES = frozenset({"40001", "40P01"})
#: MariaDB's ER_CHECKREAD, ER_LOCK_WAIT_TIMEOUT and ER_LOCK_DEADLOCK.
_ERRNOS = frozenset({1020, 1205, 1213})


class EveryDatabase(set[str]):
    """The aliases of all databases, to exempt a view from ``ATOMIC_REQUESTS`` on each of them.

    It contains any alias: a project with a database per tenant may add one while it runs.
    """

    def __contains__(self, alias: object) -> bool:
        return True


def write_database() -> str:
    """Return the alias of the database that sessions are written to; they are read from it too.

    A replica may lag behind. On it a valid token could look reused, or an ended session active.
    """
    alias: str = router.db_for_write(Session)
    return alias


def can_roll_back(using: str) -> bool:
    """Return whether a transaction is open that is not the one of Django's ``TestCase``.

    Args:
        using: the database alias.
    """
    connection = connections[using]
    if connection.get_autocommit():
        return False
    blocks = connection.atomic_blocks
    return not (blocks and getattr(blocks[-1], "_from_testcase", False))


def require_autocommit(using: str) -> None:
    """Refuse to work inside an open transaction.

    There, a rollback could undo an ending, and a lost race would read its own snapshot forever.
    ``transaction.atomic(durable=True)`` checks the same and costs two round trips. Like it, this
    function accepts the transaction of Django's ``TestCase``.

    Args:
        using: the database alias.

    Raises:
        RuntimeError: a transaction is open.
    """
    if not can_roll_back(using):
        return
    raise RuntimeError(
        "Sessions cannot be refreshed or ended inside a transaction: a rollback would undo the "
        "ending of a stolen session. Move the call out of atomic(); for a view under "
        "ATOMIC_REQUESTS, decorate it with transaction.non_atomic_requests."
    )


def retry_on_conflict(attempt: Callable[[], T]) -> T:
    """Return the result of ``attempt``, and retry when it loses against a concurrent transaction.

    Inside a transaction it is called once: only the whole transaction could be retried.

    Args:
        attempt: a unit of work. In autocommit it must leave nothing behind when it fails.

    Raises:
        Contended: each of ``ATTEMPTS`` attempts met a conflict.
        OperationalError: the database reported any other error.
    """
    if not connections[write_database()].get_autocommit():
        return attempt()
    for number in range(1, ATTEMPTS + 1):
        try:
            return attempt()
        except OperationalError as error:
            if not _is_conflict(error):
                raise
            time.sleep(random.uniform(0, 0.01 * number))  # noqa: S311 (jitter, not a secret)
    raise Contended


def _is_conflict(error: OperationalError) -> bool:
    cause = error.__cause__
    errno = cause.args[0] if cause is not None and cause.args else None
    return getattr(cause, "sqlstate", None) in _SQLSTATES or errno in _ERRNOS
