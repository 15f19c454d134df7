"""The demo on a real server with several processes, for as long as a test lasts."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.races.clients import NO_ANSWER, send
from tests.races.databases import DEMO, copy_of, environment_on

WORKERS = 4


@dataclass(frozen=True)
class Server:
    """A demo that is being served.

    Args:
        address: where.
        log: everything it has said.
    """

    address: str
    log: Path

    def worker_pids(self) -> list[int]:
        """The processes that it has started to answer requests, oldest first."""
        return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.text())]

    def endings(self) -> dict[str, list[str]]:
        """The reasons that were logged for each session's ending."""
        found = defaultdict(list)
        for session, reason in re.findall(r"Session (\S+) of user \S+ ended: (\w+)\.", self.text()):
            found[session].append(reason)
        return found

    def caught_up(self) -> list[str]:
        """The sessions whose catching up was logged, each as often as it was."""
        line = r"Session (\S+) of user .* the database has lost writes\. Caught up\."
        return re.findall(line, self.text())

    def text(self) -> str:
        """The log as it stands."""
        return self.log.read_text(errors="replace")


@contextmanager
def served(template: str, tmp_path: Path, **environment: str) -> Iterator[str]:
    """Serve the demo with ``WORKERS`` gunicorn processes on a database of its own.

    Args:
        template: the URL of a database to start from a copy of.
        tmp_path: where SQLite's file and the server's log go.
        environment: variables for the server beside the usual ones.

    Yields:
        The server's address.
    """
    with (
        copy_of(template, tmp_path) as url,
        serving(url, tmp_path / "server.log", **environment) as server,
    ):
        yield server.address


@contextmanager
def serving(url: str, log: Path, *, workers: int = WORKERS, **environment: str) -> Iterator[Server]:
    """Serve the demo on a database that is there.

    Args:
        url: of the database.
        log: a file for what the server says.
        workers: how many processes answer requests.
        environment: variables for the server beside the usual ones.
    """
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind=127.0.0.1:{port}"]
    options = [f"--workers={workers}", "--worker-class=gthread", "--threads=4", "--preload"]
    # For the lines that name the workers.
    options.append("--log-level=info")
    # Appended to, since other processes of a test may write there as well.
    with log.open("a") as output:
        process = subprocess.Popen(
            [*command, *options],
            cwd=DEMO,
            env={**environment_on(url), **environment},
            stdout=output,
            stderr=output,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_served(process, address, log)
            yield Server(address, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_served(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Return once the server answers.

    Raises:
        RuntimeError: it ended or did not answer within 30 seconds; with its log.
    """
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        if send(address, "/api/posts/", method="GET").status != NO_ANSWER:
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server did not start:\n{log.read_text()}")
