"""Read and write sessions. All writes to session rows go through this module.

It calls ``announcements``, which writes when an ending was announced. Every write after the first
is a conditional UPDATE that returns whether it found the row as expected. Signals, log lines and
limits are left to the callers.
"""

import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.sql import UpdateQuery

from drf_ratchet.clock import Now, as_read, aware, stored
from drf_ratchet.ids import first_uuid7, uuid7
from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions.announcements import announce_again, announce_again_if_late, cut_off
from drf_ratchet.sessions.compiled import ANY_SESSION, cached, is_plain, run_compiled
from drf_ratchet.sessions.database import retry_on_conflict, write_database
from drf_ratchet.sessions.device import Device
from drf_ratchet.sessions.fingerprint import fingerprint_of

Item = TypeVar("Item")

#: Target duration of one batch of a mass ending or of pruning, in seconds.
BATCH_SECONDS = 0.02
_FIRST_BATCH = 100
#: Maximum number of a user's sessions that are announced one by one when they end together. Users
#: rarely have as many devices. As ids they take 10 kB in each process that reads the feed.
MOST_LISTED = 100
#: SQLite's lowest limit of parameters in a statement is 999.
_FEW_PARAMETERS = 900
#: The ``auth_time`` of a session whose user has never authenticated. It is never recent.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Read:
    """A row as it was at one moment.

    Args:
        session: the row, with ``session.user`` loaded or None.
        now: the moment, by the database's clock, aware.
        user_visible: whether the user model's default manager returns the user.
    """

    session: Session
    now: datetime
    user_visible: bool


def _rows() -> QuerySet[Session]:
    return Session._base_manager.using(write_database())


def get(session_id: UUID) -> Session | None:
    """Return the session with this id and its user, ended or not; None if there is none.

    Args:
        session_id: the session's id.
    """
    return _rows().select_related("user").filter(pk=session_id).first()


def exists(session_id: UUID, **conditions: Any) -> bool:
    """Return whether there is a session with this id that meets the conditions.

    Args:
        session_id: the session's id.
        conditions: as for ``QuerySet.filter``.
    """
    return _rows().filter(pk=session_id, **conditions).exists()


def existing(session_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the ids that belong to a session. One query for every 900.

    Args:
        session_ids: any ids.
    """
    found: set[UUID] = set()
    for batch in in_batches(list(session_ids)):
        found.update(_rows().filter(pk__in=batch).values_list("pk", flat=True))
    return found


def is_active(session_id: UUID) -> bool:
    """Return whether the session has neither ended nor expired."""
    return exists(session_id, ended_at=None, expires_at__gt=Now())


def known_devices(session: Session) -> list[tuple[str, str | None]]:
    """Return the user agents and addresses of the user's other sessions, of the newest 200.

    Args:
        session: one of the user's sessions, which is left out.
    """
    others = _rows().filter(user=session.user).exclude(pk=session.pk).order_by("-pk")
    return list(others.values_list("user_agent", "ip")[:200])


def has_sessions(user: Any) -> bool:
    """Return whether the user has any sessions, ended or not."""
    return _rows().filter(user=user).exists()


def count_active(users: Iterable[Any]) -> dict[Hashable, int]:
    """Return the number of active sessions for each user's primary key.

    Args:
        users: primary keys of users. Those without an active session are left out.
    """
    alive = _rows().filter(user__in=users, ended_at=None, expires_at__gt=Now())
    return dict(alive.values_list("user").annotate(number=Count("pk")))


def announced_since(moment: datetime | Combinable) -> QuerySet[Session, UUID]:
    """Return the ids of sessions whose ending was announced after a moment, newest first.

    Ids only: reading the times as well takes five times as long.

    Args:
        moment: a database expression, or an aware datetime.
    """
    recent = _rows().filter(announced_at__gt=moment).order_by("-announced_at")
    return recent.values_list("pk", flat=True)


def announced_at(session_id: UUID) -> datetime | None:
    """Return when the ending of a session was announced; None if it was not, or there is no row."""
    moments = _rows().filter(pk=session_id)
    return moments.values_list("announced_at", flat=True).first()


def insert(
    user: Any,
    *,
    rotates: bool,
    idle: timedelta,
    absolute: timedelta | None,
    device: Device,
    session_id: UUID | None = None,
    auth_time: datetime | None = None,
    amr: str = "",
) -> Session:
    """Insert a new row, with the database's time. One query with INSERT … RETURNING.

    Args:
        user: the owner of the session.
        rotates: whether a refresh increments the session's counter.
        idle: how long the session lives without a refresh.
        absolute: the session's maximum lifetime; None for no limit.
        device: the device that signed in.
        session_id: a unique UUIDv7; a new one by default.
        auth_time: when the user authenticated, aware; ``NEVER`` for never; the present by default.
        amr: the authentication methods, a result of ``methods.joined``.
    """
    idle, using = min(idle, absolute or idle), write_database()
    proved = {} if auth_time is None else {"auth_time": stored(auth_time, using)}
    session = Session(
        id=session_id or uuid7(),
        user=user,
        rotates=rotates,
        fingerprint=fingerprint_of(user),
        amr=amr,
        **device._asdict(),
        **proved,
    )
    session.expires_at = Now() + idle
    session.ends_at = Now() + absolute if absolute else None
    session.save(force_insert=True, using=using)
    if not connections[using].features.can_return_columns_from_insert:
        session.refresh_from_db(using=using, fields=["created_at", "auth_time", "rotated_at"])
    # The values that the database computed, without a query.
    created = aware(session.created_at, using)
    session.expires_at = as_read(created + idle, using)
    session.ends_at = as_read(created + absolute, using) if absolute else None
    return session


def insert_missing(sessions: Sequence[Session]) -> None:
    """Insert the sessions whose ids do not exist yet, and leave the others unchanged. One query.

    For concurrent writers of the same sessions, of which only the first succeeds.

    Args:
        sessions: complete unsaved rows; their times are of the database's clock.
    """
    Session._base_manager.using(write_database()).bulk_create(sessions, ignore_conflicts=True)


def read(session_id: UUID) -> Read | None:
    """Return the session with this id, ended or not; None if there is none. One query.

    Args:
        session_id: the session's id.
    """
    model, using = get_user_model(), write_database()
    if is_plain(model._default_manager):
        row = run_compiled(_any_with_user, model, using, session_id)
        if row is None:
            return None
        session, user, now = row
        Session._meta.get_field("user").set_cached_value(session, user)
        return Read(session, aware(now, using), True)
    found: QuerySet[Any] = _rows().select_related("user").annotate(database_now=Now())
    # Users that the default manager hides are hidden here too.
    visible = model._default_manager.using(using)
    hides = bool(visible.all().query.where)
    if hides:
        found = found.annotate(user_visible=Exists(visible.filter(pk=OuterRef("user_id"))))
    session = found.filter(pk=session_id).first()
    if session is None:
        return None
    now = aware(session.database_now, using)
    return Read(session, now, session.user_visible if hides else True)


class UserOfSession(NamedTuple):
    """A user, and the columns of the session that ``immediate`` checks.

    Args:
        user: an instance of the user model.
        ended: whether the session has ended.
        end_reason: the reason of its ending.
        in_time: whether it has not expired, by the database's clock.
        fingerprint: the fingerprint of the password it was opened with.
    """

    user: Any
    ended: bool
    end_reason: str
    in_time: bool
    fingerprint: str


#: The columns of the session that are read with the user, by their names on the instance.
_OF_THE_SESSION: dict[str, Any] = {
    "ratchet_ended_at": F("ratchet_sessions__ended_at"),
    "ratchet_end_reason": F("ratchet_sessions__end_reason"),
    "ratchet_in_time": Q(ratchet_sessions__expires_at__gt=Now()),
    "ratchet_fingerprint": F("ratchet_sessions__fingerprint"),
}


def user_of(session_id: UUID) -> UserOfSession | None:
    """Return the user of a session, ended or not; None if there is none. One query.

    It uses the user model's default manager. A user that the manager hides is not found.

    Args:
        session_id: the session's id.
    """
    model, using = get_user_model(), write_database()
    if is_plain(model._default_manager):
        found = run_compiled(_any_user, model, using, session_id)
        if found is None:
            return None
        user, *read = found
    else:
        user = _users(model, using, session_id).first()
        if user is None:
            return None
        read = [vars(user).pop(name) for name in _OF_THE_SESSION]
    ended_at, end_reason, in_time, fingerprint = read
    return UserOfSession(user, ended_at is not None, end_reason, in_time, fingerprint)


def _users(model: type[Model], using: str, session_id: UUID) -> QuerySet[Any]:
    users = model._default_manager.using(using)
    found: QuerySet[Any] = users.filter(ratchet_sessions=session_id).annotate(**_OF_THE_SESSION)
    return found


def _any_user(model: type[Model], using: str) -> QuerySet[Any]:
    return _users(model, using, ANY_SESSION)


def _any_with_user(model: type[Model], using: str) -> QuerySet[Session]:
    found = Session._base_manager.using(using).select_related("user")
    return found.filter(pk=ANY_SESSION).annotate(database_now=Now())


def active_sessions(user: Any) -> QuerySet[Session]:
    """Return a user's active sessions (not ended or expired), newest first, each with its user.

    Args:
        user: an instance of the user model.
    """
    alive = _rows().select_related("user").filter(ended_at__isnull=True, expires_at__gt=Now())
    return alive.filter(user=user).order_by("-id")


def rows_of(ids: Sequence[UUID], user: Any) -> Iterator[Session]:
    """Read sessions that one user has or had, in batches.

    Args:
        ids: the ids of the sessions.
        user: the user; each row gets it as its ``user``.
    """
    for batch in in_batches(ids):
        for session in _rows().filter(pk__in=batch).order_by("-pk"):
            session.user_id = user.pk
            Session._meta.get_field("user").set_cached_value(session, user)
            yield session


def in_batches(several: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Divide a sequence into batches that fit the parameters of one statement on any database.

    Args:
        several: the items.
    """
    for start in range(0, len(several), _FEW_PARAMETERS):
        yield several[start : start + _FEW_PARAMETERS]


def page_of(
    user: Any, *, before: UUID | None = None, limit: int = 100
) -> tuple[list[Session], UUID | None]:
    """Return some of a user's active sessions, newest first, and where the next page begins.

    One query, whose cost does not grow with the number of sessions.

    Args:
        user: an instance of the user model.
        before: return sessions older than this id, which may be the id of any session.
        limit: maximum number of sessions.

    Returns:
        The sessions, and the ``before`` of the next page; None on the last page.
    """
    found = active_sessions(user) if before is None else active_sessions(user).filter(pk__lt=before)
    sessions = list(found[: limit + 1])
    page = sessions[:limit]
    return page, page[-1].pk if len(sessions) > limit and page else None


def change(session: Session, changes: dict[str, Any]) -> bool:
    """Update a session that is active and unchanged since it was read; return whether it was.

    This is the compare-and-set of a refresh: one conditional UPDATE. It is plain SQL, kept for each
    database, because Django takes longer to build it than the database to run it. Whole refreshes
    on PostgreSQL take 0.24 times simplejwt's time with it, 0.29 with the ORM.

    Args:
        session: the row as it was read.
        changes: values by the names of their fields; datetimes are aware.
    """
    using = write_database()
    connection = connections[using]
    # Do not overwrite a fingerprint that a concurrent password change has written.
    statement = cached(
        ("change", *changes), connection, lambda: _Change(connection, (*changes, *_UNCHANGED))
    )
    moments = {name: value for name, value in changes.items() if isinstance(value, datetime)}
    written = {**changes, **{name: stored(value, using) for name, value in moments.items()}}
    values = [*written.values(), *[getattr(session, name) for name in _UNCHANGED]]
    with transaction.mark_for_rollback_on_error(using=using), connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.parameters(values, connection))
        if not cursor.rowcount:
            return False
    read = {name: as_read(value, using) for name, value in moments.items()}
    for name, value in {**changes, **read}.items():
        setattr(session, name, value)
    return True


_UNCHANGED = ("id", "generation", "fingerprint")


class _Change:
    """The compare-and-set of one database: it sets ``names`` where ``_UNCHANGED`` still holds."""

    def __init__(self, connection: BaseDatabaseWrapper, names: tuple[str, ...]) -> None:
        quote, fields = connection.ops.quote_name, [_field(name) for name in names]
        self._prepare = [field.get_db_prep_save for field in fields]
        columns = [f"{quote(field.column)} = %s" for field in fields]
        count = len(names) - len(_UNCHANGED)
        self.sql = (
            f"UPDATE {quote(Session._meta.db_table)}"  # noqa: S608 (our own names)
            f" SET {', '.join(columns[:count])} WHERE {' AND '.join(columns[count:])}"
            f" AND {quote(_field('ended_at').column)} IS NULL"
        )

    def parameters(self, values: Iterable[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        """Return the values in the form the database accepts."""
        pairs = zip(self._prepare, values, strict=True)
        return [prepare(value, connection) for prepare, value in pairs]


def _field(name: str) -> Any:
    return Session._meta.get_field(name)


def ended_before_expiry(batch_size: int) -> Iterator[list[Session]]:
    """Yield the sessions that have ended and not expired, in batches, each with its user.

    Args:
        batch_size: maximum number of rows in a batch.
    """
    ended = _rows().filter(ended_at__isnull=False, expires_at__gt=Now())
    for first, last in batches(ended, batch_size):
        yield list(ended.filter(pk__gte=first, pk__lte=last).select_related("user"))


def extend(session_id: UUID, expires_at: datetime) -> bool:
    """Let an active session expire later, never past its absolute end; return whether it changed.

    For a bridge, whose tokens carry their own expiry.

    Args:
        session_id: the session's id.
        expires_at: the new end, aware.
    """
    later = stored(expires_at, write_database())
    alive = _rows().filter(pk=session_id, ended_at=None, expires_at__lt=later)
    return bool(alive.filter(Q(ends_at=None) | Q(ends_at__gte=later)).update(expires_at=later))


def shorten(session_id: UUID, lifetime: timedelta) -> bool:
    """Let an active session expire soon, as nobody holds its tokens; return whether it changed.

    Args:
        session_id: the session's id.
        lifetime: how long its access tokens may still be used.
    """
    soon = Now() + lifetime
    alive = _rows().filter(pk=session_id, ended_at=None, expires_at__gt=soon)
    return bool(alive.update(expires_at=soon))


def end(session: Session, reason: str, **conditions: Any) -> bool:
    """End a session that has not ended yet; return whether this call ended it.

    Args:
        session: the row.
        reason: the ``end_reason`` to write.
        conditions: further conditions that the row must meet, as for ``QuerySet.filter``.
    """
    began = time.monotonic()
    alive = _rows().filter(pk=session.pk, ended_at__isnull=True, **conditions)
    if not alive.update(ended_at=Now(), announced_at=Now(), end_reason=reason):
        return False
    announce_again_if_late(_rows().filter(pk=session.pk), began)
    session.end_reason = reason
    return True


def end_listed(session_ids: Iterable[UUID], reason: str) -> list[UUID]:
    """End the given sessions that have not ended yet, announce each, and return their ids.

    Args:
        session_ids: a small number of ids.
        reason: the ``end_reason`` to write.
    """
    return end_each(_rows().filter(pk__in=session_ids, ended_at__isnull=True), reason)


def newest(found: QuerySet[Session]) -> QuerySet[Session, UUID]:
    """Return the ids of the newest sessions, at most one more than ``MOST_LISTED``.

    Args:
        found: sessions, newest first.
    """
    return found.values_list("pk", flat=True)[: MOST_LISTED + 1]


def end_each(chosen: QuerySet[Any, Any], reason: str) -> list[UUID]:
    """End sessions, announce each, and return their ids.

    One query if the database has UPDATE … RETURNING.

    Args:
        chosen: a small number of sessions.
        reason: the ``end_reason`` to write.
    """
    began = time.monotonic()
    changes = {"ended_at": Now(), "announced_at": Now(), "end_reason": reason}
    ids = _update_returning_ids(chosen, changes)
    if ids:
        announce_again_if_late(_rows().filter(pk__in=ids), began)
    return sorted(ids, reverse=True)


def end_older(
    chosen: QuerySet[Session],
    reason: str,
    *,
    user: Any,
    subject: str,
    last: UUID | None = None,
    with_ids: bool = True,
) -> tuple[int, Sequence[UUID]]:
    """End many active sessions of a user, and announce them by one cut-off.

    Three queries, for any number of sessions. A cut-off ends all sessions up to an id, except one
    that it names. If more than one of them stays active, each ended session is announced instead.

    Args:
        chosen: the sessions to end.
        reason: the ``end_reason`` to write.
        user: the owner of the sessions.
        subject: the user's ``sub`` claim.
        last: the highest id; sessions with a higher one stay active. None if it is not known.
        with_ids: whether to return the ids. They are always read if ``last`` is None.

    Returns:
        The number of sessions that ended, and their ids if they were read.
    """
    began, using = time.monotonic(), write_database()
    changes: dict[str, Any] = {"ended_at": Now(), "end_reason": reason}
    ids: Sequence[UUID] = ()
    with transaction.atomic(using=using):
        if last is not None:
            chosen = chosen.filter(pk__lte=last)
        if last is None or with_ids:
            ids = _update_returning_ids(chosen, changes)
            number = len(ids)
        else:
            number = chosen.order_by().update(**changes)
        if not number:
            return 0, ()
        up_to_there = last or max(ids)
        alive = active_sessions(user).filter(pk__lte=up_to_there).values_list("pk", flat=True)[:2]
        announced: QuerySet[Any] | None = cut_off(subject, up_to_there, list(alive))
        if announced is None:
            lately = Now() - timedelta(hours=1)
            announced = _rows().filter(user=user, end_reason=reason, ended_at__gt=lately)
            announce_again(announced.filter(pk__lte=up_to_there, announced_at=None))
    announce_again_if_late(announced, began)
    return number, ids


def _update_returning_ids(found: QuerySet[Session], changes: Mapping[str, Any]) -> list[UUID]:
    """Update active sessions and return their ids.

    It writes RETURNING itself: Django supports it for INSERT only.
    """
    using = found.db
    connection, key = connections[using], Session._meta.pk
    if connection.vendor == "mysql" or not connection.features.can_return_columns_from_insert:
        with transaction.atomic(using=using):
            # MariaDB has neither UPDATE … RETURNING nor LIMIT in a subquery.
            ids = list(found.select_for_update().values_list("pk", flat=True))
            for batch in in_batches(ids):
                _rows().filter(pk__in=batch).update(**changes)
        return ids
    chosen: Any = _rows().filter(pk__in=found.values("pk"), ended_at__isnull=True)
    query = chosen.query.chain(UpdateQuery)
    query.add_update_values(changes)
    sql, parameters = query.get_compiler(using).as_sql()
    returning = f"{sql} RETURNING {connection.ops.quote_name(str(key.column))}"
    with transaction.mark_for_rollback_on_error(using=using), connection.cursor() as cursor:
        cursor.execute(returning, parameters)
        return [key.to_python(value) for (value,) in cursor.fetchall()]


def active_fingerprints(user: Any) -> list[str]:
    """Return the distinct fingerprints of a user's active sessions. One query.

    Args:
        user: an instance of the user model.
    """
    stamps = active_sessions(user).order_by().values_list("fingerprint", flat=True)
    return list(stamps.distinct())


def discard(session: Session) -> None:
    """Delete the row of a new session whose first tokens could not be made.

    Args:
        session: the row. No client has a token of it.
    """
    _rows().filter(pk=session.pk).delete()


def restamp(found: QuerySet[Session], fingerprint: str) -> None:
    """Write a fingerprint into sessions. One query.

    Args:
        found: the sessions, as the database has them at this moment.
        fingerprint: a result of ``fingerprint_of`` or ``join_fingerprints``.
    """
    retry_on_conflict(lambda: found.order_by().update(fingerprint=fingerprint))


def end_up_to(last: UUID, reason: str, batch_size: int) -> Iterator[int]:
    """End every active session up to an id, in batches along the primary key, unannounced.

    Args:
        last: the highest id.
        reason: the ``end_reason`` to write.
        batch_size: the number of rows in a batch.

    Yields:
        The number of sessions that each batch ended.
    """
    for first, final in batches(_rows().filter(pk__lte=last), batch_size):
        alive = _rows().filter(pk__gte=first, pk__lte=final, ended_at__isnull=True)
        yield alive.update(ended_at=Now(), end_reason=reason)


def prune(before: datetime, batch_size: int = 1000) -> Iterator[int]:
    """Delete sessions that ended or expired before a moment and have expired by now.

    It walks the primary key, which is in the order of the sign-ins, and stops at the moment. So it
    needs no index on the expiry, and each statement touches one batch.

    Args:
        before: an aware datetime, longer ago than the lifetime of an access token.
        batch_size: the number of rows in a batch.

    Yields:
        The number of rows that each batch deleted.
    """
    older = _rows().filter(pk__lt=first_uuid7(before))
    before = stored(before, write_database())
    # Cut-offs for all users are few, and they cover tokens that may be used much later.
    cut_offs = CutOff._base_manager.using(write_database()).exclude(subject="")
    cut_offs.filter(announced_at__lt=before).delete()
    # Keep an ended session until its refresh token expires, to tell the client why it ended.
    over = Q(expires_at__lt=before) | Q(ended_at__lt=before, expires_at__lt=Now())
    over &= Q(kept_until=None) | Q(kept_until__lt=Now())
    for first, last in batches(older, batch_size):
        deleted, _by_model = _rows().filter(over, pk__gte=first, pk__lte=last).delete()
        yield deleted


def batches(found: QuerySet[Session], batch_size: int) -> Iterator[tuple[UUID, UUID]]:
    """Walk rows along the primary key, which is in the order of the sign-ins.

    Whatever the caller does to a batch locks its rows for that time. If it takes longer than
    ``BATCH_SECONDS``, the next batches are smaller.

    Args:
        found: the rows.
        batch_size: maximum number of rows in a batch.

    Yields:
        The first and the last id of each batch.
    """
    last, size = UUID(int=0), min(batch_size, _FIRST_BATCH)
    while True:
        ids = list(found.filter(pk__gt=last).order_by("pk").values_list("pk")[:size])
        if not ids:
            return
        (first,), (last,) = ids[0], ids[-1]
        began = time.monotonic()
        yield first, last
        fitting = int(size * BATCH_SECONDS / max(time.monotonic() - began, 0.001))
        size = min(batch_size, max(fitting, size // 2, 1), size * 2)
