"""A move under load: simplejwt's server stops, ours starts on the same port, and the way back.

A thousand clients are signed in, half of them on a server that rotates refresh tokens and half on
one that does not. Nobody tells them of the move, and none of them ever sends a password again.
In a small run they are a hundred.
"""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from compat_tests.simplejwt.clients import PASSWORD, Client, every
from compat_tests.simplejwt.project_copy import OURS, THEIRS, Project, copy_project
from tests.races.databases import new_database
from tests.races.server import free_port, wait_until_served
from tests.sizes import sized

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("upgrade"),
    pytest.mark.starts,
]

CLIENTS = sized(1000, 100)
ROTATES = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
BACK = {
    "TOKEN_REFRESH_SERIALIZER": "drf_ratchet_compat.back_to_simplejwt.TokenRefreshSerializer",
    "AUTH_TOKEN_CLASSES": [
        "rest_framework_simplejwt.tokens.AccessToken",
        "drf_ratchet_compat.back_to_simplejwt.AccessToken",
    ],
}
#: A thousand sign-ins over HTTP take longer than all the rest; simplejwt makes the tokens itself.
SIGN_IN = """
import json
import django; django.setup()
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from rest_framework_simplejwt.tokens import RefreshToken
password = make_password({password!r})
User.objects.bulk_create(User(username=f"user{{n}}", password=password) for n in range({count}))
tokens = [RefreshToken.for_user(user) for user in User.objects.order_by("pk")]
print(json.dumps([[str(token), str(token.access_token)] for token in tokens]))
"""


class Half:
    """One project with its server, and its share of the clients."""

    def __init__(self, folder: Path, database: str, settings: dict[str, Any], count: int) -> None:
        self.folder, self.settings, self.database = folder, settings, database
        self.port = free_port()
        made = self.project(THEIRS).run("-c", SIGN_IN.format(password=PASSWORD, count=count))
        self.clients = [
            Client(f"user{number}", self.port, refresh=refresh, access=access)
            for number, (refresh, access) in enumerate(json.loads(made))
        ]

    def project(self, package: str, **more: Any) -> Project:
        """The project with that package's name, in the same folder, on the same database."""
        apps = more.pop("apps", "[]")
        return copy_project(
            self.folder,
            package,
            settings={**self.settings, **more},
            DATABASE_URL=self.database,
            MORE_APPS=apps,
        )

    @contextmanager
    def served(self, project: Project) -> Iterator[None]:
        """Serve it on the clients' port, and let it finish what it was asked before it stops."""
        log = self.folder / "server.log"
        options = ["--workers=2", "--worker-class=gthread", "--threads=4", "--preload"]
        command = [sys.executable, "-m", "gunicorn", "wsgi", f"--bind=127.0.0.1:{self.port}"]
        with log.open("a") as output:
            server = subprocess.Popen(
                [*command, *options],
                cwd=self.folder,
                env=project.variables,
                stdout=output,
                stderr=output,
            )
            try:
                wait_until_served(server, f"http://127.0.0.1:{self.port}", log)
                yield
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(40)


def test_nobody_signs_in_again(tmp_path: Path, show: Callable[[str], None]) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on PostgreSQL: simplejwt's writes do not wait for each other on SQLite")
    with ExitStack() as stack:
        halves = []
        for name, settings in (("rotating", ROTATES), ("not", {})):
            folder = tmp_path / name
            folder.mkdir()
            database = stack.enter_context(new_database(folder))
            halves.append(Half(folder, database, settings, CLIENTS // 2))
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(move_and_back, halves))
        clients = [client for half in halves for client in half.clients]
        refused = Counter(str(what) for client in clients for what in client.refused)
        went_on = sum(not client.refused for client in clients)
        show(f"a move from simplejwt and back, {CLIENTS} clients: {went_on} of {CLIENTS} went on")
        assert not refused
        assert went_on == CLIENTS


def move_and_back(half: Half) -> None:
    """simplejwt, then us, then simplejwt again; requests keep coming all the while."""
    fifth = len(half.clients) // 5
    busy, two_tabs = half.clients[:fifth], half.clients[fifth : 2 * fifth]
    with half.served(half.project(THEIRS)):
        busy[0].sign_in()
        every(busy[: fifth // 2], Client.renew, threads=8)
        stopped = under_load(busy, Client.call, Client.renew)
    ours = half.project(OURS)
    for client in two_tabs:
        # With us, tabs that refresh at the same time are all let in.
        client.tabs = 2
    with half.served(ours):
        stopped.result()
        every(half.clients, Client.renew, threads=8)
        every(busy, Client.call, Client.renew, threads=8)
        for client in two_tabs:
            client.tabs = 1
        stopped = under_load(busy, Client.call, Client.renew)
    with half.served(half.project(THEIRS, apps=f'["{OURS}"]', **BACK)):
        stopped.result()
        every(half.clients, Client.renew, threads=8)
        every(busy + two_tabs, Client.renew, Client.call, threads=8)


def under_load(clients: list[Client], *steps: Callable[[Client], None]) -> Any:
    """Let clients go on in the background; the server stops in the middle of it."""
    pool = ThreadPoolExecutor(1)
    going = pool.submit(every, clients, *steps, threads=8)
    pool.shutdown(wait=False)
    return going
