"""`make demo`: what `demo/serve.py` says and does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blog.demo_users import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

SERVE = Path(__file__).resolve().parents[2] / "demo" / "serve.py"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A database and a key of its own, so that a demo that runs here is left alone."""
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {
        **kept,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "SECRET_KEY": "a key for the test of the demo, and for nothing else",
        "PORT": str(free_port()),
        "WORKERS": "1",
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, SERVE],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As in a terminal: Ctrl-C goes to the whole group.
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8_000"),
        ("PORT", "٨٠٠٠"),
        ("PORT", "9" * 5000),
        ("WORKERS", "many"),
        ("WORKERS", "0"),
    ],
)
def test_a_bad_number_is_said_in_a_sentence(
    environment: dict[str, str], tmp_path: Path, name: str, value: str
) -> None:
    done = subprocess.run(
        [sys.executable, SERVE],
        env={**environment, name: value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"{name} must be a whole number from 1 to ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_said_in_a_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [sys.executable, SERVE],
            env={**environment, "PORT": port},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {port} of 127.0.0.1 is not free")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nosuch://somebody:hunter2@127.0.0.1/blog", "DATABASE_URL cannot be read."),
        ("postgresql://somebody:hunter2@[::1/blog", "DATABASE_URL cannot be read."),
        ("sqlite:////no/such/folder/db.sqlite3", "The database does not respond."),
    ],
)
def test_a_database_that_cannot_be_had_is_said_in_a_sentence(
    environment: dict[str, str], url: str, sentence: str
) -> None:
    done = subprocess.run(
        [sys.executable, SERVE],
        env={**environment, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr


@pytest.mark.full
def test_it_serves_until_ctrl_c_and_keeps_what_is_there(environment: dict[str, str]) -> None:
    for made in (True, False):
        with serving(environment) as process:
            said = wait_for_the_address(process, environment["PORT"])
            assert PASSWORD in said
            assert ("Made the users alice, bob, admin" in said) is made

            assert sign_in(process, environment["PORT"]) == {"access", "refresh"}

            os.killpg(process.pid, signal.SIGINT)
            assert end_of(process) == 0


@pytest.mark.full
def test_it_ends_with_its_terminal(environment: dict[str, str]) -> None:
    with serving(environment) as process:
        wait_for_the_address(process, environment["PORT"])
        sign_in(process, environment["PORT"])

        os.killpg(process.pid, signal.SIGHUP)
        assert end_of(process) == 0


def wait_for_the_address(process: subprocess.Popen[str], port: str) -> str:
    """What it said until it said where it listens."""
    assert process.stdout is not None
    said = ""
    while f"http://127.0.0.1:{port}/" not in said or "Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


def end_of(process: subprocess.Popen[str]) -> int:
    """Its exit status, once it has ended without a word."""
    assert process.stdout is not None
    status = process.wait(timeout=30)
    assert process.stdout.read() == ""
    return status


def sign_in(process: subprocess.Popen[str], port: str) -> set[str]:
    """The names of what a sign-in as alice gives."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/token/",
        json.dumps({"username": "alice", "password": PASSWORD}).encode(),
        {"Content-Type": "application/json"},
    )
    for _ in range(100):
        assert process.poll() is None, process.communicate()[0]
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return set(json.load(response))
        except (ConnectionError, urllib.error.URLError) as error:
            if isinstance(error, urllib.error.HTTPError):
                raise
            time.sleep(0.1)  # It has said where it listens and is about to.
    raise AssertionError("The demo does not answer.")
