"""Ending sessions: one, a user's, all. The first reason wins, and nothing un-ends."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models import QuerySet

from drf_ratchet import signals
from drf_ratchet.ids import first_uuid7
from drf_ratchet.models import Session
from drf_ratchet.security_log import one_line, security_log
from drf_ratchet.sessions import store
from drf_ratchet.sessions.announcements import (
    announce_again,
    announce_again_if_late,
    cut_off_everybody,
)
from drf_ratchet.sessions.database import demand_autocommit, past_conflicts, write_database
from drf_ratchet.sessions.device import django_request
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.subject import subject_of

_LOGOUTS = frozenset({EndReason.LOGOUT, EndReason.LOGOUT_ALL})
#: Seconds between two announcements of a cut-off whose sessions are being ended.
_ANNOUNCED_EVERY = 30.0


def end_session(session: Session, *, reason: str = EndReason.LOGOUT, request: Any = None) -> bool:
    """End a session, if nothing ended it before: the first reason wins.

    Sends ``session_ended``, and Django's ``user_logged_out`` where the reason is a logout
    and there is a request.

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
    if reason in _LOGOUTS and session.user:
        _send_logged_out(session.user, request)
    return True


def end_all_sessions(
    user: Any, *, reason: str = EndReason.LOGOUT_ALL, keep: UUID | None = None, request: Any = None
) -> int:
    """End a user's living sessions: two queries, or five if there are more than a hundred.

    Once all of them have ended, sends ``session_ended`` for each, and Django's
    ``user_logged_out`` once, where the reason is a logout and there is a request.

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
    found = store.living(user)
    if keep is not None:
        found = found.exclude(pk=keep)
    return _end_many(found, user, reason, partial(_report_many, request=request))


def end_several(
    sessions: Sequence[Session], *, reason: str, request: Any = None
) -> Iterator[Session]:
    """End some sessions, of whatever users, with one query for every 900.

    Sends ``session_ended`` for each.

    Args:
        sessions: the rows, each with its user loaded.
        reason: for ``end_reason``; at most 32 characters.
        request: the request that ends them, for the signals.

    Yields:
        Each session that this call ended.

    Raises:
        RuntimeError: called inside a transaction.
    """
    demand_autocommit(write_database())
    for batch in store.in_batches(sessions):
        ids = set(_end_each([session.pk for session in batch], reason))
        for session in batch:
            if session.pk in ids:
                session.end_reason = reason
                report_ending(session, reason, request)
                yield session


def end_with_transaction(session: Session, reason: str) -> None:
    """End a session together with the change that ends it: both commit, or neither does.

    Unlike ``end_session`` it may run in a transaction; what is sent and logged waits for the
    commit.
    """
    if past_conflicts(partial(store.end, session, reason)):
        report = partial(report_ending, session, reason, None)
        transaction.on_commit(report, using=write_database(), robust=True)


def end_many_with_transaction(found: QuerySet[Session], user: Any, reason: str) -> None:
    """End many of a user's sessions together with the change that ends them.

    For what happens to a user. What is sent and logged waits for the commit.

    Args:
        found: living sessions, newest first.
        user: whose.
        reason: for ``end_reason``.
    """
    using = write_database()

    def report(ended: _Ended) -> None:
        transaction.on_commit(partial(_report_many, ended), using=using, robust=True)

    _end_many(found, user, reason, report)


def end_beyond_limit(user: Any, limit: int, *, request: Any) -> None:
    """End a user's oldest sessions until no more than ``limit`` are alive.

    One query where there are not more. Whoever asks, the newest stay: so of sign-ins at the same
    time, each of which asks for this, the last one stays.

    Args:
        user: whose.
        limit: how many may be alive.
        request: the request that signed in, for the signals.
    """
    # By the database's clock: ids are made by processes, and their clocks differ.
    newest_first = store.living(user).order_by("-created_at", "-pk")
    beyond, reason = newest_first[max(limit, 1) :], EndReason.LIMIT
    # One statement, on what is committed: it needs no lock.
    ids = past_conflicts(lambda: store.end_each(store.newest(beyond), reason))
    end_rest = partial(store.end_older, beyond) if len(ids) > store.MOST_LISTED else None
    _end_rest(end_rest, _Ended(user, reason, ids), partial(_report_many, request=request))


class _Ended(NamedTuple):
    """What an ending of many sessions has ended.

    Args:
        user: whose.
        reason: their ``end_reason``.
        ids: which; of the older ones only where somebody listens.
        unlisted: how many more.
    """

    user: Any
    reason: str
    ids: Sequence[UUID]
    unlisted: int = 0


def _end_many(
    found: QuerySet[Session], user: Any, reason: str, report: Callable[[_Ended], None]
) -> int:
    """End living sessions of a user, and tell ``report`` which; return how many."""
    newest = list(store.newest(found))
    ids, end_rest = _end_each(newest, reason), None
    if len(newest) > store.MOST_LISTED:
        listens = signals.session_ended.has_listeners(Session)
        end_rest = partial(store.end_older, found, last=min(newest), with_ids=listens)
    return _end_rest(end_rest, _Ended(user, reason, ids), report)


def _end_each(ids: Sequence[UUID], reason: str) -> Sequence[UUID]:
    """End sessions and announce each; return the ids of those that this call ended."""
    return past_conflicts(lambda: store.end_listed(ids, reason)) if ids else ()


def _end_rest(
    end_older: Callable[..., tuple[int, Sequence[UUID]]] | None,
    ended: _Ended,
    report: Callable[[_Ended], None],
) -> int:
    """End the older ones as well, if there are any; return how many have ended in all."""
    user, reason = ended.user, ended.reason
    try:
        if end_older is not None:
            more = partial(end_older, reason=reason, user=user, subject=subject_of(user))
            number, ids = past_conflicts(more)
            ended = ended._replace(ids=[*ended.ids, *ids], unlisted=number - len(ids))
    finally:
        # Also of a part, where the database does not answer any more.
        if ended.ids or ended.unlisted:
            report(ended)
    return len(ended.ids) + ended.unlisted


def _report_many(ended: _Ended, request: Any = None) -> None:
    """Log what was ended, and send the signals. Reads rows only where somebody listens."""
    user, reason, number = ended.user, ended.reason, len(ended.ids) + ended.unlisted
    if number > store.MOST_LISTED:
        whose, why = one_line(user.pk), one_line(reason)
        security_log.info("%d sessions of user %s ended: %s.", number, whose, why)
    else:
        for session_id in ended.ids:
            _log_ending(session_id, user.pk, reason)
    if signals.session_ended.has_listeners(Session):
        for session in store.rows_of(ended.ids, user):
            _send_ended(session, reason, request)
    if reason in _LOGOUTS:
        _send_logged_out(user, request)


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
    began = time.monotonic()
    announced = cut_off_everybody(last)
    security_log.warning("Ending all sessions opened before %s: %s.", moment, one_line(reason))
    signals.sessions_cut_off.send_robust(sender=Session, before=moment, reason=reason)
    for number in store.end_up_to(last, reason, batch_size):
        # A token refreshed since may be of a session that ends just now, and lives on for as long
        # as any. The feed has to have the cut-off until it expires.
        if time.monotonic() - began > _ANNOUNCED_EVERY:
            began = time.monotonic()
            announce_again(announced)
        yield number
    announce_again_if_late(announced, began)


def report_ending(session: Session, reason: str, request: Any) -> None:
    """Log an ending that was written, and send its signal. No token is in either."""
    _log_ending(session.pk, session.user_id, reason)
    _send_ended(session, reason, request)


def _log_ending(session_id: UUID, user_id: Any, reason: str) -> None:
    user = one_line(user_id)
    security_log.info("Session %s of user %s ended: %s.", session_id, user, one_line(reason))


def _send_ended(session: Session, reason: str, request: Any) -> None:
    signals.session_ended.send_robust(
        sender=Session, session=session, request=request, reason=reason
    )


def _send_logged_out(user: Any, request: Any) -> None:
    """Send Django's ``user_logged_out``, where there is a request: django-axes reads it."""
    if request is None:
        return
    user_logged_out.send(sender=user.__class__, request=django_request(request), user=user)
