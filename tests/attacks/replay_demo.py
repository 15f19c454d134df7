"""The demo as people run it, and clients that attack it, for `tests.attacks.replay`."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg

from blog.demo_users import PASSWORD
from tests.attacks.test_large_bodies import JSON, usage
from tests.races.databases import DEMO, ROOT
from tests.races.server import free_port

MANAGE = [sys.executable, "manage.py"]
#: What would change how the demo runs.
OF_THE_DEMO = ("ATOMIC_REQUESTS", "DEBUG", "SECRET_KEY_FALLBACKS", "THROTTLES", "WORKERS")
#: The last number of the next client's address. Linux answers on all of 127.0.0.0/8.
NETWORKS = count(2)


@dataclass
class Demo:
    """A demo that is being served.

    Args:
        address: where.
        pid: of the server, whose children are the workers.
        log: the file of what it says.
        uploads: its directory for temporary files.
        environment: of its processes.
    """

    address: str
    pid: int
    log: Path
    uploads: Path
    environment: dict[str, str]

    def client(self) -> "Client":
        """Return a client in a network of its own."""
        return Client(self.address, f"127.0.0.{next(NETWORKS)}")

    @cached_property
    def limited(self) -> "Client":
        """A client whose network has used up its failures."""
        client = self.client()
        statuses = [client.status("/api/token/", {"username": f"user{n}"}) for n in range(101)]
        assert statuses == [400] * 100 + [429], statuses
        return client

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def cost_of(self, send: Callable[[], Any]) -> tuple[Any, float, float]:
        """Send a request.

        Returns:
            What it returns, the seconds of CPU of all workers, and by how many MB the memory of
            one has grown at its peak.
        """
        pids = self.workers()
        for pid in pids:
            # The peak is that of now (Linux: proc_pid_clear_refs).
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        before = [usage(pid) for pid in pids]
        answer = send()
        after = [usage(pid) for pid in pids]
        pairs = list(zip(before, after, strict=True))
        return answer, sum(b[0] - a[0] for a, b in pairs), max(b[1] - a[1] for a, b in pairs)

    def shell(self, code: str) -> str:
        """Run Python in `manage.py shell`, as an administrator would."""
        return run([*MANAGE, "shell", "--verbosity=0", "-c", code], self.environment).said

    def add_users(self, *names: str) -> None:
        """Make users with the demo's password and an address."""
        self.shell(
            "from django.contrib.auth.models import User\n"
            "like = User.objects.get(username='alice').password\n"
            f"for name in {names!r}:\n"
            "    User.objects.create(username=name, email=f'{name}@example.com', password=like)\n"
        )


@dataclass
class Client:
    """A client in a network of its own.

    Args:
        address: the server's.
        network: its own address.
    """

    address: str
    network: str
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, path: str, body: Any = None, *, method: str = "POST", **options: Any) -> Any:
        """Send one request on a connection of its own.

        Args:
            path: below the address.
            body: JSON, a text, or bytes.
            method: HTTP's.
            options: `kind`, the content type; `bearer`, an access token; `service`, name and
                secret; other headers as `headers`.
        """
        headers = {"Sec-Fetch-Site": "same-origin", **options.get("headers", {})}
        if "bearer" in options:
            headers["Authorization"] = f"Bearer {options['bearer']}"
        if "service" in options:
            pair = ":".join(options["service"]).encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        if isinstance(body, dict):
            body = json.dumps(body, ensure_ascii=False).encode()
        if body is not None:
            headers["Content-Type"] = options.get("kind", JSON)
        # Without `verify` httpx would load the certificates each time.
        transport = httpx.HTTPTransport(local_address=self.network, verify=False)
        with httpx.Client(
            base_url=self.address, transport=transport, timeout=60, cookies=self.cookies
        ) as http:
            answer = http.request(method, path, content=body, headers=headers)
            self.cookies |= dict(answer.cookies)
        return answer

    def status(self, *args: Any, **options: Any) -> int:
        return int(self.send(*args, **options).status_code)

    def csrf_header(self) -> dict[str, str]:
        """Open the form of the browsable API, and return the header that goes with its cookie."""
        self.send("/api-auth/login/", method="GET")
        return {"X-CSRFToken": self.cookies["csrftoken"]}

    def sign_in(self, username: str) -> dict[str, str]:
        answer = self.send("/api/token/", {"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    def guess(self, username: str, number: int, **options: Any) -> int:
        body = {"username": username, "password": f"guess {number}"}
        return self.status("/api/token/", body, **options)

    def fail(self, failures: int, **fields: str) -> list[int]:
        """Send sign-ins without a password: each counts as a failure and is not hashed."""
        return [self.status("/api/token/", fields) for _ in range(failures)]


@dataclass(frozen=True)
class Run:
    """A command that has ended: its exit status, and all that it has said."""

    status: int
    said: str


def run(command: list[str], environment: dict[str, str], **more: str) -> Run:
    done = subprocess.run(
        command,
        cwd=DEMO,
        env={**environment, **more},
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=120,
        umask=0o022,
    )
    return Run(done.returncode, done.stdout)


@contextmanager
def started(command: list[str], environment: dict[str, str], log: Path) -> Iterator[int]:
    """Run a server in the background, and yield its process id."""
    with log.open("a") as output:
        process = subprocess.Popen(
            command,
            cwd=DEMO,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer:\n{log.read_text()}")


def demo_environment(database: str, settings: str, **environment: str) -> dict[str, str]:
    """Return the environment of a process of the demo.

    Args:
        database: the URL.
        settings: the settings module.
        environment: more variables.
    """
    return {
        **{name: value for name, value in os.environ.items() if name not in OF_THE_DEMO},
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        "SECRET_KEY": secrets.token_urlsafe(50),
        **environment,
    }


@contextmanager
def demo(folder: Path, environment: dict[str, str]) -> Iterator[Demo]:
    """Serve the demo.

    Args:
        folder: for its files.
        environment: of its processes.
    """
    port = free_port()
    uploads = Path(tempfile.mkdtemp(dir=folder))
    given = {**environment, "PORT": str(port), "TMPDIR": str(uploads)}
    log = uploads.with_suffix(".log")
    with started([sys.executable, "serve.py"], given, log) as pid:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api/posts/", log)
        yield Demo(address, pid, log, uploads, given)


@contextmanager
def service_beside(blog: Demo, folder: Path) -> Iterator[str]:
    """Serve the demo's service, which verifies the blog's tokens, and yield its address."""
    port, log = free_port(), folder / "service.log"
    options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    command = [sys.executable, "-m", "uvicorn", "service.app:app", *options]
    with started(command, {**blog.environment, "BLOG": blog.address}, log):
        wait_for(f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}"


def database(server: str, name: str) -> str:
    """Create a database, and return its URL."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlsplit(server)._replace(path=f"/{name}").geturl()
