"""The plugin in a project of somebody else's, with a process of its own."""

import sys
from pathlib import Path
from shutil import copytree

import pytest

import drf_ratchet
from tests.testing.project import begin, from_docs, run_django_tests, run_pytest, write

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.any_database, pytest.mark.starts]


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of this process."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "settings")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


#: The one file of the docs that needs another package.
NEEDS_MORE = "test_time_machine.py"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="one process"),
        pytest.param(("-n2",), id="xdist", marks=pytest.mark.full),
    ],
)
def test_the_docs(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    write_docs(pytester, monkeypatch)
    (pytester.path / NEEDS_MORE).unlink()
    run_pytest(pytester, *options).assert_outcomes(passed=18)


@pytest.mark.full
def test_the_docs_of_time_machine(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("time_machine", reason="time-machine is not installed")
    write_docs(pytester, monkeypatch)
    run_pytest(pytester, NEEDS_MORE).assert_outcomes(passed=1)


def write_docs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "settings_test")
    begin(pytester)
    for name, text in from_docs().items():
        write(pytester, name, text)


@pytest.mark.full
def test_the_test_cases_of_the_docs_by_djangos_runner(pytester: pytest.Pytester) -> None:
    begin(pytester)
    name = "test_posts_by_case"
    write(pytester, f"{name}.py", from_docs()[f"{name}.py"])
    result = run_django_tests(pytester, name)
    assert result.ret == 0, result.stderr.str()
    result.stderr.fnmatch_lines(["Ran 4 tests*"])


@pytest.mark.full
def test_all_kinds_of_test_cases(pytester: pytest.Pytester) -> None:
    begin(pytester)
    write(pytester, "test_cases.py", KINDS)
    run_pytest(pytester).assert_outcomes(passed=4)
    result = run_django_tests(pytester, "test_cases")
    assert result.ret == 0, result.stderr.str()


KINDS = """
import json
import time
from urllib.request import Request, urlopen

from django.contrib.auth import get_user_model
from django.test import LiveServerTestCase, override_settings
from rest_framework.test import APITestCase, APITransactionTestCase

from drf_ratchet.testing.mixin import RatchetTestMixin


class Both:
    def test_it(self):
        alice = get_user_model().objects.create_user("alice")
        before = time.time
        with self.travel(hours=1):
            self.sign_in(alice)
            self.client.refresh()
            assert self.client.get("/api/posts/").status_code == 200
            answer = self.client.post(
                "/api/token/refresh/", {"refresh": self.client.grant.refresh}
            )
            assert answer.status_code == 200, answer.content
        assert time.time is before
        assert self.client.get("/api/posts/").json()["reason"] == "not_yet_valid"
        self.sign_in(alice)
        self.client.sign_out()
        assert self.client.get("/api/posts/").json()["reason"] == "session_ended"
        refused = self.client.post("/api/token/refresh/", {"refresh": "no token"})
        assert refused.status_code == 401
        self.client.logout()
        assert "reason" not in self.client.get("/api/posts/").json()
        self.no_throttles()
        self.travel(1)
        self.addClassCleanup(lambda: before is time.time or 1 / 0)


class Fast(Both, RatchetTestMixin, APITestCase):
    pass


class Real(Both, RatchetTestMixin, APITransactionTestCase):
    pass


@override_settings(DRF_RATCHET={"FRESHNESS": "bounded", "AUDIENCE": "posts"})
class Bounded(Both, RatchetTestMixin, APITestCase):
    pass


class Live(RatchetTestMixin, LiveServerTestCase):
    def test_it(self):
        alice = get_user_model().objects.create_user("alice")
        self.travel(days=3)
        client = self.api_client_for(alice)
        bearer = {"Authorization": f"Bearer {client.grant.access}"}
        url = self.live_server_url
        with urlopen(Request(f"{url}/api/posts/", headers=bearer)) as answer:
            assert answer.status == 200
        self.travel(minutes=4)
        body = json.dumps({"refresh": client.grant.refresh}).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{url}/api/token/refresh/", body, headers)) as answer:
            access = json.load(answer)["access"]
        self.travel(minutes=4)
        bearer = {"Authorization": f"Bearer {access}"}
        with urlopen(Request(f"{url}/api/posts/", headers=bearer)) as answer:
            assert answer.status == 200
"""


@pytest.mark.full
def test_a_user_model_of_the_projects_own(pytester: pytest.Pytester) -> None:
    more = 'AUTH_USER_MODEL = "people.Person"\nDRF_RATCHET = {"USER_ID_FIELD": "uid"}\n'
    begin(pytester, apps='"people"', more=more)
    write(pytester, "people/__init__.py", "")
    write(pytester, "people/models.py", PERSON)
    write(pytester, "test_people.py", PEOPLE)
    run_pytest(pytester).assert_outcomes(passed=2)


PERSON = """
import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    uid = models.UUIDField(default=uuid.uuid4, unique=True)
"""

PEOPLE = """
import pytest


@pytest.fixture
def ada(django_user_model, db):
    return django_user_model.objects.create_user("ada")


def test_signed_in(ada, api_client_for, time_travel):
    time_travel(days=1)
    client = api_client_for(ada)
    client.refresh()
    assert client.get("/api/posts/").status_code == 200


def test_expired(ada, api_client_for, expired_token):
    client = api_client_for(ada)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {expired_token(ada)}")
    assert client.get("/api/posts/").json()["reason"] == "expired"
"""


@pytest.mark.full
def test_travel_before_there_is_a_database(pytester: pytest.Pytester) -> None:
    """What the migrations write into the schema is not the traveller's time."""
    begin(pytester)
    write(pytester, "test_order.py", ORDER)
    run_pytest(pytester).assert_outcomes(passed=2)


ORDER = """
import time


def test_first(time_travel, request):
    time_travel(days=3)
    request.getfixturevalue("db")


def test_second(db, django_user_model, api_client_for):
    client = api_client_for(django_user_model.objects.create_user("alice"))
    assert abs(client.grant.session.created_at.timestamp() - time.time()) < 5
    assert client.get("/api/posts/").status_code == 200
"""


NAMES = ["api_client_for", "browser_client_for", "expired_token", "refused_token"]
NAMES += ["time_travel", "one_clock", "no_throttles"]


@pytest.mark.full
def test_without_pytest_django(pytester: pytest.Pytester) -> None:
    tests = "\n".join(f"def test_{name}({name}): pass" for name in NAMES)
    write(pytester, "test_it.py", tests)
    result = run_pytest(pytester, "-p", "no:django")
    result.assert_outcomes(errors=len(NAMES))
    for name in NAMES:
        result.stdout.fnmatch_lines([f"*fixture '{name}' of drf-ratchet needs pytest-django*"])


@pytest.mark.full
def test_unused_plugin_imports_nothing(pytester: pytest.Pytester) -> None:
    text = """
    import sys

    def test_it():
        ours = {name for name in sys.modules if name.split(".")[0] == "drf_ratchet"}
        expected = {"drf_ratchet", "drf_ratchet.testing", "drf_ratchet.testing.plugin"}
        assert ours == expected
        assert "django" not in sys.modules
        assert "rest_framework" not in sys.modules
    """
    pytester.makepyfile(text)
    others = ["-p", "no:django", "-p", "no:hypothesispytest", "-W", "error"]
    run_pytest(pytester, *others).assert_outcomes(passed=1)


@pytest.mark.full
def test_where_the_package_is_imported_before_pytest(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a program does that sets Django up and then calls pytest. From a wheel: then pytest knows
    that the package has a plugin in it."""
    wheel = pytester.mkdir("installed")
    copytree(Path(drf_ratchet.__file__).parent, wheel / "drf_ratchet")
    write(pytester, "installed/drf_ratchet-0.dist-info/METADATA", "Name: drf-ratchet\nVersion: 0\n")
    plugin = "[pytest11]\ndrf_ratchet = drf_ratchet.testing.plugin\n"
    write(pytester, "installed/drf_ratchet-0.dist-info/entry_points.txt", plugin)
    write(pytester, "installed/drf_ratchet-0.dist-info/RECORD", "drf_ratchet/__init__.py,,\n")
    monkeypatch.setenv("PYTHONPATH", str(wheel))
    write(pytester, "test_it.py", "def test_it(): pass")
    options = ["-Werror", "-pno:django", "-pno:schemathesis", "-pno:cacheprovider"]
    program = "import sys, pytest, drf_ratchet; print(drf_ratchet.__file__); "
    program += f"sys.exit(pytest.main({options}))"
    result = pytester.run(sys.executable, "-c", program, timeout=300)
    assert result.ret == 0, result.stderr.str()
    result.stdout.fnmatch_lines([f"{wheel}/*", "*1 passed*"])
