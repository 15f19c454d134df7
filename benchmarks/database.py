"""A PostgreSQL for the moment, and a database's rows put back as they were."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def postgres() -> Iterator[str]:
    """Run the tests' PostgreSQL and yield its URL."""
    sys.path.append(str(ROOT))
    from tests.servers import postgres

    with postgres() as url:
        yield url


def version(url: str) -> str:
    """The server's version, as in "18.0"."""
    with psycopg.connect(url) as connection:
        return connection.info.parameter_status("server_version") or "unknown"


def new_database(url: str, name: str) -> str:
    """Create a database on the server of ``url`` and return the new one's URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{url.rpartition('/')[0]}/{name}"


class Rows:
    """Every row of a database, so that it can be put back."""

    def __init__(self, connection: psycopg.Connection) -> None:
        """Remember the rows as they are. ``connection`` is in autocommit mode."""
        self.connection = connection
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        self.tables = {name: self._read(name) for (name,) in names.fetchall()}

    def put_back(self) -> None:
        """Make the rows what they were, in one transaction; foreign keys and triggers wait."""
        with self.connection.transaction():
            self.connection.execute("SET LOCAL session_replication_role = replica")
            for name, rows in self.tables.items():
                if self._read(name) == rows:
                    continue
                table = sql.Identifier(name)
                self.connection.execute(sql.SQL("DELETE FROM {}").format(table))
                statement = sql.SQL("COPY {} FROM STDIN").format(table)
                with self.connection.cursor().copy(statement) as copy:
                    copy.write(rows)

    def _read(self, name: str) -> bytes:
        statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))
        with self.connection.cursor().copy(statement) as copy:
            return b"".join(copy)
