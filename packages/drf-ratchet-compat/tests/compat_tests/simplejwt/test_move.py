"""In and out under load: clients know nothing of it, and none of them ever sends a password again.

Half of them are signed in on a project that rotates refresh tokens and half on one that does not.
First some processes have the line and others do not, then all have it, then they drain, and at last
simplejwt is alone again. In a small run there are a hundred clients and not a thousand.
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
from compat_tests.simplejwt.project_copy import Project, copy_project
from tests.races.databases import new_database
from tests.races.server import free_port, wait_until_served
from tests.sizes import few, sized

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("upgrade"),
    pytest.mark.starts,
]

CLIENTS = sized(1000, 100)
REVOKED = CLIENTS // 10
ROUNDS = sized(20, 5)
TABS = 16
ROTATES = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
#: A thousand sign-ins over HTTP take longer than all the rest.
SIGN_IN = """
import json
import django; django.setup()
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from rest_framework_simplejwt.tokens import RefreshToken
password = make_password({password!r})
first = User.objects.count()
User.objects.bulk_create(
    User(username=f"user{{first + n}}", password=password) for n in range({count})
)
tokens = [RefreshToken.for_user(user) for user in User.objects.order_by("pk")[first:]]
print(json.dumps([[str(token), str(token.access_token)] for token in tokens]))
"""


class Side:
    """One project with its servers, and its share of the clients."""

    def __init__(self, folder: Path, database: str, settings: dict[str, Any]) -> None:
        self.folder, self.settings, self.database = folder, settings, database
        self.ports = [free_port(), free_port()]
        self.clients: list[Client] = []
        self.revoked: list[Client] = []

    def project(self, phase: str = "", **environment: str) -> Project:
        """The project in a phase, on the same database."""
        return copy_project(
            self.folder,
            phase=phase,
            settings=self.settings,
            DATABASE_URL=self.database,
            **environment,
        )

    def sign_in(self, count: int, phase: str = "") -> list[Client]:
        """Clients of new users."""
        script = SIGN_IN.format(password=PASSWORD, count=count)
        made = json.loads(self.project(phase).run("-c", script))
        first = len(self.clients) + len(self.revoked)
        return [
            Client(f"user{first + number}", self.ports, refresh=refresh, access=access)
            for number, (refresh, access) in enumerate(made)
        ]

    @contextmanager
    def served(self, *phases: str, workers: int = 2) -> Iterator[None]:
        """Serve the project once for each phase, and let the servers finish what they were asked.

        All ports are served: the first phase has those that are left over.
        """
        with ExitStack() as stack:
            for port, phase in zip(self.ports, (*phases, *phases[:1]), strict=False):
                stack.enter_context(self._server(self.project(phase), port, workers))
            yield

    @contextmanager
    def _server(self, project: Project, port: int, workers: int) -> Iterator[None]:
        log = self.folder / f"server-{port}.log"
        options = [f"--workers={workers}", "--worker-class=gthread", "--threads=4", "--preload"]
        command = [sys.executable, "-m", "gunicorn", "wsgi", f"--bind=127.0.0.1:{port}"]
        with log.open("a") as output:
            server = subprocess.Popen(
                [*command, *options],
                cwd=self.folder,
                env=project.variables,
                stdout=output,
                stderr=output,
            )
            try:
                wait_until_served(server, f"http://127.0.0.1:{port}", log)
                yield
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(40)


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[list[Side]]:
    """A project that rotates and blacklists, and one that does neither."""
    if connection.vendor != "postgresql":
        pytest.skip("on PostgreSQL: simplejwt's writes do not wait for each other on SQLite")
    with ExitStack() as stack:
        made = []
        for name, settings in (("rotating", ROTATES), ("not", {})):
            folder = tmp_path / name
            folder.mkdir()
            made.append(Side(folder, stack.enter_context(new_database(folder)), settings))
        yield made


@pytest.mark.full
def test_nobody_signs_in_again_and_nothing_revoked_comes_back(
    sides: list[Side], show: Callable[[str], None]
) -> None:
    for side in sides:
        side.clients = side.sign_in(CLIENTS // 2)
        side.revoked = side.sign_in(REVOKED // 2)
    with ThreadPoolExecutor(2) as threads:
        answers = sum(threads.map(in_and_out, sides), Counter[str]())
    clients = [client for side in sides for client in side.clients]
    refused = Counter(str(what) for client in clients for what in client.refused)
    went_on = sum(not client.refused for client in clients)
    show(
        f"in and out of simplejwt, {CLIENTS} clients: {went_on} of {CLIENTS} went on; of {REVOKED} "
        f"tokens revoked before: {dict(answers)}"
    )
    assert not refused
    assert went_on == CLIENTS
    assert set(answers) == {"401"}


def in_and_out(side: Side) -> Counter[str]:
    """simplejwt, both, the line everywhere, draining, simplejwt; requests keep coming."""
    fifth = len(side.clients) // 5
    busy, two_tabs = side.clients[:fifth], side.clients[fifth : 2 * fifth]
    answers: Counter[str] = Counter()

    def look() -> None:
        for client in side.revoked:
            status, _body = client.send("/token/refresh/", {"refresh": client.refresh})
            answers[str(status)] += 1

    with side.served(""):
        busy[0].sign_in()
        for client in side.revoked:
            asked = {"refresh": client.refresh}
            assert client.send("/logout/", asked, bearer=client.access)[0] == 200
        every(busy[: fifth // 2], Client.renew, threads=8)
        look()
        stopped = under_load(busy, Client.call, Client.renew)
    with side.served("", "mark"):
        stopped.result()
        every(side.clients[: 3 * fifth], Client.renew, Client.call, Client.renew, threads=8)
        look()
        stopped = under_load(busy, Client.call, Client.renew)
    with side.served("mark", "enforce"):
        stopped.result()
        look()
        stopped = under_load(busy, Client.call, Client.renew)
    for client in two_tabs:
        # With the line, tabs that refresh at the same time are all let in.
        client.tabs = 2
    with side.served("enforce"):
        stopped.result()
        every(side.clients, Client.renew, threads=8)
        every(busy, Client.call, Client.renew, threads=8)
        look()
        stopped = under_load(busy, Client.call, Client.renew)
    with side.served("drain"):
        stopped.result()
        every(side.clients, Client.renew, Client.call, threads=8)
        look()
        for client in two_tabs:
            client.tabs = 1
        used = [client.refresh for client in busy] if side.settings else []
        every(busy, Client.renew, threads=8)
        stopped = under_load(busy, Client.call, Client.renew)
    with side.served(""):
        stopped.result()
        every(side.clients, Client.renew, threads=8)
        every(busy + two_tabs, Client.renew, Client.call, threads=8)
        look()
        for token in used:
            answers[str(busy[0].send("/token/refresh/", {"refresh": token})[0])] += 1
    return answers


def under_load(clients: list[Client], *steps: Callable[[Client], None]) -> Any:
    """Let clients go on in the background; the server stops in the middle of it."""
    pool = ThreadPoolExecutor(1)
    going = pool.submit(every, clients, *steps, threads=8)
    pool.shutdown(wait=False)
    return going


@pytest.mark.parametrize(
    "tokens", few(["of before the line", "of the line"], lambda tokens: "before" in tokens)
)
@pytest.mark.full
def test_refreshes_at_once_have_one_successor(
    tokens: str, sides: list[Side], show: Callable[[str], None]
) -> None:
    side = sides[0]
    side.clients = side.sign_in(ROUNDS, "enforce" if tokens == "of the line" else "")
    answered, alone = 0, 0
    with side.served("enforce"), ThreadPoolExecutor(TABS) as threads:
        for client in side.clients:
            asked = {"refresh": client.refresh}
            answers = list(
                threads.map(lambda tab: client.send("/token/refresh/", asked), range(TABS))  # noqa: B023
            )
            answered += sum(status == 200 for status, _body in answers)
            alone += len({body.get("refresh") for _status, body in answers}) == 1
    show(
        f"{TABS} refreshes at once with a token {tokens}: {answered} of {ROUNDS * TABS} answered, "
        f"one successor in {alone} of {ROUNDS} rounds"
    )
    assert (answered, alone) == (ROUNDS * TABS, ROUNDS)
