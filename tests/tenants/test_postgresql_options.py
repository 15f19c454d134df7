"""PostgreSQL as projects reach it: bound by the server, prepared, pooled, through PgBouncer."""

import importlib.util
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.fixtures import PASSWORD, Tokens, payload
from tests.sizes import few
from tests.tenants import pgbouncer
from tests.tenants.served import FRESHNESS, Project, Site, database, eventually, reason

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

WAYS: dict[str, dict[str, Any]] = {
    "prepared": {"OPTIONS": {"prepare_threshold": 0}, "CONN_MAX_AGE": 60},
    # A new thread, and a new connection of Django's, for each request.
    "server-side binding, pool, asgi": {
        "OPTIONS": {"server_side_binding": True, "pool": {"min_size": 1, "max_size": 3}},
    },
    "server-side binding, pgbouncer": {
        "HOST": "127.0.0.1",
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "CONN_MAX_AGE": 60,
        "OPTIONS": {"server_side_binding": True},
    },
}


@pytest.fixture(scope="session", params=few(WAYS, "prepared".__eq__))
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if "pool" in name and importlib.util.find_spec("psycopg_pool") is None:
        pytest.skip("psycopg-pool is not installed: see requirements/dev.in")
    if "pgbouncer" in name and pgbouncer.PROGRAM is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    return name


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    """The name of a database with tables and users, to make others of."""
    with database(postgres) as url:
        Project("tests.tenants.options", url, {}).run(program="tests.tenants.people")
        yield url.rpartition("/")[2]


@pytest.fixture(scope="session")
def project(way: str, postgres: str, template: str) -> Iterator[Project]:
    with database(postgres, f" TEMPLATE {template}") as url:
        made, options = Project("tests.tenants.options", url, {}), WAYS[way]
        if "pgbouncer" not in way:
            yield made.with_database(options)
            return
        with pgbouncer.pgbouncer(url) as port:
            yield made.with_database({**options, "PORT": port})


@pytest.fixture(scope="session")
def address(way: str, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("options") / "log"
    with project.served(log, asgi="asgi" in way) as address:
        yield address


@pytest.fixture
def site(address: str) -> Iterator[Site]:
    made = Site(address, "shop.example")
    yield made
    made.http.close()


def test_options_each_endpoint_works(site: Site) -> None:
    here, other = site.sign_in("alice"), site.sign_in("alice")
    for freshness in FRESHNESS:
        assert site.whoami(here, freshness).json() == {"id": 1, "username": "alice"}
    key = {"Idempotency-Key": uuid4().hex}
    first, again = (
        site.http.post("api/token/refresh/", json={"refresh": here.refresh}, headers=key)
        for _ in range(2)
    )
    assert first.status_code == 200, first.text
    assert first.json()["refresh"] == again.json()["refresh"]
    here = Tokens(**first.json())
    for token in (here.access, here.refresh):
        assert site.post("api/token/verify/", {"token": token}).status_code == 200
    body = {"refresh": here.refresh, "password": PASSWORD}
    here = Tokens(**site.post("api/step-up/", body, here).json())
    listed = {one["id"] for one in site.get("api/sessions/", here).json()}
    assert {payload(one.access)["sid"] for one in (here, other)} <= listed
    gone = f"api/sessions/{payload(other.access)['sid']}/"
    answer = site.http.delete(gone, headers={"Authorization": f"Bearer {here.access}"})
    assert answer.status_code == 204
    assert eventually(lambda: not site.knows(other, "bounded"))
    used = here.refresh
    for _ in range(2):
        here = Tokens(**site.refresh(here.refresh).json())
    assert reason(site.refresh(used)) == "reused"
    here, other = site.sign_in("alice"), site.sign_in("alice")
    assert site.post("account/", {"password": PASSWORD}, here).status_code == 200
    assert site.knows(here)
    assert reason(site.whoami(other)) == "password_changed"
    assert site.post("api/logout/", {"refresh": here.refresh}).status_code == 200
    here = site.sign_in("alice")
    assert site.post("api/logout/all/", {}, here).status_code == 200
    assert reason(site.whoami(here)) == "session_ended"


def test_options_more_devices_than_allowed_end_the_oldest(site: Site) -> None:
    tokens = [site.sign_in("bob") for _ in range(7)]
    assert [site.knows(one) for one in tokens] == [False] * 2 + [True] * 5


def test_options_one_token_refreshed_by_many_at_once(site: Site) -> None:
    tokens = site.sign_in("alice")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: site.refresh(tokens.refresh), range(16)))
    assert {answer.status_code for answer in answers} == {200}, [one.text for one in answers]
    assert len({answer.json()["refresh"] for answer in answers}) == 1


def test_options_user_who_is_deleted(site: Site) -> None:
    tokens = site.sign_in("carol")
    headers = {"Authorization": f"Bearer {tokens.access}"}
    assert site.http.delete("account/", headers=headers).status_code == 200
    assert not site.knows(tokens)
    assert eventually(lambda: not site.knows(tokens, "bounded"))


@pytest.mark.full
def test_options_admin_pages(site: Site) -> None:
    tokens = site.sign_in("alice")
    session = payload(tokens.access)["sid"]
    token = csrf(site.http.get("admin/login/").text)
    form = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert site.http.post("admin/login/?next=/admin/", data=form).status_code == 302
    listed = site.http.get("admin/drf_ratchet/session/?q=alice")
    assert listed.status_code == 200
    assert session in listed.text
    form = {"action": "end_selected", "_selected_action": session}
    form["csrfmiddlewaretoken"] = csrf(listed.text)
    assert site.http.post("admin/drf_ratchet/session/", data=form).status_code == 302
    assert not site.knows(tokens)


@pytest.mark.full
def test_options_commands(site: Site, project: Project) -> None:
    tokens = site.sign_in("alice")
    assert site.knows(tokens, "bounded")
    program = """
from django.core.management import call_command
call_command("ratchet", "doctor")
call_command("ratchet", "prune")
call_command("ratchet", "end", "--all")
"""
    said = project.run("shell", "--verbosity=0", f"--command={program}")
    assert "broken" not in said
    assert re.search(r"\d+ sessions? deleted", said)
    assert re.search(r"\d+ sessions? ended", said)
    assert reason(site.whoami(tokens)) == "session_ended"
    assert eventually(lambda: not site.knows(tokens, "bounded"))


def csrf(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    return found[1]
