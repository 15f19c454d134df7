"""The database's clock, and how it goes with the process's."""

import time
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.models import functions
from django.db.models.sql import Query
from django.utils.timezone import get_default_timezone, make_naive


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
    """Return a moment as ``Now`` wrote it, aware and in UTC, also without ``USE_TZ``.

    In UTC, since sums and differences within a zone are of what clocks on the wall show: the hour
    that comes twice would be lost.

    Args:
        moment: as it was read.
        alias: of the database it was read from.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(alias))
    return moment.astimezone(UTC)


def as_read(moment: datetime, alias: str) -> datetime:
    """Return a moment as a column of a database would give it: naive without ``USE_TZ``.

    Args:
        moment: an aware datetime.
        alias: of the database.
    """
    return moment if settings.USE_TZ else make_naive(moment, _zone(alias))


def process_now() -> datetime:
    """What this process's clock says, aware whatever ``USE_TZ`` is."""
    return datetime.fromtimestamp(time.time(), UTC)


def stored(moment: datetime, alias: str) -> datetime:
    """Return a moment as a column takes it beside those of ``Now``.

    Without ``USE_TZ`` it is naive, but for PostgreSQL: its columns are of moments all the same, and
    a naive time is read as the first of the two that it names when clocks go back.

    Args:
        moment: an aware datetime.
        alias: of the database it goes to.
    """
    if settings.USE_TZ or connections[alias].vendor == "postgresql":
        return moment
    return make_naive(moment, _zone(alias))


def _zone(alias: str) -> tzinfo:
    in_utc = connections[alias].vendor in ("sqlite", "mysql")  # see Now
    return UTC if in_utc else get_default_timezone()
