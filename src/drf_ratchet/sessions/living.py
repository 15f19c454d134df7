"""The user of a living session, in one query that is compiled once.

Django builds the same SQL anew each time, which takes longer than PostgreSQL takes to answer it. Here
it is kept, and run with another session's id. Django reads the answer, as ever: its converters, and
the model's own ``from_db``.
"""

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.signals import setting_changed
from django.db import connections
from django.db.models import F, Manager, Q, QuerySet

from drf_ratchet.clock import Now
from drf_ratchet.models import Session
from drf_ratchet.sessions.database import write_database

#: What is read of the session beside the user, by the names it has on the instance.
_OF_THE_SESSION: dict[str, Any] = {
    "ratchet_ended_at": F("ratchet_sessions__ended_at"),
    "ratchet_end_reason": F("ratchet_sessions__end_reason"),
    "ratchet_in_time": Q(ratchet_sessions__expires_at__gt=Now()),
    "ratchet_fingerprint": F("ratchet_sessions__fingerprint"),
}


class Found(NamedTuple):
    """A user, and what "immediate" asks of the session.

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


def find(session: UUID) -> Found | None:
    """The user of a session, ended or not; None if there is none. One query.

    Through the user model's default manager, so one that hides users keeps hiding them.

    Args:
        session: its id.
    """
    using = write_database()
    model = get_user_model()
    if not _is_plain(model._default_manager):
        user = _queryset(model, using, session).first()
        read = () if user is None else [vars(user).pop(name) for name in _OF_THE_SESSION]
    else:
        user, read = _compiled(model, using).run(session)
    if user is None:
        return None
    ended_at, end_reason, in_time, fingerprint = read
    return Found(user, ended_at is not None, end_reason, in_time, fingerprint)


def _queryset(model: Any, using: str, session: UUID) -> QuerySet[Any]:
    users = model._default_manager.using(using)
    found: QuerySet[Any] = users.filter(ratchet_sessions=session).annotate(**_OF_THE_SESSION)
    return found


class _Compiled:
    """The query of one connection, as SQL.

    Args:
        model: the user model.
        using: the alias of the database.
    """

    def __init__(self, model: Any, using: str) -> None:
        self.model = model
        self.connection = connections[using]
        # A session has one user at the most, so no order and no limit is needed.
        compiler = _queryset(model, using, _NO_SESSION).order_by().query.get_compiler(using)
        self._sql, parameters = compiler.as_sql()
        own = self._parameter(_NO_SESSION)
        self._before, self._after = _around(parameters, own)
        selected: Sequence[int] = compiler.klass_info["select_fields"]
        columns = [compiler.select[index][0] for index in selected]
        self._fields = [column.target.attname for column in columns]
        further = compiler.annotation_col_map
        expressions = [
            *columns,
            *(compiler.select[further[name]][0] for name in _OF_THE_SESSION),
        ]
        # Where each is in the row, and what makes a value of it.
        self._order = [*selected, *(further[name] for name in _OF_THE_SESSION)]
        self._converters = [
            (place, converters, expression)
            for place, (converters, expression) in compiler.get_converters(expressions).items()
        ]

    def run(self, session: UUID) -> tuple[Any, Sequence[Any]]:
        """The user and what was read of the session; None and nothing where there is no such."""
        parameters = (*self._before, self._parameter(session), *self._after)
        with self.connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            row = cursor.fetchone()
        if row is None:
            return None, ()
        values = [row[place] for place in self._order]
        for place, converters, expression in self._converters:
            for convert in converters:
                values[place] = convert(values[place], expression, self.connection)
        count = len(self._fields)
        user = self.model.from_db(self.connection.alias, self._fields, values[:count])
        return user, values[count:]

    def _parameter(self, session: UUID) -> Any:
        return Session._meta.pk.get_db_prep_value(session, self.connection)


#: Stands for the id of a session while the query is compiled.
_NO_SESSION = UUID("b1d5a3f0-0000-4000-8000-000000000000")


def _around(parameters: Sequence[Any], own: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """The parameters before and after the one that is the session's id."""
    (place,) = [place for place, value in enumerate(parameters) if value == own]
    return parameters[:place], parameters[place + 1 :]


class _OfThread(threading.local):
    """Connections belong to a thread, and so does what was compiled for one."""

    def __init__(self) -> None:
        self.compiled: dict[str, _Compiled] = {}


_of_thread = [_OfThread()]


def _compiled(model: Any, using: str) -> _Compiled:
    own = _of_thread[0].compiled
    known = own.get(using)
    if known is None or known.model is not model or known.connection is not connections[using]:
        known = own[using] = _Compiled(model, using)
    return known


def _forget(**kwargs: Any) -> None:
    """After a change of any setting (USE_TZ, a router, ...), in each thread."""
    _of_thread[0] = _OfThread()


setting_changed.connect(_forget, dispatch_uid="drf_ratchet.sessions.living")


_plain: dict[type, bool] = {}


def _is_plain(manager: Any) -> bool:
    """Whether a manager and its querysets build every query as Django's own do.

    One that does not may build another one each time, by the request's tenant for example.
    """
    if manager._hints or "get_queryset" in vars(manager):
        return False
    kind = type(manager)
    known = _plain.get(kind)
    if known is None:
        known = _overrides_nothing(kind, Manager)
        known = known and _overrides_nothing(kind._queryset_class, QuerySet)
        _plain[kind] = known
    return known


#: What a subclass may well have of its own.
_HARMLESS = frozenset(
    {
        *("__dict__", "__weakref__", "__annotate__", "__annotate_func__"),
        "_queryset_class",  # looked at by itself
    }
)


def _overrides_nothing(kind: type, base: type) -> bool:
    """Whether a class only adds methods to its base, and has none of the base's otherwise."""
    if base not in kind.__mro__:
        return False
    taken = frozenset(dir(base)) - _HARMLESS
    mine = kind.__mro__[: kind.__mro__.index(base)]
    own = [(name, value) for one in mine for name, value in vars(one).items() if name in taken]
    return not any(callable(value) or hasattr(value, "__get__") for _name, value in own)

