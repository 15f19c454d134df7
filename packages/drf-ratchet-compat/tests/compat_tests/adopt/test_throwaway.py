"""The command in a project that somebody has: on the real simplejwt, with only us added."""

import re
import signal
import time
from pathlib import Path

import pytest

from compat_tests.adopt.project import Project

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

FILL = """
from django.contrib.auth.models import User
from rest_framework_simplejwt.tokens import RefreshToken
for number in range(6):
    user = User.objects.create(username=f"user {number}")
    last = RefreshToken.for_user(user)
last.blacklist()
"""
#: Ids of sessions as drf-ratchet's own way of adopting a token makes them, and those in the table.
COMPARE = """
from drf_ratchet_compat.adopting import OldSession, issued_at
from drf_ratchet.models import Session
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import UntypedToken
expected = set()
for row in OutstandingToken.objects.filter(blacklistedtoken=None):
    claims = UntypedToken(row.token).payload
    old = OldSession("simplejwt", claims["jti"], row.user, issued_at(claims), claims["exp"], False)
    expected.add((old.id, row.user_id, False))
found = set(Session.objects.values_list("id", "user_id", "rotates"))
assert found == expected, (found, expected)
print(len(found), "the same")
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated project with six tokens, one of them taken back. To be copied, not changed."""
    project = Project(tmp_path_factory.mktemp("filled"))
    project.manage("migrate", "-v0")
    project.shell(FILL)
    return project.root / "db.sqlite3"


@pytest.fixture
def project(tmp_path: Path, filled: Path) -> Project:
    project = Project(tmp_path)
    project.root.joinpath("db.sqlite3").write_bytes(filled.read_bytes())
    return project


def test_report(project: Project) -> None:
    before = project.snapshot()

    output = project.manage("ratchet", "adopt", "simplejwt")

    assert project.snapshot() == before
    said = " ".join(output.split())
    for text in (
        'Add "drf_ratchet" and "drf_ratchet_compat.simplejwt" to INSTALLED_APPS',
        "[same] ROTATE_REFRESH_TOKENS = False",
        "/api/token/refresh/: rest_framework_simplejwt.views.TokenRefreshView -> drf_ratchet.views",
        "shop/tokens.py:4: ShopSerializer: its claims: a function in DRF_RATCHET['CLAIMS']",
        "5 refresh tokens are neither expired nor blacklisted.",
    ):
        assert text in said
    assert "0123456789abcdef" not in output
    assert "It changes nothing." in output.splitlines()[0]


@pytest.mark.full
def test_import(project: Project) -> None:
    before = project.snapshot()

    output = project.manage("ratchet", "adopt", "simplejwt", "--import")

    assert "5 sessions imported" in output
    assert "5 the same" in project.shell(COMPARE)
    output = project.manage("ratchet", "adopt", "simplejwt", "--import")
    assert "0 sessions imported" in output
    assert "5 existed already" in output
    after = project.snapshot()
    del before["db.sqlite3"], after["db.sqlite3"]
    assert after == before


@pytest.mark.full
def test_with_the_bridge_installed(project: Project) -> None:
    project.manage("migrate", "-v0", settings="bridged")
    said = project.manage("ratchet", "adopt", "simplejwt", settings="bridged")
    assert "Add " not in said
    project.manage("ratchet", "adopt", "simplejwt", "--import", settings="bridged")
    assert "5 the same" in project.shell(COMPARE, settings="bridged")


@pytest.mark.full
def test_tables_in_another_database(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for database in ("default", "tokens"):
        project.manage("migrate", "-v0", "--database", database, settings="split")
    copies = 'User.objects.using("tokens").bulk_create(User.objects.all())\nlast = None\n'
    users, _, tokens = FILL.partition("    last = ")
    project.shell(
        users
        + copies
        + "for user in User.objects.all():\n    last = "
        + tokens
        + "from rest_framework_simplejwt.token_blacklist.models import OutstandingToken\n"
        'assert OutstandingToken.objects.using("tokens").count() == 6\n'
        'assert not OutstandingToken.objects.using("default").exists()\n',
        settings="split",
    )

    output = project.manage("ratchet", "adopt", "simplejwt", "--import", settings="split")

    assert "5 sessions imported" in output
    count = "from drf_ratchet.models import Session; print(Session.objects.count())"
    assert project.shell(count, settings="split").strip() == "5"


@pytest.mark.full
def test_without_the_blacklist_app(project: Project) -> None:
    project.root.joinpath("shop/migrations/0001_initial.py").unlink()
    said = project.manage("ratchet", "adopt", "simplejwt", settings="without")
    assert "token_blacklist is not installed" in said
    said = project.manage("ratchet", "adopt", "simplejwt", "--import", settings="without", code=1)
    assert "Nothing can be imported" in said


@pytest.mark.full
def test_before_migrate(tmp_path: Path) -> None:
    """Neither their tables nor ours."""
    project = Project(tmp_path)
    said = project.manage("ratchet", "adopt", "simplejwt")
    assert "simplejwt's tables cannot be read" in said
    for app in ("auth", "token_blacklist"):
        project.manage("migrate", "-v0", app)
    project.shell(FILL)

    output = project.manage("ratchet", "adopt", "simplejwt", "--import", code=1)

    assert "run manage.py migrate drf_ratchet" in output


@pytest.mark.full
def test_interrupted(project: Project) -> None:
    """By the Ctrl-C of a terminal, in the middle."""
    project.root.joinpath("shop/apps.py").write_text(
        "import os\n"
        "import signal\n"
        "import time\n"
        "from django.apps import AppConfig\n\n\n"
        "class Shop(AppConfig):\n"
        '    name = "shop"\n\n'
        "    def ready(self):\n"
        '        if not os.environ.get("SLOW"):\n'
        "            return\n"
        # A shell's background jobs ignore Ctrl-C, and so do the programs that they start.
        "        signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "        from drf_ratchet.sessions import store\n"
        "        quick = store.insert_missing\n\n"
        "        def slow(rows):\n"
        "            quick(rows)\n"
        '            print("one more", flush=True)\n'
        "            time.sleep(1)\n\n"
        "        store.insert_missing = slow\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLOW", "1")
        process = project.start(*("ratchet", "adopt", "simplejwt", "--import", "--batch-size=1"))
    assert process.stdout is not None
    with process.stdout as stdout:
        for line in stdout:
            if "one more" in line:
                break
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output = stdout.read()
    assert process.wait(timeout=30) == 130, output
    interrupted = re.search(r"Interrupted at (\d) of 5 tokens: (\d) sessions imported", output)
    assert interrupted, output

    output = project.manage("ratchet", "adopt", "simplejwt", "--import")

    resumed = re.search(r"(\d) sessions imported in", output)
    assert resumed
    assert 1 <= int(resumed[1]) <= 4
    assert "5 the same" in project.shell(COMPARE)
