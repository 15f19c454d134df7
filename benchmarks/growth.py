"""Does the table grow with use? Very many refreshes of a few sessions.

    python benchmarks/growth.py --sessions 10000 --refreshes 1000000

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/growth.json.

The method. Sessions are opened, and each is refreshed by ``refresh_session`` in turn.
PostgreSQL's own counters say how many of the updates were heap-only (HOT: in the page, no index
touched), before anything else changes the table. Autovacuum runs as it does by default. At the
end the table is vacuumed and its size, with its indexes, compared with that before the first
refresh.
"""

from __future__ import annotations

import sys
import time

import database
import inprocess
import psycopg
from report import Claim, exactly, parser, publish
from rich.progress import track

TABLE = "drf_ratchet_session"


def main(argv: list[str]) -> int:
    made = parser("Refresh a few sessions very often.", "growth", 1)
    made.add_argument("--sessions", type=int, default=1000)
    made.add_argument("--refreshes", type=int, default=20_000)
    options = made.parse_args(argv)
    with inprocess.project() as url:
        from django.contrib.auth import get_user_model

        from drf_ratchet.sessions import open_session, refresh_session

        user = get_user_model()._default_manager.get()
        tokens = [
            open_session(user).refresh or "" for _ in track(range(options.sessions), "signing in")
        ]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"VACUUM {TABLE}")
            rows, size = _rows(connection), _size(connection)
            updates, hot = _updates(connection)
            began = time.perf_counter()
            for number in track(range(options.refreshes), "refreshing"):
                place = number % len(tokens)
                tokens[place] = refresh_session(tokens[place]).refresh or ""
            seconds = time.perf_counter() - began
            time.sleep(2)  # a process reports its counters once a second
            all_updates, all_hot = _updates(connection)
            before_vacuum = _size(connection)
            connection.execute(f"VACUUM {TABLE}")
            added, grown = _rows(connection) - rows, _size(connection) / size
        server = database.version(url)
    share = 100 * (all_hot - hot) / (all_updates - updates)
    what = f"{options.refreshes:,} refreshes of {options.sessions:,} sessions"
    claims = [
        Claim(f"rows added by {what}", "", exactly(added), 0),
        Claim(f"HOT updates of {what}, %", "", exactly(round(share, 2)), 95, at_least=True),
        Claim(f"size of the table after {what}, × before", "", exactly(round(grown, 3)), 1.2),
    ]
    details = {
        "seconds": round(seconds, 1),
        "updates": all_updates - updates,
        "bytes": {"before": size, "after": before_vacuum},
    }
    return publish(options, "Growth", claims, details=details, postgresql=server)


def _rows(connection: psycopg.Connection) -> int:
    return _one(connection, f"SELECT count(*) FROM {TABLE}")


def _size(connection: psycopg.Connection) -> int:
    return _one(connection, f"SELECT pg_total_relation_size('{TABLE}')")


def _updates(connection: psycopg.Connection) -> tuple[int, int]:
    query = f"SELECT n_tup_{{}}upd FROM pg_stat_user_tables WHERE relname = '{TABLE}'"
    return _one(connection, query.format("")), _one(connection, query.format("hot_"))


def _one(connection: psycopg.Connection, query: str) -> int:
    found = connection.execute(query).fetchone()
    assert found is not None
    return int(found[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
