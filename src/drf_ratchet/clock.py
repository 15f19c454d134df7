"""The database's clock."""

from datetime import UTC, datetime
from typing import Any

from django.db import connections
from django.db.models import functions
from django.db.models.sql import Query
from django.utils.timezone import get_default_timezone


class Now(functions.Now):
    """The moment of the statement, in UTC on every database.

    Django's is the local time of the server on MariaDB and MySQL, and is read back as UTC: with a
    server elsewhere than in UTC, every token would be too old or not valid yet.
    """

    def as_mysql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        """MariaDB's and MySQL's."""
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra_context)


def database_now(alias: str) -> datetime:
    """What a database's clock says now, aware. One query, of no table.

    Args:
        alias: the database's.

    Raises:
        TypeError: the database answers with something else than a moment.
    """
    query = Query(None)
    query.add_annotation(Now(), "now")
    ((now,),) = query.get_compiler(using=alias).results_iter()
    if not isinstance(now, datetime):
        raise TypeError
    return aware(now, alias)


def aware(moment: datetime, alias: str) -> datetime:
    """A moment as ``Now`` wrote it, aware also without ``USE_TZ``.

    Args:
        moment: as it was read.
        alias: of the database it was read from.
    """
    if moment.tzinfo is not None:
        return moment
    in_utc = connections[alias].vendor in ("sqlite", "mysql")  # see Now
    return moment.replace(tzinfo=UTC if in_utc else get_default_timezone())
