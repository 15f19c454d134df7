"""Very many sessions: does a refresh become slower, and can they be ended and pruned?

    python benchmarks/scale.py --sessions 10000000 --ended 1000000

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/scale.json. Ten million sessions take some 4 GB
of disk and half an hour.

The method. Rows are copied in, with ids of moments spread over thirty days. First 10,000:
sessions at random are refreshed by ``refresh_session``, each for the first time, and each refresh
is timed. Then the table is filled up, and the same is done again. For the last part
``end_sessions_before`` ends the oldest million, and ``prune`` deletes it, in batches of a
thousand. How long a batch takes is how long it can hold a lock, for each is one statement in
autocommit. Checkpoints and autovacuum run as by default.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import database
import inprocess
import psycopg
from report import Claim, exactly, parser, publish
from rich.progress import Progress, track

FEW = 10_000
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
    with inprocess.project() as url, psycopg.connect(url, autocommit=True) as connection:
        table = _Table(connection, options.sessions)
        table.fill(FEW)
        few = _refresh_times(table, options.refreshes)
        table.fill(options.sessions)
        many = _refresh_times(table, options.refreshes)
        ended = _end(table, options.ended)
        pruned = _prune(table, options.ended)
        server = database.version(url)
    what = f"{options.sessions:,} sessions"
    p50 = [statistics.median(times) for times in (few, many)]
    p99 = [statistics.quantiles(times, n=100)[98] for times in (few, many)]
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
            for name, one, high in ((f"{FEW:,}", few, p99[0]), (what, many, p99[1]))
        },
        "ending_seconds": sum(ended),
        "pruning_seconds": sum(pruned),
    }
    return publish(options, "Very many sessions", claims, details=details, postgresql=server)


class _Table:
    """The sessions; row n of all has the id of its moment, so that ids sort by n."""

    def __init__(self, connection: psycopg.Connection, total: int) -> None:
        from django.contrib.auth import get_user_model

        from drf_ratchet.sessions.fingerprint import fingerprint_of

        self.connection = connection
        self.total = total
        self.user = get_user_model()._default_manager.get()
        self.fingerprint = fingerprint_of(self.user)
        self.start = datetime.now(UTC) - SPAN
        self.random = random.Random(1)
        self._step = max(1, total // FEW)
        self._filled = 0

    def moment(self, number: int) -> datetime:
        """When session ``number`` was opened."""
        return self.start + SPAN * ((number + 0.5) / self.total)

    def session_id(self, number: int) -> UUID:
        """Its id: a UUIDv7 of that moment."""
        from drf_ratchet.ids import first_uuid7

        return UUID(int=first_uuid7(self.moment(number)).int | number)

    def known(self) -> list[int]:
        """The sessions that are there."""
        first = range(0, FEW * self._step, self._step)
        return list(first) if self._filled <= FEW else list(range(self.total))

    def fill(self, count: int) -> None:
        """Copy in as many as are missing; the first 10,000 are spread over all."""
        first = range(0, FEW * self._step, self._step)
        spread = set(first)
        numbers: Iterator[int] = iter(first)
        if count > FEW:
            numbers = (number for number in range(self.total) if number not in spread)
        missing = count - self._filled
        statement = f"COPY drf_ratchet_session ({', '.join(COLUMNS)}) FROM STDIN"
        with self.connection.cursor().copy(statement) as copy:
            for number in track(numbers, f"{count:,} sessions", total=missing):
                copy.write_row(self._row(number))
        self._filled = count
        for command in ("VACUUM ANALYZE drf_ratchet_session", "CHECKPOINT"):
            self.connection.execute(command)

    def _row(self, number: int) -> tuple[Any, ...]:
        opened = self.moment(number)
        ends = datetime.now(UTC) + SPAN
        return (
            *(self.session_id(number), self.user.pk, 1, True, opened, opened, opened),
            *(ends, ends, "", self.fingerprint, "", inprocess.USER_AGENT),
        )


def _refresh_times(table: _Table, number: int) -> list[float]:
    from drf_ratchet.models import Session
    from drf_ratchet.sessions import refresh_session
    from drf_ratchet.sessions.grant import mint_refresh

    chosen = table.random.sample(table.known(), min(number * 2, FEW))
    rows = Session._base_manager.in_bulk([table.session_id(one) for one in chosen])
    fresh = [row for row in rows.values() if row.generation == 1][:number]
    tokens = [mint_refresh(table.user, row) for row in fresh]
    times = []
    for token in track(tokens, "refreshing"):
        began = time.perf_counter()
        refresh_session(token)
        times.append(time.perf_counter() - began)
    return times[100:]  # the first few warm up


def _end(table: _Table, number: int) -> list[float]:
    from drf_ratchet.sessions import end_sessions_before

    return _timed(end_sessions_before(table.moment(number)), "ending", number)


def _prune(table: _Table, number: int) -> list[float]:
    from drf_ratchet.models import Session
    from drf_ratchet.sessions.pruning import prune

    # As if they had ended long ago: what is pruned goes by that.
    table.connection.execute(
        "UPDATE drf_ratchet_session SET ended_at = created_at WHERE ended_at IS NOT NULL"
    )
    before = Session._base_manager.count()
    times = _timed(prune(table.moment(number)), "pruning", number)
    gone = before - Session._base_manager.count()
    if abs(gone - number) > 1:
        raise RuntimeError(f"{gone:,} sessions were pruned and not {number:,}.")
    return times


def _timed(batches: Iterator[int], what: str, total: int) -> list[float]:
    """Seconds of each batch."""
    times = []
    with Progress() as progress:
        task = progress.add_task(what, total=total)
        began = time.perf_counter()
        for count in batches:
            times.append(time.perf_counter() - began)
            progress.advance(task, count)
            began = time.perf_counter()
    return times


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
