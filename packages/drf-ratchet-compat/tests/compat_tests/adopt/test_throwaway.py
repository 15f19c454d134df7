"""The command in a project that somebody has: on the real simplejwt, with only us added."""

import re
import signal
import time
from pathlib import Path

import pytest

from compat_tests.adopt.project import Project

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

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


def test_a_dry_run(project: Project) -> None:
    before = project.snapshot()

    output = project.manage("ratchet", "adopt", "simplejwt")

    assert project.snapshot() == before
    for line in (
        "-from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView",
        "+from drf_ratchet_compat.simplejwt.views import TokenObtainPairView, TokenRefreshView",
        '+    "drf_ratchet_compat.simplejwt.token_blacklist",',
        '+    "drf_ratchet_compat.simplejwt",',
        "  /api/token/refresh/ is rest_framework_simplejwt.views.TokenRefreshView",
        "  table token_blacklist_outstandingtoken: 6 rows (refresh tokens handed out)",
        "  5 refresh tokens are living: neither expired nor taken back.",
    ):
        assert line in output.splitlines()
    assert '[refused] claim "client_id": shop/tokens.py:9' in output
    assert "shop/migrations/0001_initial.py:5" in output
    assert "requirements.txt:1" in output
    assert "[same] ROTATE_REFRESH_TOKENS = False" in output
    assert "0123456789abcdef" not in output
    last = output.splitlines()[-1]
    assert last == "Nothing was changed. To do it: manage.py ratchet adopt simplejwt --apply"


@pytest.mark.full
def test_apply(project: Project) -> None:
    untouched = ("shop/migrations/0001_initial.py", "requirements.txt", "manage.py", "no_urls.py")
    before = project.snapshot()

    output = project.manage("ratchet", "adopt", "simplejwt", "--apply", "--only", "sessions")

    assert "5 sessions imported" in output
    assert "5 the same" in project.shell(COMPARE)
    assert {name: text for name, text in project.snapshot().items() if name != "db.sqlite3"} == {
        name: text for name, text in before.items() if name != "db.sqlite3"
    }

    output = project.manage("ratchet", "adopt", "simplejwt", "--apply")

    assert "0 sessions imported" in output
    assert "5 were there already" in output
    after = project.snapshot()
    for name in untouched:
        assert after[name] == before[name]
    for name, raw in after.items():
        if name.endswith(".py"):
            compile(raw, name, "exec")
    assert b"rest_framework_simplejwt" not in after["settings.py"] + after["urls.py"]
    assert after["shop/tokens.py"].decode() == before["shop/tokens.py"].decode().replace(
        "rest_framework_simplejwt", "drf_ratchet_compat.simplejwt"
    )


@pytest.mark.full
def test_without_the_old_app(project: Project) -> None:
    project.root.joinpath("shop/migrations/0001_initial.py").unlink()

    for expected in ("5 sessions imported", "0 sessions imported"):
        output = project.manage(
            *("ratchet", "adopt", "simplejwt", "--apply", "--only=sessions"), settings="without"
        )
        assert expected in output


@pytest.mark.full
def test_before_migrate(tmp_path: Path) -> None:
    """Neither their tables nor ours."""
    project = Project(tmp_path)
    assert "Nothing to import" in project.manage("ratchet", "adopt", "simplejwt")
    project.manage("migrate", "-v0", "token_blacklist")

    output = project.manage("ratchet", "adopt", "simplejwt", "--apply", code=1)

    assert "Run manage.py migrate drf_ratchet" in output
    assert b"rest_framework_simplejwt" in project.root.joinpath("urls.py").read_bytes()


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
        process = project.start(
            *("ratchet", "adopt", "simplejwt", "--apply", "--only=sessions", "--batch-size=1")
        )
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

    output = project.manage("ratchet", "adopt", "simplejwt", "--apply", "--only=sessions")

    resumed = re.search(r"(\d) sessions imported in", output)
    assert resumed
    assert 1 <= int(resumed[1]) <= 4
    assert "5 the same" in project.shell(COMPARE)


@pytest.mark.full
def test_drf_jwt_has_nothing_to_import(project: Project) -> None:
    project.root.joinpath("urls.py").write_text("urlpatterns = []\n")
    project.root.joinpath("shop/old.py").write_text("from rest_framework_jwt import views\n")

    output = project.manage("ratchet", "adopt", "drf-jwt")

    assert "+from drf_ratchet_compat.drf_jwt import views" in output
    assert "keeps no list of the tokens" in output
