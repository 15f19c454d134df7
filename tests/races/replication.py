"""PostgreSQL as production runs it: it keeps what it was told, and a replica follows it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests import servers

SETTINGS = {
    **servers.POSTGRES_SETTINGS,
    # Here the data has to survive a crash.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # A new replica, or its end, need not be waited for.
    "wal_retrieve_retry_interval": "100ms",
}


class Node:
    """One server of a cluster, running or not.

    Args:
        home: a directory of its own, for its data, its socket and its log.
        programs: where PostgreSQL's programs are.
        user: whom it runs as; None for oneself.
    """

    def __init__(self, home: Path, programs: Path, user: str | None) -> None:
        self.home, self._programs, self._user = home, programs, user
        self._data, self._log = home / "data", home / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://postgres@{quote(str(home), safe='')}/postgres"
        home.mkdir()
        if user is not None:
            shutil.chown(home, user, group=None)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs to its end."""
        command = [self._programs / program, *arguments]
        servers._wait_for_setup(servers._start(command, self._log, self._user), self._log)

    def make(self) -> None:
        """Make its data directory: an empty cluster."""
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        access = ["--username=postgres", "--auth=trust", "--encoding=UTF8"]
        self.run("initdb", f"--pgdata={self._data}", *access, *locale, "--no-sync")

    def follow(self, primary: Node) -> None:
        """Make its data directory: a copy of another's, which it follows once it is started."""
        source = f"--dbname=host={primary.home} user=postgres"
        how = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        self.run("pg_basebackup", f"--pgdata={self._data}", source, *how)

    def start(self) -> None:
        """Start it, and return once it answers."""
        own = {**SETTINGS, "unix_socket_directories": str(self.home)}
        options = [f"--{name}={value}" for name, value in own.items()]
        command = [self._programs / "postgres", "-D", self._data, *options]
        for _ in range(100):
            self._process = servers._start(command, self._log, self._user)
            try:
                servers._wait_for_postgres(self.url, self._process, self._log)
            except RuntimeError:
                # After a SIGKILL its children live for a moment longer, and it waits for them.
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(self._log.read_text(errors="replace"))

    def kill(self, number: signal.Signals) -> None:
        """End it without a word: SIGQUIT for its immediate shutdown, SIGKILL for a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def query(self, sql: str) -> Any:
        """The first column of the first row; None for a statement that returns no rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def wait_until(self, condition: str) -> None:
        """Return once a query says true."""
        deadline = time.monotonic() + servers.START_TIMEOUT
        while not self.query(f"SELECT {condition}"):
            assert time.monotonic() < deadline, f"{condition} did not come true"
            time.sleep(0.05)

    def disconnect(self, primary: Node) -> None:
        """Take in what the primary has written so far, and no more."""
        written = primary.query("SELECT pg_current_wal_lsn()")
        self.wait_until(f"pg_last_wal_replay_lsn() >= '{written}'")
        self.query("ALTER SYSTEM SET primary_conninfo = ''")
        self.query("SELECT pg_reload_conf()")
        self.wait_until("NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")

    def promote(self) -> None:
        """Make it the primary, with what it has."""
        assert self.query("SELECT pg_promote()")


@contextmanager
def cluster(*names: str) -> Iterator[list[Node]]:
    """Nodes of those names, none of them made yet; all are gone afterwards."""
    with servers._private_home("ratchet-ha-") as (home, user):
        programs = servers._postgres_programs(home, copy=user is not None)
        nodes = [Node(home / name, programs, user) for name in names]
        try:
            yield nodes
        finally:
            for node in nodes:
                # SIGQUIT and not SIGKILL: it ends its children first.
                node.kill(signal.SIGQUIT)
