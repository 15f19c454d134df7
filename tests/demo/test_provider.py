"""`demo/provider/serve.py`: what it prints and what it keeps. tests/allauth signs in by it."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from provider import APP_CLIENT, PASSWORD, USERS, WEB_CLIENT, callback_of
from tests import console
from tests.demo.test_serve import free_port

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

SERVE = console.ROOT / "demo" / "provider" / "serve.py"
BLOG = "http://127.0.0.1:8000"


def environment(folder: Path, **variables: str) -> dict[str, str]:
    left_out = ("DJANGO_SETTINGS_MODULE", "CLIENT_SECRET", "BLOG")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "DATA_DIR": str(folder), "PORT": str(free_port()), **variables}


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[tuple[str, str]]:
    """Serve the provider, and yield its address and what it printed."""
    given = environment(folder, **variables)
    with subprocess.Popen(
        [sys.executable, SERVE],
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            while "Ctrl-C" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            yield f"http://127.0.0.1:{given['PORT']}", said
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def read(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "provider.sqlite3")) as connection:
        return connection.execute(sql).fetchall()


def redirects(clients: list[tuple[Any, ...]]) -> list[str]:
    return " ".join(uris for *_, uris in clients).split()


@pytest.mark.full
def test_second_start(tmp_path: Path) -> None:
    """It prints where it is and its users, and keeps the users, the clients and the secret."""
    users = "SELECT username, email, password FROM auth_user ORDER BY id"
    columns = "client_id, client_type, client_secret, redirect_uris"
    clients = f"SELECT {columns} FROM oauth2_provider_application"
    with serving(tmp_path) as (address, said):
        assert f"{address}/" in said
        assert PASSWORD in said
    first = read(tmp_path, users), read(tmp_path, clients)
    assert [row[:2] for row in first[0]] == [(one.username, one.email) for one in USERS]
    for one in USERS:
        assert f"{one.username}: {one.email} ({'' if one.verified else 'NOT '}verified)" in said
    secret = tmp_path / "provider-client-secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    kinds = {name: (kind, kept) for name, kind, kept, _ in first[1]}
    assert kinds == {
        WEB_CLIENT: ("confidential", secret.read_text().strip()),
        APP_CLIENT: ("public", ""),
    }
    assert callback_of(BLOG) in redirects(first[1])
    assert secret.read_text().strip() not in said

    with serving(tmp_path, BLOG="http://127.0.0.1:8001/"):
        pass
    assert read(tmp_path, users) == first[0]
    second = read(tmp_path, clients)
    assert len(second) == 2
    assert callback_of("http://127.0.0.1:8001") in redirects(second)
    assert callback_of(BLOG) not in redirects(second)


def test_port_that_is_no_number(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SERVE],
        env=environment(tmp_path, PORT="http"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("PORT must be a whole number")
    assert not list(tmp_path.iterdir())
