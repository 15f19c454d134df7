"""What does a refresh cost, and what does it leave behind?

    python benchmarks/refreshing.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/refreshing.json.

The method. All packages in one process, as in ``authenticated.py``, with the rotation that each
one's documentation gives (see ``peers.together``). Each has a session, and refreshes it over and
over with the token of the last answer, by turns with the others. Round trips are the statements
that one refresh sends, BEGIN and COMMIT among them; rows are counted in the whole database before
and after. Nobody's rate limits are on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import database
import inprocess
import psycopg
import timing
from authenticated import SIMPLEJWT
from peers import PASSWORD, USERNAME
from psycopg import sql
from report import Claim, exactly, parser, publish

OURS = "drf-ratchet"


def main(argv: list[str]) -> int:
    made = parser("Time a refresh, here and with the peers.", "refreshing", 15)
    made.add_argument("--number", type=int, default=100, help="refreshes of each in a round")
    options = made.parse_args(argv)
    with inprocess.project() as url:
        refreshes = contestants()
        times = timing.in_turns(refreshes, options.rounds, options.number, "refreshing", slices=10)
        trips = {name: inprocess.queries_in(refresh) for name, refresh in refreshes.items()}
        rows = {name: _rows_of(url, refresh) for name, refresh in refreshes.items()}
        server = database.version(url)
    claims = [
        Claim("refresh, over simplejwt", SIMPLEJWT, timing.ratio(times, OURS, SIMPLEJWT), 0.25),
        Claim("round trips of a refresh", "", exactly(trips[OURS]), 2),
        Claim("rows that a refresh adds", "", exactly(rows[OURS]), 0),
    ]
    details = {"round_trips": trips, "rows": rows}
    return publish(options, "Refresh", claims, timing.measured(times), "ms", details, server)


def contestants() -> dict[str, Callable[[], object]]:
    """A function for each package that refreshes with the token of its last answer."""
    from django.contrib.auth import get_user_model
    from drf_sessions.services import SessionService

    credentials = {"username": USERNAME, "password": PASSWORD}
    user = get_user_model()._default_manager.get(username=USERNAME)
    theirs = SessionService.create_header_session(user=user).refresh_token
    return {
        OURS: _chain("/api/token/refresh/", inprocess.post("/api/token/", credentials)["refresh"]),
        SIMPLEJWT: _chain(
            "/simplejwt/token/refresh/", inprocess.post("/simplejwt/token/", credentials)["refresh"]
        ),
        "drf-sessions": _chain("/drf-sessions/refresh/", theirs, "refresh_token"),
    }


def _chain(path: str, first: str, field: str = "refresh") -> Callable[[], object]:
    token = first

    def refresh() -> None:
        nonlocal token
        token = inprocess.post(path, {field: token})[field]

    return refresh


def _rows_of(url: str, refresh: Callable[[], object], number: int = 10) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        before = _rows(connection)
        for _ in range(number):
            refresh()
        return (_rows(connection) - before) / number


def _rows(connection: psycopg.Connection) -> int:
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    count = sql.SQL("SELECT count(*) FROM {}")
    counts = [
        connection.execute(count.format(sql.Identifier(name))).fetchone()
        for (name,) in names.fetchall()
    ]
    return sum(one[0] for one in counts if one)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
