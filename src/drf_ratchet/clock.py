"""The database's clock."""

from typing import Any

from django.db.models import functions


class Now(functions.Now):
    """The moment of the statement, in UTC on every database.

    Django's is the local time of the server on MariaDB and MySQL, and is read back as UTC: with a
    server elsewhere than in UTC, every token would be too old or not valid yet.
    """

    def as_mysql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        """MariaDB's and MySQL's."""
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra_context)
