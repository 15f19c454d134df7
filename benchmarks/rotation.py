"""Keys are rotated while people sign in, refresh and ask: is anything refused?

    python benchmarks/rotation.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/rotation.json. ``--help`` shows what can be
changed.

The method. gunicorn serves drf-ratchet (4 processes of 4 threads) with a directory of keys. From
another process 4 clients each sign in, refresh, and use the newest access token and the one
before, over and over. A verifier checks each of them too: PyJWT's ``PyJWKClient``, which fetches
the key set when its copy is a second old, and for no other reason. All the while ``manage.py
ratchet keys rotate`` makes a new key every few seconds. It signs once it has been published for
KEY_PUBLISH_DELAY, here 5 seconds. Every answer but 200, and every token that the verifier does not
take, is counted as refused.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import database
import jwt
from peers import PASSWORD, USERNAME, Peer
from race import circumstances
from rich.console import Console
from rich.table import Table
from server import HERE, HOST, connected, post, served

RESULTS = HERE / "results" / "rotation.json"
PEER = Peer("drf-ratchet", "rotating", "/api/token/", "/api/token/refresh/")
#: Seconds.
KEPT = 1.0
DELAY = 5
#: One request in so many is a sign-in.
SIGN_IN_EVERY = 20


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Rotate keys under load and count refusals.")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--every", type=float, default=4, help="seconds between two rotations")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--alg", default="EdDSA", help="one that PyJWT knows (default: EdDSA)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--load", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.load:
        print(json.dumps(load(options.load, options.seconds, options.clients)))
        return 0

    # As Ctrl-C does: everything that was started is ended.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    console = Console()
    with (
        tempfile.TemporaryDirectory(prefix="ratchet-rotation-") as folder,
        database.postgres() as url,
    ):
        own = {"KEYS": f"{folder}/keys", "KEY_PUBLISH_DELAY": str(DELAY)}
        mine = database.new_database(url, "rotating")
        environment = {**os.environ, **own, "DATABASE_URL": mine, "SECRET_KEY": "for commands"}
        keys(environment, "new", "--alg", options.alg)
        with (
            console.status("Rotating under load …"),
            served(PEER, mine, Path(folder) / "log", **own) as port,
        ):
            clients = subprocess.Popen(
                [sys.executable, __file__, *argv, f"--load={port}"],
                stdout=subprocess.PIPE,
                text=True,
            )
            rotations = 0
            try:
                while clients.poll() is None:
                    next_at = time.monotonic() + options.every
                    keys(environment, "rotate")
                    rotations += 1
                    wait(clients, next_at)
                said, _ = clients.communicate()
            finally:
                clients.kill()
        report = {
            **circumstances(url),
            **{name: getattr(options, name) for name in ("seconds", "every", "clients", "alg")},
            "publish_delay": DELAY,
            "rotations": rotations,
            **json.loads(said),
        }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(report, indent=2) + "\n")
    console.print(table(report))
    # With one key all the time nothing was tried.
    return 1 if report["refused"] or report["keys_seen_signing"] < 2 else 0


def keys(environment: dict[str, str], *arguments: str) -> None:
    """The real command, in a process of its own."""
    command = [sys.executable, "-m", "peers.manage", "ratchet", "keys", *arguments]
    subprocess.run(command, check=True, cwd=HERE, env=environment, stdout=subprocess.DEVNULL)


def wait(process: subprocess.Popen[str], deadline: float) -> None:
    """Until then, by the monotonic clock, or until the process ends."""
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)


def load(port: int, seconds: float, clients: int) -> dict[str, Any]:
    """What the clients did in that time."""
    verifier = jwt.PyJWKClient(
        f"http://{HOST}:{port}/.well-known/jwks.json", lifespan=KEPT, cooldown_duration=3600
    )
    done: Counter[str] = Counter()
    refused: list[str] = []
    signed_by: set[str] = set()
    lock = threading.Lock()

    def count(what: str, is_good: bool, why: object) -> None:
        with lock:
            done[what] += 1
            if not is_good:
                refused.append(f"{what}: {why}")

    def use(token: str) -> None:
        status = get(port, "/api/sessions/", token)
        count("requests", status == 200, status)
        try:
            key = verifier.get_signing_key_from_jwt(token)
            jwt.decode(token, key, algorithms=[key.algorithm_name])
        except jwt.PyJWTError as error:
            count("verified", False, error)
        else:
            count("verified", True, "")
        with lock:
            signed_by.add(jwt.get_unverified_header(token)["kid"])

    def client(number: int) -> None:
        over = time.monotonic() + seconds
        pair: dict[str, Any] = {}
        turn = number
        while time.monotonic() < over:
            turn += 1
            before = pair.get("access")
            if not pair or turn % SIGN_IN_EVERY == 0:
                what, path = "sign_ins", PEER.sign_in_path
                body = {"username": USERNAME, "password": PASSWORD}
            else:
                what, path, body = "refreshes", PEER.refresh_path, {"refresh": pair["refresh"]}
            status, answer = post(connected(port), path, body)
            count(what, status == 200, status)
            pair = answer if status == 200 else {}
            for token in filter(None, (before, pair.get("access"))):
                use(token)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    return {
        **done,
        "keys_seen_signing": len(signed_by),
        "refused": len(refused),
        "why": refused[:9],
    }


def get(port: int, path: str, token: str) -> int:
    """The status of a request with a token."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
    finally:
        connection.close()
    return response.status


def table(report: dict[str, Any]) -> Table:
    made = Table(
        title=f"{report['alg']} keys rotated under load for {report['seconds']:g} s",
        caption=f"Python {report['python']}, Django {report['django']}, PostgreSQL "
        f"{report['postgresql']}, {report['workers']} processes, {report['cores']} cores, "
        f"{report['date']}",
    )
    names = ("requests", "verified", "sign_ins", "refreshes", "rotations", "keys_seen_signing")
    for name in (*names, "refused"):
        made.add_column(name.replace("_", " ").replace("sign ins", "sign-ins"), justify="right")
    made.add_row(*(str(report.get(name, 0)) for name in (*names, "refused")))
    return made


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
