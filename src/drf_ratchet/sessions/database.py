"""What the store asks of the database beside its queries."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, router

from drf_ratchet.models import Session

T = TypeVar("T")


class Contended(Exception):
    """Other requests changed the same row under every attempt. Nothing was written; try again."""


#: Attempts at one refresh or ending before a conflict is passed on.
ATTEMPTS = 10

#: PostgreSQL's serialization_failure and deadlock_detected: what a lost race looks like above
#: READ COMMITTED, instead of an update of zero rows.
_SQLSTATES = frozenset({"40001", "40P01"})
#: MariaDB's ER_CHECKREAD, ER_LOCK_WAIT_TIMEOUT and ER_LOCK_DEADLOCK.
_ERRNOS = frozenset({1020, 1205, 1213})


class EveryDatabase(set[str]):
    """The aliases of all databases, for a view that is in no ``ATOMIC_REQUESTS``.

    A project with a database for each tenant may add some while it runs.
    """

    def __contains__(self, alias: object) -> bool:
        return True


def write_database() -> str:
    """The alias of the database that sessions are written to, and so the only one to read from.

    A replica may be behind, and would make a fresh token look reused or an ended session alive.
    """
    alias: str = router.db_for_write(Session)
    return alias


def demand_autocommit(using: str) -> None:
    """Refuse to work inside somebody's transaction.

    There an ending could be rolled back, and a lost race would read its own snapshot for ever.
    The same demand as ``transaction.atomic(durable=True)``, without its two round trips; Django's
    ``TestCase`` is let through, as there.

    Args:
        using: the alias of the database.

    Raises:
        RuntimeError: a transaction is open.
    """
    connection = connections[using]
    if connection.get_autocommit():
        return
    blocks = connection.atomic_blocks
    if blocks and getattr(blocks[-1], "_from_testcase", False):
        return
    raise RuntimeError(
        "Sessions cannot be refreshed or ended inside a transaction: a rollback would undo the "
        "ending of a stolen session. Move the call out of atomic(); for a view under "
        "ATOMIC_REQUESTS, decorate it with transaction.non_atomic_requests."
    )


def past_conflicts(attempt: Callable[[], T]) -> T:
    """What ``attempt`` returns, tried again where it lost against a concurrent transaction.

    Inside a transaction it is tried once: there the whole of it would have to be tried again.

    Args:
        attempt: a unit of work: in autocommit nothing is left over when it fails.

    Raises:
        Contended: a conflict in each of ``ATTEMPTS`` attempts.
        OperationalError: any other one.
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
