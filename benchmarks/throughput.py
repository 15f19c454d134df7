"""A real server under load: requests per second, and how long they take.

    python benchmarks/throughput.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL and
gunicorn (4 processes of 4 threads), prints a table and writes benchmarks/results/throughput.json.

The method. The project of all packages (``peers.together``) is served, and asked from another
process by 8 clients, each with a connection of its own that it keeps. Each way is asked for a few
seconds, by turns. The clients are Python too and share the machine's cores with the server: the
numbers are good beside each other, and no measure of what a server can do.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import database
from authenticated import BARE, BOUNDED, IMMEDIATE, SIMPLEJWT
from peers import PASSWORD, USERNAME, Peer, path_of
from report import Claim, parser, publish
from rich.progress import track
from server import HERE, HOST, THREADS, WORKERS, connected, post, served
from timing import spread

PEER = Peer("drf-ratchet", "together", "/api/token/", "/api/token/refresh/")


def main(argv: list[str]) -> int:
    made = parser("Load a real server with requests.", "throughput", 5)
    made.add_argument("--seconds", type=float, default=3, help="of load for each in a round")
    made.add_argument("--clients", type=int, default=8)
    made.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    options = made.parse_args(argv)
    if options.load:
        port, path, header = options.load
        print(json.dumps(load(int(port), path, header, options.seconds, options.clients)))
        return 0
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with (
        tempfile.TemporaryDirectory(prefix="ratchet-throughput-") as folder,
        database.postgres() as url,
        served(PEER, database.new_database(url, "together"), Path(folder) / "log") as port,
    ):
        credentials = {"username": USERNAME, "password": PASSWORD}
        ours = post(connected(port), "/api/token/", credentials)[1]["access"]
        theirs = post(connected(port), "/simplejwt/token/", credentials)[1]["access"]
        asked = {
            BARE: (path_of(""), ""),
            BOUNDED: (path_of(BOUNDED), f"Bearer {ours}"),
            IMMEDIATE: (path_of(IMMEDIATE), f"Bearer {ours}"),
            SIMPLEJWT: (path_of(SIMPLEJWT), f"Bearer {theirs}"),
        }
        results: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
        for turn in track(range(options.rounds + 1), "loading"):
            for name, (path, header) in asked.items():
                one = _loaded(port, path, header, options)
                if turn:  # the first warms up
                    results[name].append(one)
        server = database.version(url)
    figures: dict[str, dict[str, Any]] = {
        name: {each: spread([one[each] for one in rounds]) for each in ("per_second", "p50", "p99")}
        for name, rounds in results.items()
    }

    def ratio(one: str, other: str) -> dict[str, float]:
        pairs = zip(results[one], results[other], strict=True)
        return spread([a["per_second"] / b["per_second"] for a, b in pairs])

    claims = [
        Claim(
            "requests per second, bounded, × simplejwt",
            SIMPLEJWT,
            ratio(BOUNDED, SIMPLEJWT),
            1.0,
            at_least=True,
        ),
        Claim(
            "requests per second, immediate, × simplejwt",
            SIMPLEJWT,
            ratio(IMMEDIATE, SIMPLEJWT),
            1.0,
            at_least=True,
        ),
    ]
    times = {
        f"{name}, {each}": values[each]
        for name, values in figures.items()
        for each in ("p50", "p99")
    }
    details = {
        "per_second": {name: values["per_second"] for name, values in figures.items()},
        "server": {"workers": WORKERS, "threads": THREADS, "clients": options.clients},
    }
    return publish(options, "Throughput", claims, times, "ms", details, server)


def load(port: int, path: str, header: str, seconds: float, clients: int) -> dict[str, float]:
    """Ask for so long from so many connections, and say how it went: per second, and in ms."""
    times: list[list[float]] = [[] for _ in range(clients)]
    together = threading.Barrier(clients)
    headers = {"Authorization": header} if header else {}

    def ask(own: list[float]) -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        together.wait(60)
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise RuntimeError(f"{path} answered {response.status}")
            own.append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=ask, args=[own]) for own in times]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [each for own in times for each in own]
    high = statistics.quantiles(everything, n=100)
    return {"per_second": len(everything) / seconds, "p50": high[49], "p99": high[98]}


def _loaded(port: int, path: str, header: str, options: argparse.Namespace) -> dict[str, float]:
    done = subprocess.run(
        [
            *(sys.executable, str(Path(__file__).name), f"--seconds={options.seconds}"),
            *(f"--clients={options.clients}", "--load", str(port), path, header),
        ],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded: dict[str, float] = json.loads(done.stdout)
    return loaded


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
