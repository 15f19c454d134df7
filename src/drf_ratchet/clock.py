"""The time by the database's clock and by the process's clock, aware and in UTC."""

import time
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.models import functions
from django.db.models.sql import Query
from django.utils.timezone import get_default_timezone, make_naive


class Now(functions.Now):
    """The time of the statement, in UTC on every database.

    On MariaDB and MySQL, Django's ``Now`` gives the server's local time, which is then read back as
    UTC. If that server is not in UTC, every token would be expired or not yet valid.
    """

    def as_mysql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        """Return the SQL for MariaDB and MySQL."""
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra_context)


def database_now(alias: str) -> datetime:
    """Return the current time by a database's clock, aware. One query, of no table.

    Args:
        alias: the database alias.

    Raises:
        TypeError: the database did not return a datetime.
    """
    query = Query(None)
    query.add_annotation(Now(), "now")
    ((now,),) = query.get_compiler(using=alias).results_iter()
    if not isinstance(now, datetime):
        raise TypeError
    return aware(now, alias)


def aware(moment: datetime, alias: str) -> datetime:
    """Return a datetime written by ``Now`` as an aware one in UTC, also without ``USE_TZ``.

    In UTC, because Python adds and subtracts local time as a clock on the wall shows it. That loses
    the hour that is repeated when clocks go back.

    Args:
        moment: the value as it was read.
        alias: the alias of the database it was read from.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(alias))
    return moment.astimezone(UTC)


def as_read(moment: datetime, alias: str) -> datetime:
    """Return a datetime as a database column would return it: naive without ``USE_TZ``.

    Args:
        moment: an aware datetime.
        alias: the database alias.
    """
    return moment if settings.USE_TZ else make_naive(moment, _zone(alias))


def process_now() -> datetime:
    """Return the current time by this process's clock, aware also without ``USE_TZ``."""
    return datetime.fromtimestamp(time.time(), UTC)


def stored(moment: datetime, alias: str) -> datetime:
    """Return a datetime as a column stores it beside those of ``Now``.

    Without ``USE_TZ`` it is naive, except on PostgreSQL. There the columns are aware, and a naive
    time that occurs twice when clocks go back is read as the first of the two.

    Args:
        moment: an aware datetime.
        alias: the alias of the database that stores it.
    """
    if settings.USE_TZ or connections[alias].vendor == "postgresql":
        return moment
    return make_naive(moment, _zone(alias))


def _zone(alias: str) -> tzinfo:
    in_utc = connections[alias].vendor in ("sqlite", "mysql")  # see Now
    return UTC if in_utc else get_default_timezone()
