"""Sixteen clients refresh one token at once: which packages keep one session?

    python benchmarks/race.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/race.json. ``--help`` shows what can be changed.

The method. Each package is served by gunicorn (4 processes of 4 threads) on a PostgreSQL database
of its own, with the settings that its documentation gives for rotation (see ``peers``). A round:

1. Sign in: a new refresh token.
2. 16 threads each open a connection, wait for each other, and refresh with that one token. A tab
   of a browser does the same when its access token has expired. Nobody tries again. When all
   have their answer, the race is over.
3. The distinct refresh tokens in the answers with status 200 are the successors. Each is presented
   once, alone. It is alive if it is answered 200. Afterwards every row of the database is put back
   as the race left it, so no successor's fate depends on another's having been tried before it.
4. If no successor is alive, the first token is presented in the same way. If it is not alive
   either, the user has been logged out.

One live successor is what rotation promises. Several: the session has forked, and whoever holds
one copy lives on unseen beside the other. A client is stranded when the race left it with nothing
that works: it was refused and no longer has a use for its first token, or it was answered 200
with a successor that is dead. (Tabs that share their storage may be saved by another tab.)

PostgreSQL's fsync and synchronous_commit are off, which makes commits, and with them the windows
in which requests meet, shorter and not longer. How many meet depends on the machine: the numbers
between the least and the most possible differ from run to run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import database
import psycopg
from peers import PASSWORD, PEERS, USERNAME, Peer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from server import THREADS, WORKERS, connected, post, served

RESULTS = Path(__file__).resolve().parent / "results" / "race.json"


@dataclass(frozen=True)
class Round:
    """What one race came to."""

    answered_200: int
    server_errors: int
    successors: int
    """Distinct refresh tokens handed out."""
    live: int
    """How many of them are good for a refresh."""
    stranded: int
    """Clients that were refused or got a dead successor."""
    logged_out: bool


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description="Refresh one token from many clients at once, on several packages."
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS])
    parser.add_argument("--markdown", action="store_true", help="print the table for a README too")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args(argv)
    if options.rounds < 1 or options.clients < 1:
        parser.error("there must be a round and a client")

    # As Ctrl-C does: everything that was started is ended.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

    console = Console()
    peers = [peer for peer in PEERS if options.peer is None or peer.name in options.peer]
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn())
    with (
        tempfile.TemporaryDirectory(prefix="ratchet-race-") as folder,
        database.postgres() as url,
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
    ):
        tasks = {peer: progress.add_task(peer.name, False, options.rounds) for peer in peers}
        results = []
        for peer in peers:
            rounds = []
            own = database.new_database(url, peer.module)
            progress.start_task(tasks[peer])
            with served(peer, own, Path(folder) / f"{peer.module}.log") as port:
                for _ in range(options.rounds):
                    rounds.append(race(peer, port, own, options.clients))
                    progress.advance(tasks[peer])
            results.append(summary(peer, rounds))
        report = {**circumstances(url), "clients": options.clients, "rounds": options.rounds}

    report["packages"] = results
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(report, indent=2) + "\n")
    console.print(table(report))
    if options.markdown:
        print(markdown(report))
    return 0


def race(peer: Peer, port: int, url: str, clients: int) -> Round:
    """One round of the method."""
    credentials = {"username": USERNAME, "password": PASSWORD}
    status, body = post(connected(port), peer.sign_in_path, credentials)
    if status != 200:
        raise RuntimeError(f"{peer.name} answered {status} to a sign-in: {body}")
    first = peer.signed_in(body)

    together = threading.Barrier(clients)

    def refresh(_: int) -> tuple[int, dict[str, Any]]:
        connection = connected(port)
        together.wait(60)
        return post(connection, peer.refresh_path, {peer.field: first})

    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(refresh, range(clients)))
    handed_out = [peer.refreshed(body) for status, body in answers if status == 200]

    with psycopg.connect(url, autocommit=True) as connection:
        rows = database.Rows(connection)

        def alive(token: str) -> bool:
            status, _ = post(connected(port), peer.refresh_path, {peer.field: token})
            rows.put_back()
            return status == 200

        successors = list(dict.fromkeys(handed_out))
        living = {token for token in successors if alive(token)}
        logged_out = not living and not alive(first)

    return Round(
        answered_200=len(handed_out),
        server_errors=sum(status >= 500 for status, _ in answers),
        successors=len(successors),
        live=len(living),
        stranded=clients - sum(token in living for token in handed_out),
        logged_out=logged_out,
    )


def summary(peer: Peer, rounds: Sequence[Round]) -> dict[str, Any]:
    live = [each.live for each in rounds]
    return {
        "name": peer.name,
        "version": version(peer.name),
        "answered_200": sum(each.answered_200 for each in rounds),
        "server_errors": sum(each.server_errors for each in rounds),
        "stranded": sum(each.stranded for each in rounds),
        "live_successors": {
            "min": min(live),
            "median": statistics.median(live),
            "max": max(live),
        },
        "rounds_with_one_live_successor": live.count(1),
        "rounds_logged_out": sum(each.logged_out for each in rounds),
        "each_round": [asdict(each) for each in rounds],
    }


def circumstances(url: str) -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "django": version("Django"),
        "djangorestframework": version("djangorestframework"),
        "postgresql": database.version(url),
        "gunicorn": version("gunicorn"),
        "workers": WORKERS,
        "threads": THREADS,
        "cores": cores,
    }


def headings(report: dict[str, Any]) -> list[str]:
    return [
        "package",
        "version",
        f"200s of {report['clients'] * report['rounds']}",
        "live successors, min / median / max",
        f"rounds of {report['rounds']} with exactly one",
        "rounds logged out",
        "clients stranded",
        "5xx",
    ]


def cells(result: dict[str, Any]) -> list[str]:
    live = result["live_successors"]
    return [
        result["name"],
        result["version"],
        str(result["answered_200"]),
        f"{live['min']} / {live['median']:g} / {live['max']}",
        str(result["rounds_with_one_live_successor"]),
        str(result["rounds_logged_out"]),
        str(result["stranded"]),
        str(result["server_errors"]),
    ]


def table(report: dict[str, Any]) -> Table:
    made = Table(
        title=f"{report['clients']} concurrent refreshes of one token, {report['rounds']} rounds",
        caption=f"Python {report['python']}, Django {report['django']}, PostgreSQL "
        f"{report['postgresql']}, {report['workers']} processes, {report['cores']} cores, "
        f"{report['date']}",
    )
    for number, heading in enumerate(headings(report)):
        made.add_column(heading, justify="left" if number < 2 else "right", overflow="fold")
    for result in report["packages"]:
        made.add_row(*cells(result))
    return made


def markdown(report: dict[str, Any]) -> str:
    lines = [headings(report), ["---"] * 2 + ["---:"] * 6, *map(cells, report["packages"])]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
