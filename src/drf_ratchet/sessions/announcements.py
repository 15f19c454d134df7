"""How endings come into the feed: each by its id, or very many by one cut-off."""

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

#: Seconds from an ending's statement to its commit, after which it is announced again. Shorter than
#: ``known_endings.LAST_TOKEN`` by a second.
SETTLED = 2.0
_ATTEMPTS = 3


def cut_off(subject: str, last: UUID, alive: Sequence[UUID]) -> QuerySet[CutOff] | None:
    """Announce that a user's sessions up to an id have ended; None if that cannot be said so.

    Args:
        subject: the user, as the ``sub`` claim has it.
        last: the id.
        alive: up to there, those that live on.

    Returns:
        The announcement.
    """
    # "" is everybody: a user without a value in USER_ID_FIELD.
    fits = 0 < len(subject) <= (CutOff._meta.get_field("subject").max_length or 0)
    if len(alive) > 1 or not fits:
        return None
    return _announced(subject=subject, last_session=last, kept_session=alive[0] if alive else None)


def cut_off_everybody(last: UUID) -> QuerySet[CutOff]:
    """Announce that all sessions up to an id end; return the announcement.

    Args:
        last: the id.
    """
    return _announced(last_session=last)


def _announced(**columns: Any) -> QuerySet[CutOff]:
    cut_offs = CutOff._base_manager.using(write_database())
    # The moment of this statement, which is later than all that the transaction has ended.
    return cut_offs.filter(pk=cut_offs.create(**columns, announced_at=Now()).pk)


def announce_again(announced: QuerySet[Any]) -> None:
    """Announce endings anew. One query.

    Args:
        announced: sessions, or a cut-off.
    """
    announced.update(announced_at=Now())


def announce_again_if_late(announced: QuerySet[Any], began: float) -> None:
    """Announce endings anew whose commit comes long after the statement that announced them.

    The feed reads what was announced since a little before its last reading. A transaction that is
    open for longer, around a new password say, would commit endings that no feed looks at.

    Args:
        announced: sessions, or a cut-off.
        began: when their statement was sent, by the monotonic clock.
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
            # They have ended all the same, and feeds look further back from time to time.
            log.error("An ending could not be announced again (%s).", type(error).__name__)

    if connections[announced.db].in_atomic_block:
        transaction.on_commit(check, using=announced.db, robust=True)
    else:
        check()
