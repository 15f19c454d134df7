"""Projects of their own, each served by a real server in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.fixtures import PASSWORD, Tokens
from tests.races.server import free_port

ROOT = Path(__file__).resolve().parents[2]
FRESHNESS = ("immediate", "bounded", "expiry")


@dataclass(frozen=True)
class Project:
    """A Django project that a child process runs.

    Args:
        settings: its settings module.
        url: of its PostgreSQL database.
        environment: further variables.
    """

    settings: str
    url: str
    environment: dict[str, str]

    def run(self, *arguments: str, program: str | None = "django") -> str:
        """Run a command of ``manage.py``, or another module, and return what it printed."""
        module = [] if program is None else ["-m", program]
        done = subprocess.run(
            [sys.executable, *module, *arguments],
            cwd=ROOT,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def variables(self) -> dict[str, str]:
        """The environment of its processes."""
        own = {
            "DATABASE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": self.settings,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        return {**os.environ, **own, **self.environment}

    def with_database(self, options: dict[str, Any]) -> "Project":
        """The same, with changes to its ``DATABASES["default"]``."""
        own = {"TENANTS_DATABASE": json.dumps(options)}
        return replace(self, environment={**self.environment, **own})

    @contextmanager
    def served(self, log: Path, *, asgi: bool = False) -> Iterator[str]:
        """Serve it by one process of several threads, and yield its address."""
        port = free_port()
        gunicorn = ["gunicorn", "django.core.wsgi:get_wsgi_application()", "--worker-class=gthread"]
        gunicorn += ["--threads=4", f"--bind=127.0.0.1:{port}", "--no-control-socket"]
        uvicorn = ["uvicorn", "django.core.asgi:get_asgi_application", "--factory"]
        uvicorn += [f"--port={port}", "--lifespan=off"]
        with log.open("w") as output:
            server = subprocess.Popen(
                [sys.executable, "-m", *(uvicorn if asgi else gunicorn)],
                cwd=ROOT,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(server, address, log)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            httpx.get(address, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The server did not start:\n{log.read_text()}")


@contextmanager
def database(server: str, clause: str = "") -> Iterator[str]:
    """A new database on a PostgreSQL server; its URL.

    Args:
        server: the URL of one of its databases.
        clause: ends its CREATE DATABASE.
    """
    import psycopg

    name = f"tenants_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{clause}")
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Site:
    """A tenant's site, as its clients see it.

    Args:
        address: the server's.
        host: the tenant's.
    """

    def __init__(self, address: str, host: str) -> None:
        self.http = httpx.Client(
            base_url=address, headers={"Host": host}, trust_env=False, timeout=30
        )

    def sign_in(self, username: str) -> Tokens:
        answer = self.post("api/token/", {"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Tokens(**answer.json())

    def post(self, path: str, body: dict[str, str], tokens: Tokens | None = None) -> httpx.Response:
        return self.http.post(path, json=body, headers=bearer(tokens))

    def get(self, path: str, tokens: Tokens) -> httpx.Response:
        return self.http.get(path, headers=bearer(tokens))

    def refresh(self, token: str) -> httpx.Response:
        return self.post("api/token/refresh/", {"refresh": token})

    def whoami(self, tokens: Tokens, freshness: str = "immediate") -> httpx.Response:
        return self.get(f"whoami/{freshness}/", tokens)

    def knows(self, tokens: Tokens, freshness: str = "immediate") -> bool:
        """Whether the tokens are somebody's here."""
        return self.whoami(tokens, freshness).status_code == 200


def bearer(tokens: Tokens | None) -> dict[str, str]:
    return {} if tokens is None else {"Authorization": f"Bearer {tokens.access}"}


def reason(answer: httpx.Response) -> str:
    """Why a token was refused."""
    assert answer.status_code == 401, answer.text
    return str(json.loads(answer.text)["reason"])


def eventually(holds: Callable[[], Any]) -> bool:
    """Whether something becomes true: a list of ended sessions is read again, say."""
    deadline = time.monotonic() + 10
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
