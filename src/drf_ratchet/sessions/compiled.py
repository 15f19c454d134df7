"""SQL that a process builds once, such as the queries by session id.

Django builds the same SQL for every query, which takes longer than PostgreSQL takes to answer it.
Measured over whole requests on PostgreSQL, as multiples of simplejwt's time: ``immediate`` takes
0.72 with this module and 1.57 without. A refresh takes 0.24 with it and 0.38 without.

The cache keeps the SQL and how to read its row: Django's converters and each model's ``from_db``.
It keeps no connection. Under ASGI each request has a new thread and a new connection. A statement
that held one would be built again for each request.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Manager, QuerySet

from drf_ratchet.caches import forget_on_change
from drf_ratchet.models import Session
from ratchet_tokens.forks import after_fork

T = TypeVar("T")

#: Maximum number of statements that a process keeps, at about ten for each database. The oldest is
#: dropped first.
LIMIT = 2000


class _Cache:
    """A cache of statements, each with the database settings it was built for."""

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


_caches = [_Cache()]


def cached(name: Hashable, connection: BaseDatabaseWrapper, make: Callable[[], T]) -> T:
    """Return the value cached for a name and a database, or make it; only one thread makes it.

    Args:
        name: the key of the value; one of a small number.
        connection: the current thread's connection. Connections with the same settings share the
            value.
        make: builds the value. The value must not hold the connection.
    """
    store, settings = _caches[0], connection.settings_dict
    # Tests, and projects with a database per tenant, may assign another database to an alias. The
    # store holds the settings, so no other dict can have their id.
    key = (name, connection.alias, type(connection), id(settings))
    known: T | None = store.get(key)
    if known is not None:
        return known
    # Building SQL may ask MariaDB for its version. Connect first: no thread may wait for a server,
    # or for psycopg's pool, while it holds the lock.
    connection.ensure_connection()
    with store.lock:
        known = store.get(key)
        if known is None:
            known = make()
            # If the cache was reset meanwhile, this store is the discarded one.
            store.add(key, settings, known)
    return known


def _forget() -> None:
    # Any setting may change the SQL or how a value is read: USE_TZ, DATABASES, one of a router.
    _caches[0] = _Cache()


forget_on_change(_forget)


def _after_fork() -> None:
    # A thread that the child does not have may hold the lock.
    _caches[0].lock = threading.Lock()


after_fork(_after_fork)


class _Part(NamedTuple):
    """The position of one model's columns in a row."""

    model: Any
    fields: Sequence[str]
    columns: slice
    #: Index of the primary key's column. It is null where an outer join found no row.
    key: int


class Compiled:
    """A query as SQL, for every connection to the database it was built for.

    Args:
        queryset: finds at most one row, by the id ``ANY_SESSION``.
        connection: a connection to that database.
    """

    def __init__(self, queryset: QuerySet[Any], connection: BaseDatabaseWrapper) -> None:
        # The query finds at most one row, so it needs no order and no limit.
        compiler = queryset.order_by().query.get_compiler(connection=connection)
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

    def run(self, session: UUID, connection: BaseDatabaseWrapper) -> list[Any] | None:
        """Run the query and return an instance of each model, followed by each annotation.

        Args:
            session: the session's id.
            connection: the current thread's connection.

        Returns:
            The values, with None for a model whose outer join found no row. None if the query found
            no row.
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


def _of_any_connection(
    convert: Any, connection: BaseDatabaseWrapper
) -> Callable[[Any, Any, Any], Any]:
    """Return an equivalent converter that holds no connection.

    A backend's own converters are methods of ``connection.ops``, which holds one.
    """
    name = getattr(convert, "__name__", "")
    if getattr(convert, "__self__", None) is not connection.ops:
        return convert  # type: ignore[no-any-return]
    return lambda value, expression, current: getattr(current.ops, name)(value, expression, current)


def _parameter(session: UUID, connection: BaseDatabaseWrapper) -> Any:
    return Session._meta.pk.get_db_prep_value(session, connection)


def _part(info: Any, columns: Sequence[Any]) -> _Part:
    first, last = info["select_fields"][0], info["select_fields"][-1]
    names = [column.target.attname for column in columns[first : last + 1]]
    key = first + names.index(info["model"]._meta.pk.attname)
    return _Part(info["model"], names, slice(first, last + 1), key)


#: Placeholder for the session id while a query is built.
ANY_SESSION = UUID("b1d5a3f0-0000-4000-8000-000000000000")


def run_compiled(
    make: Callable[[Any, str], QuerySet[Any]], user_model: Any, using: str, session: UUID
) -> list[Any] | None:
    """Run a query by session id; its SQL is built once for each database.

    Args:
        make: makes the queryset from ``user_model`` and ``using``, and from nothing else.
        user_model: the user model. Its default manager must satisfy ``is_plain``.
        using: the database alias.
        session: the session's id.

    Returns:
        As ``Compiled.run``.
    """
    connection = connections[using]
    statement = cached(
        (make, user_model), connection, lambda: Compiled(make(user_model, using), connection)
    )
    return statement.run(session, connection)


def is_plain(manager: Any) -> bool:
    """Return whether a manager and its querysets build every query as Django's own do.

    Any other manager may build a different query each time, for example by the request's tenant.
    Its SQL cannot be cached.

    Args:
        manager: a manager of any model.
    """
    if "get_queryset" in vars(manager) or manager._hints:
        return False
    kind = type(manager)
    known = _plain.get(kind)
    if known is None:
        known = _only_adds(kind, Manager) and _only_adds(kind._queryset_class, QuerySet)
        _plain[kind] = known
    return known


_plain: dict[type, bool] = {}
#: Attributes that a subclass may define. Its queryset class is checked separately.
_HARMLESS = {"__dict__", "__weakref__", "__annotate__", "__annotate_func__", "_queryset_class"}


def _only_adds(kind: type, base: type) -> bool:
    """Return whether a class adds methods to its base and overrides none."""
    if base not in kind.__mro__:
        return False
    inherited = frozenset(dir(base)) - _HARMLESS
    subclasses = kind.__mro__[: kind.__mro__.index(base)]
    overrides = [
        value for one in subclasses for name, value in vars(one).items() if name in inherited
    ]
    return not any(callable(value) or hasattr(value, "__get__") for value in overrides)
