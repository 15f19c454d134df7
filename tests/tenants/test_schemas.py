"""django-tenants, on PostgreSQL: a schema for each tenant, served by one process."""

import importlib.util
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.fixtures import PASSWORD, Tokens, payload
from tests.tenants.served import FRESHNESS, Project, Site, database, eventually, reason

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.skipif(
        importlib.util.find_spec("django_tenants") is None,
        reason="django-tenants is not installed: see requirements/dev.in",
    ),
    pytest.mark.starts,
    pytest.mark.full,
]
EACH_FRESHNESS = pytest.mark.parametrize("freshness", FRESHNESS)
SETTINGS = "tests.tenants.schemas"
#: Each tenant, and its user with the primary key 1.
HOMES = {"public": "root", "a": "alice", "b": "bob"}
WAYS: dict[str, dict[str, Any]] = {
    "prepared": {"OPTIONS": {"prepare_threshold": 0}, "CONN_MAX_AGE": 60},
    "server-side binding, pool, asgi": {
        "OPTIONS": {"server_side_binding": True, "pool": {"min_size": 1, "max_size": 2}},
    },
}


class Sites(NamedTuple):
    """The tenants, and the project that serves them."""

    public: Site
    a: Site
    b: Site
    project: Project


@pytest.fixture(scope="session")
def project(postgres: str) -> Iterator[Project]:
    with database(postgres) as url:
        made = Project(SETTINGS, url, {})
        made.run(program="tests.tenants.people")
        yield made


@pytest.fixture(scope="session")
def address(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with project.served(tmp_path_factory.mktemp("schemas") / "log") as address:
        yield address


@pytest.fixture
def sites(project: Project, address: str) -> Iterator[Sites]:
    made = [Site(address, f"{name}.test") for name in HOMES]
    yield Sites(*made, project)
    for site in made:
        site.http.close()


def assert_each_is_at_home(sites: Sites, *, freshness: str) -> None:
    """The story of the fault: three users with the key 1, and each token at each tenant."""
    tokens = {name: getattr(sites, name).sign_in(user) for name, user in HOMES.items()}
    assert {payload(one.access)["sub"] for one in tokens.values()} == {"1"}
    for _ in range(2):
        for home, own in tokens.items():
            assert payload(own.access)["iss"] == payload(own.refresh)["iss"] == home
            for name in HOMES:
                answer = getattr(sites, name).whoami(own, freshness)
                if name == home:
                    assert answer.json() == {"id": 1, "username": HOMES[home]}
                else:
                    assert reason(answer) == "wrong_issuer"


@EACH_FRESHNESS
def test_schemas_token_counts_at_its_tenant_alone(sites: Sites, freshness: str) -> None:
    assert_each_is_at_home(sites, freshness=freshness)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.full
def test_schemas_of_one_connection_are_kept_apart(
    project: Project, way: str, tmp_path: Path
) -> None:
    """Statements are kept for all schemas, and PostgreSQL may keep their plans.

    So few connections that each serves every schema in turn.
    """
    if "pool" in way and importlib.util.find_spec("psycopg_pool") is None:
        pytest.skip("psycopg-pool is not installed: see requirements/dev.in")
    chosen = project.with_database(WAYS[way])
    with chosen.served(tmp_path / "log", asgi="asgi" in way) as address:
        sites = {name: Site(address, f"{name}.test") for name in HOMES}
        tokens = {name: sites[name].sign_in(user) for name, user in HOMES.items()}
        places = [(home, name) for home in HOMES for name in HOMES] * 6

        def visit(place: tuple[str, str]) -> Any:
            home, name = place
            answer = sites[name].whoami(tokens[home])
            return answer.json() if home == name else reason(answer)

        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(visit, places))
        for place, answer in zip(places, found, strict=True):
            home, name = place
            own = {"id": 1, "username": HOMES[home]}
            assert answer == (own if home == name else "wrong_issuer"), place
        for name, site in sites.items():
            answer = site.refresh(tokens[name].refresh)
            assert answer.status_code == 200, answer.text
            assert site.whoami(Tokens(**answer.json())).json()["username"] == HOMES[name]
            site.http.close()


@EACH_FRESHNESS
def test_schemas_logout_counts_at_its_tenant_alone(sites: Sites, freshness: str) -> None:
    at_a, at_b = sites.a.sign_in("alice"), sites.b.sign_in("bob")
    assert sites.a.knows(at_a, freshness)
    assert sites.b.knows(at_b, freshness)
    assert sites.b.post("api/logout/", {"refresh": at_a.refresh}).status_code == 400
    assert sites.b.post("api/logout/", {}, at_a).status_code == 401
    assert sites.a.knows(at_a)

    assert sites.a.post("api/logout/", {"refresh": at_a.refresh}).status_code == 200
    if freshness == "expiry":
        assert sites.a.knows(at_a, freshness)
    else:
        assert eventually(lambda: not sites.a.knows(at_a, freshness))
    assert sites.b.knows(at_b, freshness)
    # The other way round, so that each has ended one while the other was asked.
    assert sites.b.post("api/logout/all/", {}, at_b).status_code == 200
    if freshness != "expiry":
        assert eventually(lambda: not sites.b.knows(at_b, freshness))


@pytest.mark.parametrize("copied", ["", "&copy=1"])
@EACH_FRESHNESS
def test_schemas_user_is_not_looked_up_in_another_schema(
    sites: Sites, freshness: str, copied: str
) -> None:
    """There the key of alice is root's."""
    at_a = sites.a.sign_in("alice")
    said = sites.a.get(f"elsewhere/?freshness={freshness}{copied}", at_a).json()
    assert said["username"] == "alice"
    assert ("refused" in said) is (freshness != "immediate")


def test_schemas_refresh_counts_at_its_tenant_alone(sites: Sites) -> None:
    at_a = sites.a.sign_in("alice")
    for other in (sites.b, sites.public):
        assert reason(other.refresh(at_a.refresh)) == "wrong_issuer"
        answer = other.post("api/token/verify/", {"token": at_a.refresh})
        assert reason(answer) == "wrong_issuer"
    answer = sites.a.refresh(at_a.refresh)
    assert answer.status_code == 200
    again = Tokens(**answer.json())
    assert sites.a.whoami(again).json()["username"] == "alice"
    assert payload(again.refresh)["iss"] == "a"


def test_schemas_refresh_token_of_before_the_setting_counts_where_its_row_is(
    sites: Sites,
) -> None:
    program = """
from django.contrib.auth.models import User
from django.test import override_settings
from django_tenants.utils import schema_context
from drf_ratchet.sessions import open_session
with override_settings(DRF_RATCHET={}), schema_context("a"):
    grant = open_session(User.objects.get(pk=1))
print("tokens", grant.access, grant.refresh)
"""
    said = sites.project.run("shell", "--verbosity=0", f"--command={program}")
    old = Tokens(*said.partition("tokens ")[2].split())
    assert "iss" not in payload(old.refresh)
    assert reason(sites.b.whoami(old)) == reason(sites.a.whoami(old)) == "wrong_issuer"
    assert reason(sites.b.refresh(old.refresh)) == "session_ended"
    answer = sites.a.refresh(old.refresh)
    assert answer.status_code == 200, answer.text
    new = Tokens(**answer.json())
    assert sites.a.whoami(new).json() == {"id": 1, "username": "alice"}
    assert reason(sites.b.refresh(new.refresh)) == "wrong_issuer"


def test_schemas_reuse_ends_the_session_of_its_tenant_alone(sites: Sites) -> None:
    at_a, at_b = sites.a.sign_in("alice"), sites.b.sign_in("bob")
    used = at_a.refresh
    for _ in range(2):  # two refreshes later, the grace period does not cover it
        at_a = Tokens(**sites.a.refresh(at_a.refresh).json())
    assert reason(sites.b.refresh(used)) == "wrong_issuer"
    assert sites.a.knows(at_a)
    assert reason(sites.a.refresh(used)) == "reused"
    assert reason(sites.a.whoami(at_a)) == "session_ended"
    assert sites.b.knows(at_b)


def test_schemas_list_of_devices_is_of_its_tenant_alone(sites: Sites) -> None:
    at_a, at_b = sites.a.sign_in("alice"), sites.b.sign_in("bob")
    of_a = {one["id"] for one in sites.a.get("api/sessions/", at_a).json()}
    of_b = {one["id"] for one in sites.b.get("api/sessions/", at_b).json()}
    assert payload(at_a.access)["sid"] in of_a
    assert of_a.isdisjoint(of_b)
    theirs = payload(at_b.access)["sid"]
    answer = sites.a.http.delete(
        f"api/sessions/{theirs}/", headers={"Authorization": f"Bearer {at_a.access}"}
    )
    assert answer.status_code == 404
    assert sites.b.knows(at_b)
    assert sites.a.post("api/logout/all/", {}, at_a).status_code == 200
    assert not sites.a.knows(at_a)
    assert sites.b.knows(at_b)


def test_schemas_step_up_is_of_its_tenant_alone(sites: Sites) -> None:
    at_a, at_b = sites.a.sign_in("alice"), sites.b.sign_in("bob")
    body = {"refresh": at_a.refresh, "password": PASSWORD}
    assert reason(sites.b.post("api/step-up/", body, at_b)) == "wrong_issuer"
    assert sites.a.post("api/step-up/", body, at_a).status_code == 200


def test_schemas_wrong_passwords_count_at_their_tenant_alone(sites: Sites) -> None:
    """One name at two tenants is two accounts, and both have the same cache."""

    def attempt(site: Site) -> int:
        return site.post("api/token/", {"username": "mallory", "password": "wrong"}).status_code

    assert [attempt(sites.a) for _ in range(6)] == [401] * 5 + [429]
    assert attempt(sites.b) == 401
    assert attempt(sites.a) == 429


@pytest.mark.full
def test_schemas_commands_work_on_the_schema_that_they_are_given(sites: Sites) -> None:
    at_a, at_b = sites.a.sign_in("alice"), sites.b.sign_in("bob")

    def run(*arguments: str) -> str:
        return sites.project.run("tenant_command", "ratchet", *arguments)

    session = payload(at_b.access)["sid"]
    with pytest.raises(AssertionError, match="There is no session"):
        run("end", f"--session={session}", "--schema=a")
    assert sites.b.knows(at_b)
    assert re.search(r"\d+ sessions? ended", run("end", "--user=alice", "--schema=a"))
    assert not sites.a.knows(at_a)
    assert sites.b.knows(at_b)
    assert "are applied" in run("doctor", "--schema=a")


@pytest.mark.full
def test_schemas_prune_deletes_in_the_schemas_that_it_is_given(sites: Sites) -> None:
    program = """
from datetime import timedelta
from django_tenants.utils import schema_context
from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session
from django.contrib.auth.models import User
from drf_ratchet.ids import uuid7_of
from django.utils import timezone
long_ago = timezone.now() - timedelta(days=400)
for name in ("a", "b"):
    with schema_context(name):
        session = open_session(User.objects.get(pk=1)).session
        row = Session.objects.filter(pk=session.pk)
        row.update(id=uuid7_of(long_ago, 1), expires_at=long_ago, ended_at=long_ago)
"""
    sites.project.run("shell", "--verbosity=0", f"--command={program}")
    assert "1 session deleted" in sites.project.run(
        "tenant_command", "ratchet", "prune", "--schema=a"
    )
    everywhere = sites.project.run("all_tenants_command", "ratchet", "prune")
    assert re.findall(r"(\d) sessions? deleted", everywhere) == ["0", "0", "1"]


@pytest.mark.full
def test_schemas_admin_shows_and_ends_the_sessions_of_its_tenant_alone(sites: Sites) -> None:
    at_a, at_b = sites.a.sign_in("alice"), sites.b.sign_in("bob")
    admin = sites.a.http
    path = "admin/login/?next=/admin/"
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', admin.get(path).text)
    assert token is not None
    form = {"username": "root-a", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    assert admin.post(path, data=form).status_code == 302

    listed = admin.get("admin/drf_ratchet/session/").text
    mine, theirs = (payload(one.access)["sid"] for one in (at_a, at_b))
    assert mine in listed
    assert theirs not in listed
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', listed)
    assert token is not None
    action = {"csrfmiddlewaretoken": token[1], "action": "end_selected"}
    for session in (theirs, mine):
        body = {**action, "_selected_action": [session]}
        answer = admin.post("admin/drf_ratchet/session/", data=body)
        assert answer.status_code == 302, answer.text
    assert sites.b.knows(at_b)
    assert not sites.a.knows(at_a)


@pytest.mark.full
def test_schemas_checks_are_content(sites: Sites) -> None:
    assert "ratchet." not in sites.project.run("check")
