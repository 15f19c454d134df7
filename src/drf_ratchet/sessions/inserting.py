"""The INSERT of a new session, compiled once.

Django needs several times as long to write it as the database to run it. What is in it is Django's
all the same: each field prepares its own value, the columns that the database fills are left to it
and read back by their converters, and a moment to come is the database's clock plus a duration.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import DurationField, Value
from django.db.models.signals import post_save, pre_save
from django.db.models.sql import InsertQuery

from drf_ratchet.clock import Now
from drf_ratchet.models import Session
from drf_ratchet.sessions.compiled import of_thread

#: Databases on which RETURNING is a clause like any other, if they have it.
_VENDORS = frozenset({"postgresql", "sqlite", "mysql"})


def can_insert(using: str) -> bool:
    """Whether ``insert`` does what ``Session.save`` would, in one statement.

    Not where somebody listens to ``pre_save`` or ``post_save``.

    Args:
        using: the alias of the database.
    """
    connection = connections[using]
    return (
        connection.vendor in _VENDORS
        and connection.features.can_return_columns_from_insert
        and not pre_save.has_listeners(Session)
        and not post_save.has_listeners(Session)
    )


def insert(session: Session, ahead: Mapping[str, timedelta], using: str) -> None:
    """Write a new row and read back what the database filled in.

    Args:
        session: unsaved; its user is saved.
        ahead: the fields that are so much later than the database's clock.
        using: the alias of the database, for which ``can_insert`` holds.
    """
    connection, moments = connections[using], tuple(ahead)
    statement = of_thread(("insert", moments), using, lambda: _Insert(connection, moments))
    statement.run(session, ahead)
    session._state.adding, session._state.db = False, using


class _Insert:
    def __init__(self, connection: Any, moments: tuple[str, ...]) -> None:
        self.connection = connection
        meta, quote = Session._meta, connection.ops.quote_name
        fields = meta.concrete_fields
        self._filled = [field for field in fields if field.has_db_default()]
        self._given = [
            field for field in fields if field.name not in moments and field not in self._filled
        ]
        query = InsertQuery(Session)
        compiler: Any = query.get_compiler(connection=connection)
        later: Any = Now() + Value(timedelta(days=1), DurationField())
        # Its one parameter is the duration.
        expression, _parameters = compiler.compile(
            later.resolve_expression(query, allow_joins=False, for_save=True)
        )
        self._durations = DurationField()
        columns = [quote(field.column) for field in self._given]
        columns += [quote(_field(name).column) for name in moments]
        values = [*["%s"] * len(self._given), *[expression] * len(moments)]
        returned = [quote(field.column) for field in self._filled]
        self._sql = (
            f"INSERT INTO {quote(meta.db_table)} ({', '.join(columns)})"  # noqa: S608 (our names)
            f" VALUES ({', '.join(values)}) RETURNING {', '.join(returned)}"
        )
        read = [field.get_col(meta.db_table) for field in self._filled]
        self._converters: list[Any] = list(compiler.get_converters(read).items())

    def run(self, session: Session, ahead: Mapping[str, timedelta]) -> None:
        connection = self.connection
        parameters = [
            field.get_db_prep_save(field.pre_save(session, True), connection)
            for field in self._given
        ]
        parameters += [
            self._durations.get_db_prep_save(duration, connection) for duration in ahead.values()
        ]
        rollback = transaction.mark_for_rollback_on_error(using=connection.alias)
        with rollback, connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            values = list(cursor.fetchone())
        for place, (converters, expression) in self._converters:
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
        for field, value in zip(self._filled, values, strict=True):
            setattr(session, field.attname, value)


def _field(name: str) -> Any:
    return Session._meta.get_field(name)
