"""Announce endings to the feed: each session by its id, or many sessions by one cut-off."""

import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import QuerySet

from drf_ratchet.clock import Now
from drf_ratchet.models import CutOff
from drf_ratchet.sessions.database import write_database

log = logging.getLogger("drf_ratchet")

#: Seconds from an ending's statement to its commit. An ending that commits later is announced
#: again. One second shorter than ``known_endings.LAST_TOKEN``.
SETTLED = 2.0
_ATTEMPTS = 3


def cut_off(subject: str, last: UUID, alive: Sequence[UUID]) -> QuerySet[CutOff] | None:
    """Announce by one cut-off that a user's sessions up to an id have ended.

    Args:
        subject: the user's ``sub`` claim.
        last: the highest session id that the cut-off covers.
        alive: ids up to ``last`` of sessions that stay active.

    Returns:
        The announcement. None if more than one session stays active, or if the subject is empty or
        longer than its column.
    """
    # In a cut-off an empty subject means all users. A user with no value in USER_ID_FIELD has an
    # empty one too.
    fits = 0 < len(subject) <= (CutOff._meta.get_field("subject").max_length or 0)
    if len(alive) > 1 or not fits:
        return None
    return _announced(subject=subject, last_session=last, kept_session=alive[0] if alive else None)


def cut_off_everybody(last: UUID) -> QuerySet[CutOff]:
    """Announce that the sessions of all users up to an id end, and return the announcement.

    Args:
        last: the highest session id that the cut-off covers.
    """
    return _announced(last_session=last)


def _announced(**columns: Any) -> QuerySet[CutOff]:
    cut_offs = CutOff._base_manager.using(write_database())
    # Now() is the time of this statement, which is later than every ending in the transaction.
    return cut_offs.filter(pk=cut_offs.create(**columns, announced_at=Now()).pk)


def announce_again(announced: QuerySet[Any]) -> None:
    """Announce endings again, with the current time. One query.

    Args:
        announced: the rows of sessions, or of a cut-off.
    """
    announced.update(announced_at=Now())


def announce_again_if_late(announced: QuerySet[Any], began: float) -> None:
    """Announce endings again if they commit long after the statement that announced them.

    The feed reads what was announced since shortly before its previous reading. A long transaction,
    for example around a password change, would commit endings that no feed reads.

    Args:
        announced: the rows of sessions, or of a cut-off.
        began: when their statement was sent, in seconds of the monotonic clock.
    """

    def check() -> None:
        sent = began
        try:
            for _ in range(_ATTEMPTS):
                if time.monotonic() - sent <= SETTLED:
                    return
                sent = time.monotonic()
                announce_again(announced)
        except (DatabaseError, InterfaceError) as error:
            # The sessions have ended nevertheless. Feeds read further back every ``RECHECK_EVERY``.
            log.error("An ending could not be announced again (%s).", type(error).__name__)

    if connections[announced.db].in_atomic_block:
        transaction.on_commit(check, using=announced.db, robust=True)
    else:
        check()
