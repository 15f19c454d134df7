"""Read and write sessions: all writes to their rows go through this module.

``announcements``, which it calls, stamps when an ending was announced. Every write after the first
is a conditional UPDATE that returns whether it found the row as expected. Signals, logs and limits
are for the callers.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connections, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.sql import UpdateQuery

from drf_ratchet.clock import Now, as_read, aware, stored
from drf_ratchet.ids import first_uuid7, uuid7
from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions.announcements import announce_again, announce_again_if_late, cut_off
from drf_ratchet.sessions.compiled import ANY_SESSION, is_plain, kept, run_compiled
from drf_ratchet.sessions.database import past_conflicts, write_database
from drf_ratchet.sessions.device import Device
from drf_ratchet.sessions.fingerprint import fingerprint_of

Item = TypeVar("Item")

#: How long one batch of a mass ending or of pruning should take, in seconds.
BATCH_SECONDS = 0.02
_FIRST_BATCH = 100
#: Sessions of one user that are announced one by one when they end together. Nobody has as many
#: devices; and as ids they take up 10 kB in each process that reads the feed.
MOST_LISTED = 100
#: SQLite's oldest limit is 999.
_FEW_PARAMETERS = 900
#: The ``auth_time`` of a session for which nobody has proved who they are. It is never recent.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Read:
    """A row as it was at one moment.

    Args:
        session: the row, with ``session.user`` loaded or None.
        now: the moment, by the database's clock, aware.
        user_visible: whether the user model's default manager shows the user.
    """

    session: Session
    now: datetime
    user_visible: bool


def _rows() -> QuerySet[Session]:
    return Session._base_manager.using(write_database())


def get(session_id: UUID) -> Session | None:
    """Return the session with this id and its user, ended or not; None if there is none."""
    return _rows().select_related("user").filter(pk=session_id).first()


def exists(session_id: UUID, **conditions: Any) -> bool:
    """Return whether there is a session with this id for which the conditions hold.

    Args:
        session_id: the id.
        conditions: as for ``QuerySet.filter``.
    """
    return _rows().filter(pk=session_id, **conditions).exists()


def existing(session_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these ids a session has. One query for every 900."""
    found: set[UUID] = set()
    for batch in in_batches(list(session_ids)):
        found.update(_rows().filter(pk__in=batch).values_list("pk", flat=True))
    return found


def is_active(session_id: UUID) -> bool:
    """Return whether the session has neither ended nor expired."""
    return exists(session_id, ended_at=None, expires_at__gt=Now())


def has_sessions(user: Any) -> bool:
    """Return whether the user has any sessions, ended or not."""
    return _rows().filter(user=user).exists()


def count_active(users: Iterable[Any]) -> dict[Any, int]:
    """Return the number of active sessions by the primary key of the user.

    Args:
        users: primary keys.
    """
    alive = _rows().filter(user__in=users, ended_at=None, expires_at__gt=Now())
    return dict(alive.values_list("user").annotate(number=Count("pk")))


def announced_since(moment: Any) -> QuerySet[Session, UUID]:
    """Return the ids of sessions whose ending was announced after a moment, newest first.

    The ids alone: reading the moments of the rows takes five times as long.

    Args:
        moment: an expression of the database, or an aware datetime.
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
) -> Session:
    """Write a new row, stamped by the database's clock. One query with INSERT … RETURNING.

    Args:
        user: whose.
        rotates: whether a refresh increments its counter.
        idle: how long it lives without a refresh.
        absolute: how long it lives at the most, None for ever.
        device: where it was opened.
        session_id: its id, a UUIDv7 that nobody else has; by default a new one.
        auth_time: when the user proved who they are, aware; ``NEVER`` for never. By default now.
    """
    idle, using = min(idle, absolute or idle), write_database()
    proved = {} if auth_time is None else {"auth_time": stored(auth_time, using)}
    session = Session(
        id=session_id or uuid7(),
        user=user,
        rotates=rotates,
        fingerprint=fingerprint_of(user),
        **device._asdict(),
        **proved,
    )
    session.expires_at = Now() + idle
    session.ends_at = Now() + absolute if absolute else None
    session.save(force_insert=True, using=using)
    if not connections[using].features.can_return_columns_from_insert:
        session.refresh_from_db(using=using, fields=["created_at", "auth_time", "rotated_at"])
    # What the database has computed, without asking for it.
    created = aware(session.created_at, using)
    session.expires_at = as_read(created + idle, using)
    session.ends_at = as_read(created + absolute, using) if absolute else None
    return session


def insert_missing(sessions: Sequence[Session]) -> None:
    """Write those whose ids are not there yet; the others stay as they are. One query.

    For what many may try to write at the same time, and only the first does.

    Args:
        sessions: complete rows, unsaved, their times by the database's clock.
    """
    Session._base_manager.using(write_database()).bulk_create(sessions, ignore_conflicts=True)


def read(session_id: UUID) -> Read | None:
    """The row of that id, ended or not; None if there is none. One query."""
    model, using = get_user_model(), write_database()
    if is_plain(model._default_manager):
        row = run_compiled(_any_with_user, model, using, session_id)
        if row is None:
            return None
        session, user, now = row
        Session._meta.get_field("user").set_cached_value(session, user)
        return Read(session, aware(now, using), True)
    found: QuerySet[Any] = _rows().select_related("user").annotate(database_now=Now())
    # A default manager that hides some users hides them here too.
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
    """A user, and what ``immediate`` checks of the session, which may have ended.

    Args:
        user: an instance of the user model.
        ended: whether something ended the session.
        end_reason: what, if so.
        in_time: whether it has not expired, by the database's clock.
        fingerprint: the password's, as the session has it.
    """

    user: Any
    ended: bool
    end_reason: str
    in_time: bool
    fingerprint: str


#: What is read of the session beside the user, by the names it has on the instance.
_OF_THE_SESSION: dict[str, Any] = {
    "ratchet_ended_at": F("ratchet_sessions__ended_at"),
    "ratchet_end_reason": F("ratchet_sessions__end_reason"),
    "ratchet_in_time": Q(ratchet_sessions__expires_at__gt=Now()),
    "ratchet_fingerprint": F("ratchet_sessions__fingerprint"),
}


def user_of(session_id: UUID) -> UserOfSession | None:
    """Return the user of a session, ended or not; None if there is none. One query.

    Goes through the user model's default manager, so one that hides users keeps hiding them.
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


def _users(model: Any, using: str, session_id: UUID) -> QuerySet[Any]:
    users = model._default_manager.using(using)
    found: QuerySet[Any] = users.filter(ratchet_sessions=session_id).annotate(**_OF_THE_SESSION)
    return found


def _any_user(model: Any, using: str) -> QuerySet[Any]:
    return _users(model, using, ANY_SESSION)


def _any_with_user(model: Any, using: str) -> QuerySet[Session]:
    found = Session._base_manager.using(using).select_related("user")
    return found.filter(pk=ANY_SESSION).annotate(database_now=Now())


def living(user: Any) -> QuerySet[Session]:
    """A user's sessions that have not ended or expired, newest first, each with its user."""
    alive = _rows().select_related("user").filter(ended_at__isnull=True, expires_at__gt=Now())
    return alive.filter(user=user).order_by("-id")


def rows_of(ids: Sequence[UUID], user: Any) -> Iterator[Session]:
    """Read rows of one user, in batches.

    Args:
        ids: of the rows.
        user: whose they are, or were: each has it as its user.
    """
    for batch in in_batches(ids):
        for session in _rows().filter(pk__in=batch).order_by("-pk"):
            session.user_id = user.pk
            Session._meta.get_field("user").set_cached_value(session, user)
            yield session


def in_batches(several: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Divide into as many as the parameters of one statement, on any database.

    Args:
        several: ids, or what has one.
    """
    for start in range(0, len(several), _FEW_PARAMETERS):
        yield several[start : start + _FEW_PARAMETERS]


def page_of(
    user: Any, *, before: UUID | None = None, limit: int = 100
) -> tuple[list[Session], UUID | None]:
    """Return some of a user's living sessions, newest first, and where the next page begins.

    One query, whose cost does not grow with the number of sessions.

    Args:
        user: whose.
        before: return older sessions than this id, which may be of any session.
        limit: how many at most.

    Returns:
        The sessions, and the ``before`` of the next page; None where there is none.
    """
    found = living(user) if before is None else living(user).filter(pk__lt=before)
    sessions = list(found[: limit + 1])
    page = sessions[:limit]
    return page, page[-1].pk if len(sessions) > limit and page else None


def change(session: Session, changes: dict[str, Any]) -> bool:
    """Write, if the session is alive and as it was read; tell whether it was.

    The compare-and-set of a refresh: one conditional UPDATE. In SQL, which Django would need longer
    to write than the database to run.

    Args:
        session: the row as it was read.
        changes: values by the names of their fields; moments are aware.
    """
    using = write_database()
    connection = connections[using]
    # Not over a stamp that a change of the password has put there since.
    statement = kept(
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
    """The compare-and-set of a database: ``names`` as they become, then ``_UNCHANGED``."""

    def __init__(self, connection: Any, names: tuple[str, ...]) -> None:
        quote, fields = connection.ops.quote_name, [_field(name) for name in names]
        self._prepare = [field.get_db_prep_save for field in fields]
        columns = [f"{quote(field.column)} = %s" for field in fields]
        count = len(names) - len(_UNCHANGED)
        self.sql = (
            f"UPDATE {quote(Session._meta.db_table)}"  # noqa: S608 (our own names)
            f" SET {', '.join(columns[:count])} WHERE {' AND '.join(columns[count:])}"
            f" AND {quote(_field('ended_at').column)} IS NULL"
        )

    def parameters(self, values: Iterable[Any], connection: Any) -> list[Any]:
        """The values as the database takes them."""
        pairs = zip(self._prepare, values, strict=True)
        return [prepare(value, connection) for prepare, value in pairs]


def _field(name: str) -> Any:
    return Session._meta.get_field(name)


def end(session: Session, reason: str, **conditions: Any) -> bool:
    """Write an ending, if none was written before; tell whether this one was.

    Args:
        session: the row.
        reason: for ``end_reason``.
        conditions: what else must hold of the row.
    """
    began = time.monotonic()
    alive = _rows().filter(pk=session.pk, ended_at__isnull=True, **conditions)
    if not alive.update(ended_at=Now(), announced_at=Now(), end_reason=reason):
        return False
    announce_again_if_late(_rows().filter(pk=session.pk), began)
    session.end_reason = reason
    return True


def end_listed(session_ids: Iterable[UUID], reason: str) -> list[UUID]:
    """End those of a few sessions that have not ended, and return their ids; as ``end_each``."""
    return end_each(_rows().filter(pk__in=session_ids, ended_at__isnull=True), reason)


def newest(found: QuerySet[Session]) -> QuerySet[Session, UUID]:
    """Return the ids of the newest sessions: no more than ``MOST_LISTED`` and one.

    Args:
        found: newest first.
    """
    return found.values_list("pk", flat=True)[: MOST_LISTED + 1]


def end_each(chosen: QuerySet[Any, Any], reason: str) -> list[UUID]:
    """End sessions and announce each, and return their ids.

    One query where the database has UPDATE … RETURNING.

    Args:
        chosen: a few.
        reason: for ``end_reason``.
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
    """End many of a user's living sessions, and announce them by one cut-off.

    Three queries, however many there are. A cut-off ends all up to an id but for one that it
    names. Where more than one lives on, each ended session is announced instead.

    Args:
        chosen: which sessions.
        reason: for ``end_reason``.
        user: whose.
        subject: the user, as the ``sub`` claim has it.
        last: the highest id; what is higher is left alone. None where it is not known.
        with_ids: whether the ids are needed. They are where ``last`` is not known.

    Returns:
        How many sessions it ended, and their ids if they are needed.
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
        alive = living(user).filter(pk__lte=up_to_there).values_list("pk", flat=True)[:2]
        announced: QuerySet[Any] | None = cut_off(subject, up_to_there, list(alive))
        if announced is None:
            lately = Now() - timedelta(hours=1)
            announced = _rows().filter(user=user, end_reason=reason, ended_at__gt=lately)
            announce_again(announced.filter(pk__lte=up_to_there, announced_at=None))
    announce_again_if_late(announced, began)
    return number, ids


def _update_returning_ids(found: QuerySet[Session], changes: Mapping[str, Any]) -> list[UUID]:
    """Change living sessions and return their ids.

    By RETURNING, which Django has for INSERT alone.
    """
    using = found.db
    connection, key = connections[using], Session._meta.pk
    if connection.vendor == "mysql" or not connection.features.can_return_columns_from_insert:
        with transaction.atomic(using=using):
            # MariaDB has neither that nor LIMIT in a subquery.
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


def living_fingerprints(user: Any) -> list[str]:
    """Return each fingerprint that a living session of a user has, once. One query.

    Args:
        user: whose.
    """
    stamps = living(user).order_by().values_list("fingerprint", flat=True)
    return list(stamps.distinct())


def discard(session: Session) -> None:
    """Delete a new session's row. For one whose first tokens could not be made.

    Args:
        session: the row, of which no client has a token.
    """
    _rows().filter(pk=session.pk).delete()


def restamp(found: QuerySet[Session], fingerprint: str) -> None:
    """Write a fingerprint into some sessions. One query.

    Args:
        found: which sessions, as they are at this moment.
        fingerprint: as ``fingerprint_of`` or ``either`` made it.
    """
    past_conflicts(lambda: found.order_by().update(fingerprint=fingerprint))


def end_up_to(last: UUID, reason: str, batch_size: int) -> Iterator[int]:
    """End every living session up to an id, in batches along the primary key, unannounced.

    Args:
        last: the highest id.
        reason: for ``end_reason``.
        batch_size: rows looked at in one go.

    Yields:
        How many sessions each batch ended.
    """
    for first, final in batches(_rows().filter(pk__lte=last), batch_size):
        alive = _rows().filter(pk__gte=first, pk__lte=final, ended_at__isnull=True)
        yield alive.update(ended_at=Now(), end_reason=reason)


def prune(before: datetime, batch_size: int = 1000) -> Iterator[int]:
    """Delete sessions that ended or expired before a moment and have expired by now.

    It walks the primary key, whose order is that of the sign-ins, and stops at the moment: no
    index on the expiry is needed, and each statement touches one batch.

    Args:
        before: an aware datetime, longer ago than an access token lives.
        batch_size: rows looked at in one go.

    Yields:
        How many rows each batch deleted.
    """
    older = _rows().filter(pk__lt=first_uuid7(before))
    before = stored(before, write_database())
    # Everybody's are few, and answer for tokens that may come much later.
    cut_offs = CutOff._base_manager.using(write_database()).exclude(subject="")
    cut_offs.filter(announced_at__lt=before).delete()
    # One that ended stays for as long as its refresh token may come, and is told why.
    over = Q(expires_at__lt=before) | Q(ended_at__lt=before, expires_at__lt=Now())
    over &= Q(kept_until=None) | Q(kept_until__lt=Now())
    for first, last in batches(older, batch_size):
        deleted, _by_model = _rows().filter(over, pk__gte=first, pk__lte=last).delete()
        yield deleted


def batches(found: QuerySet[Session], batch_size: int) -> Iterator[tuple[UUID, UUID]]:
    """Walk rows along the primary key, whose order is that of the sign-ins.

    What is done to a batch locks its rows for as long as it takes: where that is longer than
    ``BATCH_SECONDS``, the next ones are smaller.

    Args:
        found: the rows.
        batch_size: how many in one go at the most.

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
