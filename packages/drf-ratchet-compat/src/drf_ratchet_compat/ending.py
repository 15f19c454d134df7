"""Ending a session where the other packages allow it: inside a transaction too."""

from typing import Any

from django.db import connections

from drf_ratchet.models import Session
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import end_session, end_with_transaction


def end(session: Session, *, reason: str = EndReason.LOGOUT, request: Any = None) -> None:
    """End a session, if nothing ended it before.

    Inside a transaction, under ``ATOMIC_REQUESTS`` say, the ending commits with it: a view that
    answers with an error undoes it, as it undoes a row in simplejwt's blacklist.

    Args:
        session: the row.
        reason: for ``end_reason``; at most 32 characters.
        request: the request that ends it, for the signals.
    """
    if connections[write_database()].in_atomic_block:
        end_with_transaction(session, reason)
    else:
        end_session(session, reason=reason, request=request)
