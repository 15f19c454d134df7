"""The demo on a real server with several processes, for as long as a test lasts."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
from django.conf import settings
from django.db import connection

DEMO = Path(__file__).resolve().parents[2] / "demo"
WORKERS = 4


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
    port = free_port()
    log = tmp_path / "server.log"
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind=127.0.0.1:{port}"]
    options = [f"--workers={WORKERS}", "--worker-class=gthread", "--threads=4", "--preload"]
    with copy_of(template, tmp_path) as url, log.open("w") as output:
        server = subprocess.Popen(
            [*command, *options],
            cwd=DEMO,
            env={**environment_on(url), **environment},
            stdout=output,
            stderr=output,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_served(server, address, log)
            yield address
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@contextmanager
def demo_database(folder: Path) -> Iterator[str]:
    """A new database with the demo's tables and users, beside the tests' own and of its kind.

    Yields:
        Its URL.
    """
    with new_database(folder) as url:
        for command in ("migrate", "demo_data"):
            manage = [sys.executable, "manage.py", command, "--verbosity=0"]
            subprocess.run(
                manage, cwd=DEMO, env=environment_on(url), check=True, stdout=subprocess.DEVNULL
            )
        yield url


@contextmanager
def copy_of(template: str, folder: Path) -> Iterator[str]:
    """A new database with what ``template`` holds. Nobody may be connected to that one.

    Yields:
        Its URL.
    """
    if connection.vendor == "sqlite":
        shutil.copy(template.removeprefix("sqlite:///"), folder / "copy.sqlite3")
        yield f"sqlite:///{folder / 'copy.sqlite3'}"
    else:
        with new_database(folder, f" TEMPLATE {template.rpartition('/')[2]}") as url:
            yield url


@contextmanager
def new_database(folder: Path, clause: str = "") -> Iterator[str]:
    """A new database. ``clause`` ends its CREATE DATABASE, where there is one.

    Yields:
        Its URL.
    """
    name = f"demo_{uuid4().hex[:12]}"
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder / name}.sqlite3"
        return
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}{clause}")
    try:
        yield f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def environment_on(url: str) -> dict[str, str]:
    """The environment of a demo process on that database."""
    own = {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "THROTTLES": "off",
    }
    return {**os.environ, **own}


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
        try:
            httpx.get(f"{address}/api/posts/")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The server did not start:\n{log.read_text()}")
