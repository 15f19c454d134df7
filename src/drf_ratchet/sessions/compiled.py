"""Statements that are compiled once, such as the queries by a session's id.

Django builds the same SQL anew each time, which takes longer than PostgreSQL takes to answer it.
Here it is kept, and run with other values. What comes back is read as Django reads it: by its
converters, and by each model's own ``from_db``.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from django.core.signals import setting_changed
from django.db import connections
from django.db.models import Manager, QuerySet

from drf_ratchet.models import Session


class _Part(NamedTuple):
    """Where the columns of one model are in a row."""

    model: Any
    fields: Sequence[str]
    columns: slice
    #: Of its primary key: where that is empty, an outer join found nothing.
    key: int


class Compiled:
    """A query as the SQL of one connection.

    Args:
        queryset: that finds one row at the most, by the id ``ANY_SESSION``.
    """

    def __init__(self, queryset: QuerySet[Any]) -> None:
        self.connection = connections[queryset.db]
        # One row: so neither an order nor a limit.
        compiler: Any = queryset.order_by().query.get_compiler(connection=self.connection)
        self._sql, parameters = compiler.as_sql()
        own = self._parameter(ANY_SESSION)
        (place,) = [index for index, value in enumerate(parameters) if value == own]
        self._before, self._after = tuple(parameters[:place]), tuple(parameters[place + 1 :])
        columns = [expression for expression, _sql, _alias in compiler.select]
        self._converters: list[Any] = list(compiler.get_converters(columns).items())
        infos = [compiler.klass_info, *compiler.klass_info.get("related_klass_infos", ())]
        self._parts = [_part(info, columns) for info in infos]
        self._annotations = list(compiler.annotation_col_map.values())

    def run(self, session: UUID) -> list[Any] | None:
        """An instance of each model, or None for it, and each annotation; None for no row."""
        with self.connection.cursor() as cursor:
            cursor.execute(self._sql, (*self._before, self._parameter(session), *self._after))
            row = cursor.fetchone()
        if row is None:
            return None
        values = list(row)
        for place, (converters, expression) in self._converters:
            for convert in converters:
                values[place] = convert(values[place], expression, self.connection)
        found = [
            None
            if values[part.key] is None
            else part.model.from_db(self.connection.alias, part.fields, values[part.columns])
            for part in self._parts
        ]
        return [*found, *(values[place] for place in self._annotations)]

    def _parameter(self, session: UUID) -> Any:
        return Session._meta.pk.get_db_prep_value(session, self.connection)


def _part(info: Any, columns: Sequence[Any]) -> _Part:
    first, last = info["select_fields"][0], info["select_fields"][-1]
    names = [column.target.attname for column in columns[first : last + 1]]
    key = first + names.index(info["model"]._meta.pk.attname)
    return _Part(info["model"], names, slice(first, last + 1), key)


#: Stands for the id while a query is compiled.
ANY_SESSION = UUID("b1d5a3f0-0000-4000-8000-000000000000")


class _OfThread(threading.local):
    """Connections belong to a thread, and so does what was compiled for one."""

    def __init__(self) -> None:
        self.known: dict[Any, Any] = {}


_of_thread = [_OfThread()]


class _Statement(Protocol):
    connection: Any


Statement = TypeVar("Statement", bound=_Statement)


def of_thread(name: Any, using: str, make: Callable[[], Statement]) -> Statement:
    """What was made for the thread's connection under that name, or is made now.

    Args:
        name: of what; hashable, and one of few.
        using: the alias of the database.
        make: makes it, for the thread's present connection.
    """
    key, kept = (name, using), _of_thread[0].known
    known: Statement | None = kept.get(key)
    if known is None or known.connection is not connections[using]:
        # Where all is forgotten meanwhile, this goes with it.
        known = kept[key] = make()
    return known


def compiled(make: Callable[[Any, str], QuerySet[Any]], user_model: Any, using: str) -> Compiled:
    """A query, as it was compiled for the thread's connection.

    Args:
        make: makes the queryset out of the other two, and of nothing else.
        user_model: the user model, whose default manager is plain.
        using: the alias of the database.
    """
    return of_thread((make, user_model), using, lambda: Compiled(make(user_model, using)))


def _forget(**kwargs: Any) -> None:
    # Any setting may be in the SQL or in how a value is read: USE_TZ, DATABASES, a router's.
    _of_thread[0] = _OfThread()


setting_changed.connect(_forget, dispatch_uid="drf_ratchet.sessions.compiled")


def is_plain(manager: Any) -> bool:
    """Whether a manager and its querysets build every query as Django's own do.

    One that does not may build another one each time, by the request's tenant for example: what it
    makes cannot be kept.
    """
    if "get_queryset" in vars(manager) or manager._hints:
        return False
    kind = type(manager)
    known = _plain.get(kind)
    if known is None:
        own = _only_adds(kind, Manager) and _only_adds(kind._queryset_class, QuerySet)
        known = _plain[kind] = own
    return known


_plain: dict[type, bool] = {}
#: What a subclass may well have of its own; its queryset class is looked at by itself.
_HARMLESS = {"__dict__", "__weakref__", "__annotate__", "__annotate_func__", "_queryset_class"}


def _only_adds(kind: type, base: type) -> bool:
    """Whether a class adds methods to its base and overrides none."""
    if base not in kind.__mro__:
        return False
    taken = frozenset(dir(base)) - _HARMLESS
    mine = kind.__mro__[: kind.__mro__.index(base)]
    own = [value for one in mine for name, value in vars(one).items() if name in taken]
    return not any(callable(value) or hasattr(value, "__get__") for value in own)
