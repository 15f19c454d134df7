"""Ending sessions: one, a user's, all. The first reason wins, and nothing un-ends."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth.signals import user_logged_out
from django.db import transaction

from drf_ratchet import signals
from drf_ratchet.clock import Now
from drf_ratchet.ids import first_uuid7
from drf_ratchet.models import CutOff, Session
from drf_ratchet.security_log import one_line, security_log
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import demand_autocommit, past_conflicts, write_database
from drf_ratchet.sessions.endings import EndReason
from drf_ratchet.sessions.grant import django_request


def end_session(session: Session, *, reason: str = EndReason.LOGOUT, request: Any = None) -> bool:
    """End a session, if nothing ended it before: the first reason wins.

    Sends ``session_ended``, and Django's ``user_logged_out`` where the reason is a logout.

    Args:
        session: the row.
        reason: for ``end_reason``; at most 32 characters.
        request: the request that ends it, for the signals.

    Returns:
        Whether this call ended it.

    Raises:
        RuntimeError: called inside a transaction.
    """
    demand_autocommit(write_database())
    if not past_conflicts(lambda: store.end(session, reason)):
        return False
    report_ending(session, reason, request)
    if reason in (EndReason.LOGOUT, EndReason.LOGOUT_ALL) and session.user:
        user = session.user
        user_logged_out.send(sender=user.__class__, request=django_request(request), user=user)
    return True


def end_all_sessions(
    user: Any, *, reason: str = EndReason.LOGOUT_ALL, keep: UUID | None = None, request: Any = None
) -> int:
    """End a user's living sessions, each as ``end_session`` does.

    Args:
        user: whose.
        reason: for ``end_reason``; at most 32 characters.
        keep: the id of a session to leave alone, as "log out my other devices" does.
        request: the request that ends them, for the signals.

    Returns:
        How many this call ended.

    Raises:
        RuntimeError: called inside a transaction.
    """
    demand_autocommit(write_database())
    sessions = [session for session in store.living(user) if session.pk != keep]
    return sum(end_session(session, reason=reason, request=request) for session in sessions)


def end_with_transaction(session: Session, reason: str) -> None:
    """End a session together with the change that ends it: both commit, or neither does.

    For what happens to a user. Unlike ``end_session`` it may run in a transaction; what is sent
    and logged waits for the commit.
    """
    if past_conflicts(partial(store.end, session, reason)):
        report = partial(report_ending, session, reason, None)
        transaction.on_commit(report, using=write_database(), robust=True)


def end_beyond_limit(user: Any, limit: int, *, newest: Session, request: Any) -> None:
    """End a user's oldest sessions until no more than ``limit`` are alive; never the newest."""
    kept = max(limit, 1) - 1
    older = [session for session in store.living(user) if session.pk != newest.pk]
    for session in older[kept:]:
        if past_conflicts(partial(store.end, session, EndReason.LIMIT)):
            report_ending(session, EndReason.LIMIT, request)


def end_sessions_before(
    moment: datetime, *, reason: str = EndReason.ADMIN, batch_size: int = 1000
) -> Iterator[int]:
    """End every session opened before a moment: one cut-off first, then the rows, in batches.

    For a breach, or after a backup was restored. Processes that read the feed see the cut-off and
    not the sessions; ``immediate`` and every refresh see each row as its batch is written. It may
    be interrupted and run again. Sends ``sessions_cut_off`` once, and ``session_ended`` never.

    Args:
        moment: an aware datetime.
        reason: for ``end_reason``; at most 32 characters.
        batch_size: rows looked at in one go.

    Yields:
        How many sessions each batch ended.

    Raises:
        RuntimeError: called inside a transaction.
    """
    demand_autocommit(write_database())
    last = UUID(int=first_uuid7(moment).int - 1)
    CutOff._base_manager.using(write_database()).create(last_session=last, announced_at=Now())
    security_log.warning("Ending all sessions opened before %s: %s.", moment, one_line(reason))
    signals.sessions_cut_off.send_robust(sender=Session, before=moment, reason=reason)
    yield from store.end_up_to(last, reason, batch_size)


def report_ending(session: Session, reason: str, request: Any) -> None:
    """Log an ending that was written, and send its signal. No token is in either."""
    user = one_line(session.user_id)
    security_log.info("Session %s of user %s ended: %s.", session.pk, user, one_line(reason))
    signals.session_ended.send_robust(
        sender=Session, session=session, request=request, reason=reason
    )
