"""`make demo-service`: a real blog, a real service, and how soon a logout counts there."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from blog.demo_users import PASSWORD
from tests.demo.test_serve import free_port

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

PROGRAM = Path(__file__).resolve().parents[2] / "demo" / "serve_both.py"


class Demo:
    """Both, as they run."""

    def __init__(self, process: subprocess.Popen[str], blog: str, service: str) -> None:
        self.process = process
        self.blog = blog
        self.service = service

    def sign_in(self, username: str = "alice") -> str:
        given = {"username": username, "password": PASSWORD}
        status, _, body = ask(f"{self.blog}/api/token/", data=given)
        assert status == 200, body
        return str(body["access"])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with serving(tmp_path_factory.mktemp("demo")) as running:
        yield running


@contextmanager
def serving(folder: Path) -> Iterator[Demo]:
    ports = free_port(), free_port()
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment = {
        **kept,
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "SECRET_KEY": "a key for the test of the demo, and for nothing else",
        "SERVICE_SECRET": "a secret for the test of the service, and for nothing else",
        "KEYS": str(folder / "keys"),
        "PORT": str(ports[0]),
        "SERVICE_PORT": str(ports[1]),
    }
    with subprocess.Popen(
        [sys.executable, PROGRAM],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            while "Ctrl-C stops both" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            assert said.count("curl") == 4
            assert environment["SERVICE_SECRET"] not in said
            yield Demo(process, *(f"http://127.0.0.1:{port}" for port in ports))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def ask(
    url: str, token: str = "", data: dict[str, str] | None = None, method: str | None = None
) -> tuple[int, Any, Any]:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.load(error)


def test_the_service_takes_the_blogs_tokens(demo: Demo) -> None:
    alice, admin = demo.sign_in(), demo.sign_in("admin")

    assert ask(f"{demo.service}/orders", alice)[2] == {"orders": ["A ratchet", "A pawl"]}
    who = ask(f"{demo.service}/whoami", admin)[2]
    assert (who["username"], who["role"]) == ("admin", "admin")
    assert ask(f"{demo.service}/health")[0] == 200


def test_missing_and_forged_tokens_get_401(demo: Demo) -> None:
    status, headers, body = ask(f"{demo.service}/orders")
    assert (status, body["code"]) == (401, "not_authenticated")
    assert headers["WWW-Authenticate"] == 'Bearer realm="api"'

    head, payload, signature = demo.sign_in().split(".")
    status, headers, body = ask(f"{demo.service}/orders", f"{head}.{payload}.{signature[::-1]}")
    assert (status, body["reason"]) == (401, "bad_signature")
    assert headers["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'


def test_a_logout_counts_at_the_service(demo: Demo, show: Callable[[str], None]) -> None:
    """Within the service's interval and the blog's, a second each, and what a request takes."""
    took = []
    for _ in range(5):
        token = demo.sign_in()
        assert ask(f"{demo.service}/orders", token)[0] == 200
        assert ask(f"{demo.blog}/api/logout/", token, {})[0] == 200
        ended = time.monotonic()
        while (answer := ask(f"{demo.service}/orders", token))[0] == 200:
            assert time.monotonic() - ended < 10
            time.sleep(0.02)
        took.append(time.monotonic() - ended)
        assert (answer[0], answer[2]["reason"]) == (401, "session_ended")

    show(
        f"logout at the blog, refused at the FastAPI service: {min(took):.2f} to {max(took):.2f} s"
        f" ({len(took)} times; two intervals of 1 s)"
    )
    assert max(took) < 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_running(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as demo:
        demo.process.send_signal(number)
        assert demo.process.wait(30) == 0
        for url in (f"{demo.blog}/api/posts/", f"{demo.service}/health"):
            with pytest.raises(urllib.error.URLError, match="refused"):
                ask(url)


def test_the_key_stays(tmp_path: Path) -> None:
    with serving(tmp_path) as demo:
        token = demo.sign_in()
        keys = [(file.name, file.read_text()) for file in (tmp_path / "keys").glob("*.json")]
    with serving(tmp_path) as again:
        assert ask(f"{again.service}/health")[0] == 200
    assert keys == [(file.name, file.read_text()) for file in (tmp_path / "keys").glob("*.json")]
    assert len(keys) == 1
    assert token
