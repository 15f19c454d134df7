"""A database for each tenant, chosen by a context variable, served by one process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures import PASSWORD, Tokens, payload
from tests.sizes import few
from tests.tenants.served import FRESHNESS, Project, Site, eventually, reason

pytestmark = [pytest.mark.any_database, pytest.mark.starts]
EACH_FRESHNESS = pytest.mark.parametrize("freshness", FRESHNESS)
HOMES = {"public": "root", "a": "alice", "b": "bob"}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("databases")
    made = Project("tests.tenants.databases", "", {"TENANTS_FOLDER": str(folder)})
    made.run(program="tests.tenants.people")
    return made


@pytest.fixture(scope="session", params=few(["wsgi", "asgi"], "asgi".__eq__))
def address(
    project: Project, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    log = tmp_path_factory.mktemp("databases") / "log"
    with project.served(log, asgi=request.param == "asgi") as address:
        yield address


@pytest.fixture
def sites(address: str) -> Iterator[dict[str, Site]]:
    made = {name: Site(address, f"{name}.example") for name in HOMES}
    yield made
    for site in made.values():
        site.http.close()


@EACH_FRESHNESS
def test_databases_token_counts_at_its_tenant_alone(sites: dict[str, Site], freshness: str) -> None:
    tokens = {name: sites[name].sign_in(user) for name, user in HOMES.items()}
    assert {payload(one.access)["sub"] for one in tokens.values()} == {"1"}
    for _ in range(2):
        for home, own in tokens.items():
            for name, site in sites.items():
                answer = site.whoami(own, freshness)
                if name == home:
                    assert answer.json() == {"id": 1, "username": HOMES[home]}
                else:
                    assert reason(answer) == "wrong_issuer"


@EACH_FRESHNESS
def test_databases_logout_counts_at_its_tenant_alone(
    sites: dict[str, Site], freshness: str
) -> None:
    at_a, at_b = sites["a"].sign_in("alice"), sites["b"].sign_in("bob")
    assert sites["a"].knows(at_a, freshness)
    assert sites["b"].knows(at_b, freshness)
    assert sites["b"].post("api/logout/", {"refresh": at_a.refresh}).status_code == 400
    assert sites["a"].post("api/logout/", {"refresh": at_a.refresh}).status_code == 200
    if freshness != "expiry":
        assert eventually(lambda: not sites["a"].knows(at_a, freshness))
    assert sites["b"].knows(at_b, freshness)
    assert sites["b"].post("api/logout/all/", {}, at_b).status_code == 200
    if freshness != "expiry":
        assert eventually(lambda: not sites["b"].knows(at_b, freshness))


@pytest.mark.parametrize("copied", ["", "&copy=1"])
@EACH_FRESHNESS
def test_databases_user_is_that_of_the_tenant_of_the_token(
    sites: dict[str, Site], freshness: str, copied: str
) -> None:
    """Also while another database is chosen, where the key of alice is root's."""
    at_a = sites["a"].sign_in("alice")
    said = sites["a"].get(f"elsewhere/?freshness={freshness}{copied}", at_a).json()
    assert said == {"username": "alice"}


def test_databases_refresh_and_reuse_are_of_their_tenant_alone(sites: dict[str, Site]) -> None:
    a, b = sites["a"], sites["b"]
    at_a, at_b = a.sign_in("alice"), b.sign_in("bob")
    used = at_a.refresh
    for _ in range(2):
        assert reason(b.refresh(at_a.refresh)) == "wrong_issuer"
        at_a = Tokens(**a.refresh(at_a.refresh).json())
    assert reason(b.refresh(used)) == "wrong_issuer"
    assert a.knows(at_a)
    assert reason(a.refresh(used)) == "reused"
    assert not a.knows(at_a)
    assert b.knows(at_b)


def test_databases_list_of_devices_is_of_its_tenant_alone(sites: dict[str, Site]) -> None:
    at_a, at_b = sites["a"].sign_in("alice"), sites["b"].sign_in("bob")
    listed = {one["id"] for one in sites["a"].get("api/sessions/", at_a).json()}
    assert payload(at_a.access)["sid"] in listed
    assert payload(at_b.access)["sid"] not in listed
    body = {"refresh": at_a.refresh, "password": PASSWORD}
    assert sites["a"].post("api/step-up/", body, at_a).status_code == 200


def test_databases_new_password_ends_sessions_of_its_tenant_alone(sites: dict[str, Site]) -> None:
    here, elsewhere = (sites["a"].sign_in("alice") for _ in range(2))
    at_b = sites["b"].sign_in("bob")
    answer = sites["a"].post("account/", {"password": PASSWORD + "2"}, here)
    assert answer.status_code == 200, answer.text
    assert sites["a"].knows(here)
    assert reason(sites["a"].whoami(elsewhere)) == "password_changed"
    assert sites["b"].knows(at_b)
    assert sites["a"].post("account/", {"password": PASSWORD}, here).status_code == 200


def test_databases_unknown_host_is_no_tenant(address: str) -> None:
    site = Site(address, "c.example")
    answer = site.post("api/token/", {"username": "alice", "password": PASSWORD})
    site.http.close()
    assert answer.status_code == 404


@pytest.mark.full
def test_databases_commands_work_on_the_database_that_they_are_given(project: Project) -> None:
    program = """
import io, sys
from django.contrib.auth.models import User
from django.core.management import call_command
from drf_ratchet.sessions import active_sessions, open_session
from tests.tenants.common import of_page
from tests.tenants.databases import use_tenant
for alias in ("a", "b"):
    with use_tenant(alias):
        open_session(User.objects.get(pk=1))
with use_tenant("a"):
    call_command("ratchet", "end", "--user=alice")
    print("left at a:", active_sessions(User.objects.get(pk=1)).count())
with use_tenant("b"):
    print("left at b:", active_sessions(User.objects.get(pk=1)).count() > 0)
Command = of_page("orders.management.commands.prune_all")["Command"]
Command().handle()
"""
    said = project.run("shell", "--verbosity=0", f"--command={program}")
    assert "left at a: 0\nleft at b: True\n" in said
    assert said.count(" deleted.") == 3


@pytest.mark.full
def test_databases_added_while_the_process_runs_are_no_other(
    project: Project, tmp_path: Path
) -> None:
    """Also with ``ATOMIC_REQUESTS``, which Django reads when the request comes."""
    program = f"""
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import Client
from tests.tenants import databases
client = Client(HTTP_HOST="a.example")
body = {{"username": "alice", "password": "{PASSWORD}"}}
assert client.post("/api/token/", body).status_code == 200  # the views are there
made = {{**connections.settings["a"], "NAME": "{tmp_path}/c.sqlite3"}}
connections.settings["c"] = made
databases.tenants.HOSTS["c.example"] = "c"
call_command("migrate", database="c", verbosity=0)
with databases.use_tenant("c"):
    User.objects.create_user("carol", password="{PASSWORD}")
client = Client(HTTP_HOST="c.example")
tokens = client.post("/api/token/", {{**body, "username": "carol"}}).json()
answer = client.post("/api/token/refresh/", {{"refresh": tokens["refresh"]}})
print(answer.status_code, Client(HTTP_HOST="a.example").post(
    "/api/token/refresh/", {{"refresh": answer.json()["refresh"]}}).json()["reason"])
"""
    assert "200 wrong_issuer" in project.run("shell", "--verbosity=0", f"--command={program}")


@pytest.mark.full
def test_databases_checks_are_content(project: Project) -> None:
    assert "ratchet." not in project.run("check")
