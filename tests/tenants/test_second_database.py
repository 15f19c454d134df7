"""Users and sessions in a database of their own, "accounts", beside a default one."""

import re
from collections.abc import Iterator

import pytest

from tests.fixtures import PASSWORD, Tokens, payload
from tests.tenants.served import FRESHNESS, Project, Site, eventually, reason

pytestmark = [pytest.mark.any_database, pytest.mark.starts]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """With ``ATOMIC_REQUESTS`` on both."""
    folder = tmp_path_factory.mktemp("accounts")
    made = Project("tests.tenants.accounts", "", {"TENANTS_FOLDER": str(folder)})
    made.run(program="tests.tenants.people")
    return made


@pytest.fixture(scope="session")
def address(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with project.served(tmp_path_factory.mktemp("accounts") / "log") as address:
        yield address


@pytest.fixture
def site(address: str) -> Iterator[Site]:
    made = Site(address, "shop.example")
    yield made
    made.http.close()


@pytest.mark.parametrize("freshness", FRESHNESS)
def test_accounts_sign_in_refresh_and_log_out(site: Site, freshness: str) -> None:
    tokens = site.sign_in("alice")
    assert site.whoami(tokens, freshness).json() == {"id": 1, "username": "alice"}
    tokens = Tokens(**site.refresh(tokens.refresh).json())
    assert site.whoami(tokens, freshness).json() == {"id": 1, "username": "alice"}
    assert site.post("api/token/verify/", {"token": tokens.refresh}).status_code == 200
    assert site.post("api/logout/", {"refresh": tokens.refresh}).status_code == 200
    if freshness != "expiry":
        assert eventually(lambda: not site.knows(tokens, freshness))
    assert reason(site.refresh(tokens.refresh)) == "session_ended"


def test_accounts_reuse_ends_the_session(site: Site) -> None:
    tokens = site.sign_in("alice")
    used = tokens.refresh
    for _ in range(2):
        tokens = Tokens(**site.refresh(tokens.refresh).json())
    assert reason(site.refresh(used)) == "reused"
    assert reason(site.whoami(tokens)) == "session_ended"


def test_accounts_devices_and_step_up(site: Site) -> None:
    here, other = site.sign_in("alice"), site.sign_in("alice")
    listed = [one["id"] for one in site.get("api/sessions/", here).json()]
    assert {payload(one.access)["sid"] for one in (here, other)} <= set(listed)
    body = {"refresh": here.refresh, "password": PASSWORD}
    assert site.post("api/step-up/", body, here).status_code == 200
    assert site.post("api/logout/all/", {}, here).status_code == 200
    assert not site.knows(other)


def test_accounts_new_password_ends_the_other_sessions(site: Site) -> None:
    here, other = site.sign_in("alice"), site.sign_in("alice")
    assert site.post("account/", {"password": PASSWORD}, here).status_code == 200
    assert site.knows(here)
    assert site.refresh(here.refresh).status_code == 200
    assert reason(site.whoami(other)) == "password_changed"


@pytest.mark.parametrize("freshness", FRESHNESS[:2])
def test_accounts_user_who_is_deactivated_is_refused(
    site: Site, project: Project, freshness: str
) -> None:
    tokens = site.sign_in("bob")
    assert site.knows(tokens, freshness)
    answer = site.http.patch("account/", headers={"Authorization": f"Bearer {tokens.access}"})
    assert answer.status_code == 200, answer.text
    assert eventually(lambda: not site.knows(tokens, freshness))
    assert reason(site.refresh(tokens.refresh)) == "user_inactive"
    activate = "from django.contrib.auth.models import User; User.objects.update(is_active=True)"
    project.run("shell", "--verbosity=0", f"--command={activate}")


def test_accounts_user_who_is_deleted_is_refused(site: Site) -> None:
    tokens = site.sign_in("carol")
    assert site.knows(tokens, "bounded")
    answer = site.http.delete("account/", headers={"Authorization": f"Bearer {tokens.access}"})
    assert answer.status_code == 200, answer.text
    assert not site.knows(tokens)
    assert eventually(lambda: not site.knows(tokens, "bounded"))
    assert site.refresh(tokens.refresh).status_code == 401


def test_accounts_endings_wait_for_the_commit_of_their_own_database(project: Project) -> None:
    """A transaction of another database neither delays nor undoes them."""
    program = """
from django.contrib.auth.models import User
from django.db import transaction
from drf_ratchet import signals
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_session, open_session, refresh_session
heard = []
def note(session, reason, **kwargs):
    heard.append(str(reason))
signals.session_ended.connect(note)
alice = User.objects.create_user("dora")
def new_password(name):
    with transaction.atomic(using=name):
        alice.set_password("ratchet-demo-1")
        alice.save()
        print(name, "within:", heard, end=" ")
    print("after:", heard)
    heard.clear()
for name in ("default", "accounts"):
    open_session(alice)
    new_password(name)
with transaction.atomic(using="default"):
    grant = refresh_session(open_session(alice).refresh)
    print("ended:", end_session(grant.session))
with transaction.atomic(using="accounts"):
    try:
        end_session(open_session(alice).session)
    except RuntimeError as error:
        print("refused:", error)
print(Session.objects.using("accounts").count() > 0)
"""
    said = project.run("shell", "--verbosity=0", f"--command={program}")
    assert "default within: ['password_changed'] after: ['password_changed']" in said
    assert "accounts within: [] after: ['password_changed']" in said
    assert "ended: True" in said
    assert "refused: Sessions cannot be refreshed or ended inside a transaction" in said


def test_accounts_admin_ends_a_session(site: Site) -> None:
    tokens = site.sign_in("alice")
    admin = site.http
    token = csrf(admin.get("admin/login/").text)
    form = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert admin.post("admin/login/?next=/admin/", data=form).status_code == 302
    session = payload(tokens.access)["sid"]
    listed = admin.get("admin/drf_ratchet/session/").text
    assert session in listed
    assert admin.get(f"admin/drf_ratchet/session/{session}/change/").status_code == 200
    form = {"action": "end_selected", "_selected_action": session}
    answer = admin.post(
        "admin/drf_ratchet/session/", data={**form, "csrfmiddlewaretoken": csrf(listed)}
    )
    assert answer.status_code == 302
    assert not site.knows(tokens)


@pytest.mark.full
def test_accounts_commands(project: Project) -> None:
    assert "broken" not in project.run("ratchet", "doctor")
    assert " ended." in project.run("ratchet", "end", "--user=alice")
    assert " deleted." in project.run("ratchet", "prune")
    assert "ratchet." not in project.run("check")


def csrf(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    return found[1]
