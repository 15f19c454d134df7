"""The demo on a server and a database of its own, for real browsers."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.chromium.witness import MARK
from tests.races.databases import fill
from tests.races.server import Server, serving

#: The demo as `make demo` runs it, with accounts, but without rate limits.
WITH_ACCOUNTS = {"DJANGO_SETTINGS_MODULE": "config.with_accounts", "THROTTLES": "off"}


@dataclass(frozen=True)
class Demo:
    """A demo that is being served.

    Args:
        server: what serves it.
        database: its SQLite file.
    """

    server: Server
    database: Path

    @property
    def address(self) -> str:
        """Where it is, by a name."""
        return self.at("localhost")

    def at(self, host: str) -> str:
        """Where it is, by another name."""
        return f"http://{host}:{urlsplit(self.server.address).port}"

    def sessions(self) -> list[dict[str, Any]]:
        """All rows, all columns, oldest first."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute("SELECT * FROM drf_ratchet_session ORDER BY id").fetchall()
        return [dict(row) for row in rows]

    def seen(self, path: str) -> list[dict[str, Any]]:
        """The requests that have come there, and how they were answered."""
        lines = [line for line in self.server.text().splitlines() if line.startswith(MARK)]
        every = [json.loads(line.removeprefix(MARK)) for line in lines]
        return [one for one in every if one["path"] == path]


def filled(folder: Path, **environment: str) -> Path:
    """A new SQLite file with the demo's tables, users and posts."""
    file = folder / "template.sqlite3"
    fill(f"sqlite:///{file}", **environment)
    with closing(sqlite3.connect(file)) as connection:
        # What is still in the log goes into the file, which is going to be copied alone.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@contextmanager
def demo_on_copy_of(
    template: Path, folder: Path, *, options: dict[str, Any] | None = None, **environment: str
) -> Iterator[Demo]:
    """Serve the demo on a copy of that file.

    Args:
        template: made by ``filled``.
        folder: where the copy and the server's log go.
        options: of ``DRF_RATCHET``; a timedelta is given in seconds.
        environment: variables for the server beside the usual ones.
    """
    database = folder / f"{uuid4().hex[:12]}.sqlite3"
    shutil.copy(template, database)
    with serving(
        f"sqlite:///{database}",
        database.with_suffix(".log"),
        workers=2,
        **{
            "DJANGO_SETTINGS_MODULE": "tests.chromium.settings",
            "RACE_OPTIONS": json.dumps(options or {}),
            **environment,
        },
    ) as server:
        yield Demo(server, database)
