"""Very many sessions: does a refresh become slower, and can they be ended and pruned?

    python benchmarks/scale.py --sessions 10000000 --ended 1000000

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/scale.json. Ten million sessions take some 4 GB
of disk and half an hour.

The method. Rows are copied in, with ids of moments spread over thirty days: 10,000 into one
database and all into another of the same server. Then sessions at random are refreshed by
``refresh_session``, each for the first time, fifty in the one database and fifty in the other by
turns, so that what else the machine does slows both; each refresh is timed. For the last part
``end_sessions_before`` ends the oldest million, and ``prune`` deletes it, in batches of up to a
thousand. How long a batch's UPDATE or DELETE takes is how long it holds its locks, for each is one
statement in autocommit. Checkpoints and autovacuum run as by default.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import database
import inprocess
import psycopg
from report import Claim, exactly, parser, publish
from rich.progress import Progress, track

FEW = 10_000
#: Refreshes in one database before it is the other's turn.
BLOCK = 50
SPAN = timedelta(days=30)
COLUMNS = (
    *("id", "user_id", "generation", "rotates", "created_at", "auth_time", "rotated_at"),
    *("expires_at", "ends_at", "end_reason", "fingerprint", "idempotency_key_hash", "user_agent"),
)


def main(argv: list[str]) -> int:
    made = parser("Refresh, end and prune among very many sessions.", "scale", 1)
    made.add_argument("--sessions", type=int, default=10_000_000)
    made.add_argument("--ended", type=int, default=1_000_000)
    made.add_argument("--refreshes", type=int, default=3000, help="how many are timed each time")
    options = made.parse_args(argv)
    if not options.refreshes <= FEW < options.sessions or options.ended >= options.sessions:
        made.error(f"there must be more than {FEW:,} sessions, and fewer refreshes or endings")
    with inprocess.project() as url, _beside(url) as other:
        few, many = _Table("few", other, FEW), _Table("default", url, options.sessions)
        for table in (few, many):
            table.fill()
        few_times, many_times = _refresh_times(few, many, options.refreshes)
        ended = _end(many, options.ended)
        pruned = _prune(many, options.ended)
        server = database.version(url)
    what = f"{options.sessions:,} sessions"
    p50 = [statistics.median(times) for times in (few_times, many_times)]
    p99 = [statistics.quantiles(times, n=100)[98] for times in (few_times, many_times)]
    of_ended = f"{options.ended:,} sessions: longest batch, ms"
    claims = [
        Claim(f"refresh with {what} over {FEW:,}, median", "", exactly(p50[1] / p50[0]), 1.2),
        Claim(f"refresh with {what} over {FEW:,}, p99", "", exactly(p99[1] / p99[0]), 1.5),
        Claim(f"ending {of_ended}", "", exactly(max(ended) * 1000), 100),
        Claim(f"pruning {of_ended}", "", exactly(max(pruned) * 1000), 100),
    ]
    details: dict[str, Any] = {
        "refresh_ms": {
            name: {"p50": statistics.median(one) * 1000, "p99": high * 1000}
            for name, one, high in (
                (f"{FEW:,}", few_times, p99[0]),
                (what, many_times, p99[1]),
            )
        },
        "ending": _spread(ended),
        "pruning": _spread(pruned),
    }
    return publish(options, "Very many sessions", claims, details=details, postgresql=server)


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    """Of the statements: how many, how long together in seconds, and how long each in ms."""
    p50, p99 = statistics.median(seconds), statistics.quantiles(seconds, n=100)[98]
    return {
        "statements": len(seconds),
        "seconds": sum(seconds),
        "p50_ms": p50 * 1000,
        "p99_ms": p99 * 1000,
    }


class _Toggle:
    """A database router that sends everything to where it is told to."""

    alias = "default"

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return self.alias

    db_for_write = db_for_read


@contextmanager
def _beside(url: str) -> Iterator[str]:
    """A copy of the project's database, as Django's ``few``; yields its URL."""
    from django.db import connections, router

    connections.close_all()
    address = urlsplit(url)
    name = address.path.lstrip("/")
    server = urlunsplit(address._replace(path="/postgres"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE few TEMPLATE {name}")
    connections.settings["few"] = {**connections.settings["default"], "NAME": "few"}
    router.routers = [TOGGLE]
    yield urlunsplit(address._replace(path="/few"))


TOGGLE = _Toggle()


class _Table:
    """The sessions; row n of all has the id of its moment, so that ids sort by n."""

    def __init__(self, alias: str, url: str, total: int) -> None:
        from django.contrib.auth import get_user_model

        from drf_ratchet.sessions.fingerprint import fingerprint_of

        self.alias = alias
        self.connection = psycopg.connect(url, autocommit=True)
        self.total = total
        self.user = get_user_model()._default_manager.using(alias).get()
        self.fingerprint = fingerprint_of(self.user)
        self.start = datetime.now(UTC) - SPAN

    def moment(self, number: int) -> datetime:
        """When session ``number`` was opened."""
        return self.start + SPAN * ((number + 0.5) / self.total)

    def session_id(self, number: int) -> UUID:
        """Its id: a UUIDv7 of that moment."""
        from drf_ratchet.ids import first_uuid7

        return UUID(int=first_uuid7(self.moment(number)).int | number)

    def fill(self) -> None:
        """Copy all of them in."""
        statement = f"COPY drf_ratchet_session ({', '.join(COLUMNS)}) FROM STDIN"
        with self.connection.cursor().copy(statement) as copy:
            for number in track(range(self.total), f"{self.total:,} sessions"):
                copy.write_row(self._row(number))
        for command in ("VACUUM ANALYZE drf_ratchet_session", "CHECKPOINT"):
            self.connection.execute(command)

    def tokens(self, count: int) -> list[str]:
        """The first refresh tokens of as many sessions, at random."""
        from drf_ratchet.models import Session
        from drf_ratchet.sessions.grant import mint_refresh

        ids = [self.session_id(one) for one in random.Random(1).sample(range(self.total), count)]
        rows = Session._base_manager.using(self.alias).in_bulk(ids)
        return [mint_refresh(self.user, rows[one]) for one in ids]

    def _row(self, number: int) -> tuple[Any, ...]:
        opened = self.moment(number)
        ends = datetime.now(UTC) + SPAN
        return (
            *(self.session_id(number), self.user.pk, 1, True, opened, opened, opened),
            *(ends, ends, "", self.fingerprint, "", inprocess.USER_AGENT),
        )


def _refresh_times(few: _Table, many: _Table, count: int) -> tuple[list[float], list[float]]:
    from drf_ratchet.sessions import refresh_session

    tokens = {table: table.tokens(count) for table in (few, many)}
    times: dict[_Table, list[float]] = {few: [], many: []}
    for first in track(range(0, count, BLOCK), "refreshing"):
        for table in (few, many):
            TOGGLE.alias = table.alias
            for token in tokens[table][first : first + BLOCK]:
                began = time.perf_counter()
                refresh_session(token)
                times[table].append(time.perf_counter() - began)
    TOGGLE.alias = "default"
    return times[few][100:], times[many][100:]  # the first few warm up


def _end(table: _Table, number: int) -> list[float]:
    from drf_ratchet.sessions import end_sessions_before

    return _timed(end_sessions_before(table.moment(number)), "ending", number)


def _prune(table: _Table, number: int) -> list[float]:
    from drf_ratchet.models import Session
    from drf_ratchet.sessions.store import prune

    # As if they had ended long ago: what is pruned goes by that.
    table.connection.execute(
        "UPDATE drf_ratchet_session SET ended_at = created_at, expires_at = created_at"
        " WHERE ended_at IS NOT NULL"
    )
    before = Session._base_manager.count()
    times = _timed(prune(table.moment(number)), "pruning", number)
    gone = before - Session._base_manager.count()
    if abs(gone - number) > 1:
        raise RuntimeError(f"{gone:,} sessions were pruned and not {number:,}.")
    return times


def _timed(batches: Iterator[int], what: str, total: int) -> list[float]:
    """Seconds of each statement that locks rows, its commit among them."""
    from django.db import connection

    times = []

    def timed(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            if sql.startswith(("UPDATE", "DELETE")):
                times.append(time.perf_counter() - began)

    with Progress() as progress, connection.execute_wrapper(timed):
        task = progress.add_task(what, total=total)
        for count in batches:
            progress.advance(task, count)
    return times


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
