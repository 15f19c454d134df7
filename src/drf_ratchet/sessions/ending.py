"""End sessions: one, all of one user, or all of all users. The first reason is kept."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

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
from drf_ratchet.sessions.database import require_autocommit, retry_on_conflict, write_database
from drf_ratchet.sessions.device import django_request
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.subject import subject_of

_LOGOUTS = frozenset({EndReason.LOGOUT, EndReason.LOGOUT_ALL})
#: Seconds between two announcements of a cut-off while its sessions are being ended.
_ANNOUNCED_EVERY = 30.0


def end_session(
    session: Session, *, reason: str = EndReason.LOGOUT, request: HttpRequest | None = None
) -> bool:
    """End a session that has not ended yet; the first reason is kept.

    Sends ``session_ended``. Also sends Django's ``user_logged_out`` if the reason is a logout and
    there is a request.

    Args:
        session: the row.
        reason: the ``end_reason`` to write; at most 32 characters.
        request: the request that ends it, for the signals.

    Returns:
        True if this call ended it.

    Raises:
        RuntimeError: a transaction is open.
    """
    require_autocommit(write_database())
    if not retry_on_conflict(lambda: store.end(session, reason)):
        return False
    report_ending(session, reason, request)
    if reason in _LOGOUTS and session.user:
        _send_logged_out(session.user, request)
    return True


def end_all_sessions(
    user: Any,
    *,
    reason: str = EndReason.LOGOUT_ALL,
    keep: UUID | None = None,
    request: HttpRequest | None = None,
) -> int:
    """End a user's active sessions: two queries, or five for more than a hundred sessions.

    Sends ``session_ended`` for each, once all of them have ended. Also sends Django's
    ``user_logged_out`` once, if the reason is a logout and there is a request.

    Args:
        user: an instance of the user model.
        reason: the ``end_reason`` to write; at most 32 characters.
        keep: the id of a session to leave active, as "log out my other devices" does.
        request: the request that ends them, for the signals.

    Returns:
        The number of sessions that this call ended.

    Raises:
        RuntimeError: a transaction is open.
    """
    require_autocommit(write_database())
    found = store.active_sessions(user)
    if keep is not None:
        found = found.exclude(pk=keep)
    return _end_many(found, user, reason, partial(_report_many, request=request))


def end_several(
    sessions: Sequence[Session], *, reason: str, request: HttpRequest | None = None
) -> Iterator[Session]:
    """End the given sessions, of any users. One query for every 900.

    Sends ``session_ended`` for each.

    Args:
        sessions: the rows, each with its user loaded.
        reason: the ``end_reason`` to write; at most 32 characters.
        request: the request that ends them, for the signals.

    Yields:
        Each session that this call ended.

    Raises:
        RuntimeError: a transaction is open.
    """
    require_autocommit(write_database())
    for batch in store.in_batches(sessions):
        ids = set(_end_each([session.pk for session in batch], reason))
        for session in batch:
            if session.pk in ids:
                session.end_reason = reason
                report_ending(session, reason, request)
                yield session


def end_with_transaction(session: Session, reason: str) -> None:
    """End a session together with the change that ends it: both commit, or neither does.

    Unlike ``end_session`` it may run in a transaction. Signals and log lines wait for the commit.

    Args:
        session: the row.
        reason: the ``end_reason`` to write; at most 32 characters.
    """
    if retry_on_conflict(partial(store.end, session, reason)):
        report = partial(report_ending, session, reason, None)
        transaction.on_commit(report, using=write_database(), robust=True)


def end_many_with_transaction(found: QuerySet[Session], user: Any, reason: str) -> None:
    """End many sessions of a user together with the change that ends them.

    For changes of the user, such as a new password. Signals and log lines wait for the commit.

    Args:
        found: active sessions of the user, newest first.
        user: an instance of the user model.
        reason: the ``end_reason`` to write; at most 32 characters.
    """
    using = write_database()

    def report(ended: _Ended) -> None:
        transaction.on_commit(partial(_report_many, ended), using=using, robust=True)

    _end_many(found, user, reason, report)


def end_beyond_limit(user: Any, limit: int, *, request: HttpRequest | None) -> None:
    """End a user's oldest sessions until at most ``limit`` are active.

    One query if no session is beyond the limit. The newest sessions stay, whichever sign-in calls
    this. So of several concurrent sign-ins the last one stays.

    Args:
        user: an instance of the user model.
        limit: the number of sessions that may stay active.
        request: the request that signed in, for the signals.
    """
    # Order by the database's clock. The ids come from processes whose clocks differ.
    newest_first = store.active_sessions(user).order_by("-created_at", "-pk")
    beyond, reason = newest_first[max(limit, 1) :], EndReason.LIMIT
    # One statement, which sees committed rows only, needs no lock.
    ids = retry_on_conflict(lambda: store.end_each(store.newest(beyond), reason))
    end_rest = partial(store.end_older, beyond) if len(ids) > store.MOST_LISTED else None
    _end_rest(end_rest, _Ended(user, reason, ids), partial(_report_many, request=request))


class _Ended(NamedTuple):
    """The result of ending many sessions.

    Args:
        user: the user whose sessions ended.
        reason: their ``end_reason``.
        ids: their ids. Ids of the older ones are read only if ``session_ended`` has receivers.
        unlisted: the number of further sessions, whose ids were not read.
    """

    user: Any
    reason: str
    ids: Sequence[UUID]
    unlisted: int = 0


def _end_many(
    found: QuerySet[Session], user: object, reason: str, report: Callable[[_Ended], None]
) -> int:
    """End active sessions of a user, pass the result to ``report``, and return their number."""
    newest = list(store.newest(found))
    ids, end_rest = _end_each(newest, reason), None
    if len(newest) > store.MOST_LISTED:
        listens = signals.session_ended.has_listeners(Session)
        end_rest = partial(store.end_older, found, last=min(newest), with_ids=listens)
    return _end_rest(end_rest, _Ended(user, reason, ids), report)


def _end_each(ids: Sequence[UUID], reason: str) -> Sequence[UUID]:
    """End sessions and announce each; return the ids of those that this call ended."""
    return retry_on_conflict(lambda: store.end_listed(ids, reason)) if ids else ()


def _end_rest(
    end_older: Callable[..., tuple[int, Sequence[UUID]]] | None,
    ended: _Ended,
    report: Callable[[_Ended], None],
) -> int:
    """End the older sessions too, if there are any; return how many have ended in total."""
    user, reason = ended.user, ended.reason
    try:
        if end_older is not None:
            more = partial(end_older, reason=reason, user=user, subject=subject_of(user))
            number, ids = retry_on_conflict(more)
            ended = ended._replace(ids=[*ended.ids, *ids], unlisted=number - len(ids))
    finally:
        # If the database fails in between, report the sessions that have ended by then.
        if ended.ids or ended.unlisted:
            report(ended)
    return len(ended.ids) + ended.unlisted


def _report_many(ended: _Ended, request: HttpRequest | None = None) -> None:
    """Log the endings and send the signals. Rows are read only if a signal has receivers."""
    user, reason, number = ended.user, ended.reason, len(ended.ids) + ended.unlisted
    if number > store.MOST_LISTED:
        key, shown = one_line(user.pk), one_line(reason)
        security_log.info("%d sessions of user %s ended: %s.", number, key, shown)
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
    """End every session opened before a moment: first by one cut-off, then row by row in batches.

    For a breach, or after a backup was restored. Processes that read the feed see the cut-off.
    ``immediate`` and every refresh see each row as its batch is written. It may be interrupted and
    run again. Sends ``sessions_cut_off`` once, and no ``session_ended``.

    Args:
        moment: an aware datetime.
        reason: the ``end_reason`` to write; at most 32 characters.
        batch_size: the number of rows in a batch.

    Yields:
        The number of sessions that each batch ended.

    Raises:
        RuntimeError: a transaction is open.
    """
    require_autocommit(write_database())
    last = UUID(int=first_uuid7(moment).int - 1)
    began = time.monotonic()
    announced = cut_off_everybody(last)
    security_log.warning("Ending all sessions opened before %s: %s.", moment, one_line(reason))
    signals.sessions_cut_off.send_robust(sender=Session, before=moment, reason=reason)
    for number in store.end_up_to(last, reason, batch_size):
        # Sessions can be refreshed until their batch ends them, and the new token lives a full
        # lifetime. The feed must keep the cut-off until that token expires.
        if time.monotonic() - began > _ANNOUNCED_EVERY:
            began = time.monotonic()
            announce_again(announced)
        yield number
    announce_again_if_late(announced, began)


def report_ending(session: Session, reason: str, request: HttpRequest | None) -> None:
    """Log an ending that was written, and send its signal. Neither contains a token.

    Args:
        session: the row.
        reason: its ``end_reason``.
        request: the request that ended it, or None.
    """
    _log_ending(session.pk, session.user_id, reason)
    _send_ended(session, reason, request)


def _log_ending(session_id: UUID, user_id: object, reason: str) -> None:
    user = one_line(user_id)
    security_log.info("Session %s of user %s ended: %s.", session_id, user, one_line(reason))


def _send_ended(session: Session, reason: str, request: HttpRequest | None) -> None:
    signals.session_ended.send_robust(
        sender=Session, session=session, request=request, reason=reason
    )


def _send_logged_out(user: Any, request: HttpRequest | None) -> None:
    """Send Django's ``user_logged_out`` if there is a request: django-axes reads it."""
    if request is None:
        return
    user_logged_out.send(sender=user.__class__, request=django_request(request), user=user)
