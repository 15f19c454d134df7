"""SQL that a process builds once, such as the queries by a session's id.

Django builds the same SQL anew each time, which takes longer than PostgreSQL takes to answer it.
Kept are the text, and how its row is read: by Django's converters, and by each model's own
``from_db``. The connection is the running thread's and is in nothing that is kept: under ASGI each
request has a new thread, and a statement of its own would be built for each.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import connections
from django.db.models import Manager, QuerySet

from drf_ratchet.caches import forget_on_change
from drf_ratchet.models import Session
from ratchet_tokens.forks import after_fork

T = TypeVar("T")

#: How many statements a process keeps, some ten for each database; the oldest goes first.
LIMIT = 2000


class _Kept:
    """What was built, each with the settings of the database that it was built for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: dict[Hashable, tuple[Any, Any]] = {}

    def get(self, key: Hashable) -> Any:
        known = self.known.get(key)
        return None if known is None else known[1]

    def add(self, key: Hashable, settings: Any, made: Any) -> None:
        self.known[key] = settings, made
        while len(self.known) > LIMIT:
            del self.known[next(iter(self.known))]


_kept = [_Kept()]


def kept(name: Hashable, connection: Any, make: Callable[[], T]) -> T:
    """Return what was made under that name for a database, or make it now; one thread does.

    Args:
        name: of what; one of few.
        connection: the thread's own. Another one of the same settings gets the same.
        make: makes it. What it returns must not hold the connection.
    """
    store, settings = _kept[0], connection.settings_dict
    # A test, or a project with a database for each tenant, may put another database under an
    # alias. The store holds the settings, so no other dict can have their id.
    key = (name, connection.alias, type(connection), id(settings))
    known: T | None = store.get(key)
    if known is not None:
        return known
    # MariaDB's version is asked for while SQL is built. No thread waits for a server, or for
    # psycopg's pool, while it holds the lock.
    connection.ensure_connection()
    with store.lock:
        known = store.get(key)
        if known is None:
            known = make()
            # Where all was forgotten meanwhile, this goes with it.
            store.add(key, settings, known)
    return known


def _forget() -> None:
    # Any setting may be in the SQL or in how a value is read: USE_TZ, DATABASES, a router's.
    _kept[0] = _Kept()


forget_on_change(_forget)


def _after_fork() -> None:
    # The lock may be held by a thread that the child does not have.
    _kept[0].lock = threading.Lock()


after_fork(_after_fork)


class _Part(NamedTuple):
    """Where the columns of one model are in a row."""

    model: Any
    fields: Sequence[str]
    columns: slice
    #: Of its primary key: where that is empty, an outer join found nothing.
    key: int


class Compiled:
    """A query as SQL, for every connection of the database that it was built for.

    Args:
        queryset: finds one row at the most, by the id ``ANY_SESSION``.
        connection: one to that database.
    """

    def __init__(self, queryset: QuerySet[Any], connection: Any) -> None:
        # One row: so neither an order nor a limit.
        compiler: Any = queryset.order_by().query.get_compiler(connection=connection)
        self._sql, parameters = compiler.as_sql()
        own = _parameter(ANY_SESSION, connection)
        (place,) = [index for index, value in enumerate(parameters) if value == own]
        self._before, self._after = tuple(parameters[:place]), tuple(parameters[place + 1 :])
        columns = [expression for expression, _sql, _alias in compiler.select]
        self._converters = [
            (place, [_of_any_connection(one, connection) for one in converters], expression)
            for place, (converters, expression) in compiler.get_converters(columns).items()
        ]
        infos = [compiler.klass_info, *compiler.klass_info.get("related_klass_infos", ())]
        self._parts = [_part(info, columns) for info in infos]
        self._annotations = list(compiler.annotation_col_map.values())

    def run(self, session: UUID, connection: Any) -> list[Any] | None:
        """Return an instance of each model, or None for it, and each annotation.

        Args:
            session: the id.
            connection: the thread's own.

        Returns:
            None where no row was found.
        """
        with connection.cursor() as cursor:
            parameters = (*self._before, _parameter(session, connection), *self._after)
            cursor.execute(self._sql, parameters)
            row = cursor.fetchone()
        if row is None:
            return None
        values = list(row)
        for place, converters, expression in self._converters:
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
        found = [
            None
            if values[part.key] is None
            else part.model.from_db(connection.alias, part.fields, values[part.columns])
            for part in self._parts
        ]
        return [*found, *(values[place] for place in self._annotations)]


def _of_any_connection(convert: Any, connection: Any) -> Callable[[Any, Any, Any], Any]:
    """Return a converter that holds no connection, as a backend's own methods do."""
    name = getattr(convert, "__name__", "")
    if getattr(convert, "__self__", None) is not connection.ops:
        return convert  # type: ignore[no-any-return]
    return lambda value, expression, current: getattr(current.ops, name)(value, expression, current)


def _parameter(session: UUID, connection: Any) -> Any:
    return Session._meta.pk.get_db_prep_value(session, connection)


def _part(info: Any, columns: Sequence[Any]) -> _Part:
    first, last = info["select_fields"][0], info["select_fields"][-1]
    names = [column.target.attname for column in columns[first : last + 1]]
    key = first + names.index(info["model"]._meta.pk.attname)
    return _Part(info["model"], names, slice(first, last + 1), key)


#: Stands for the id while a query is built.
ANY_SESSION = UUID("b1d5a3f0-0000-4000-8000-000000000000")


def run_compiled(
    make: Callable[[Any, str], QuerySet[Any]], user_model: Any, using: str, session: UUID
) -> list[Any] | None:
    """Run a query by a session's id, which is built once.

    Args:
        make: makes the queryset out of the next two, and of nothing else.
        user_model: the user model, whose default manager is plain.
        using: the alias of the database.
        session: the id.

    Returns:
        As ``Compiled.run``.
    """
    connection = connections[using]
    statement = kept(
        (make, user_model), connection, lambda: Compiled(make(user_model, using), connection)
    )
    return statement.run(session, connection)


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
