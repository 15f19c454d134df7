"""Tests of the reports about a project's settings and sources."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import OutputWrapper

from drf_ratchet_compat import adopt
from drf_ratchet_compat.adopt import progress, simplejwt_report
from drf_ratchet_compat.adopt.sources import lines_with, modules, project_files

pytestmark = pytest.mark.any_database

SECRET = "x" * 31


@pytest.fixture
def report(tmp_path: Path) -> Any:
    def report(package: str, files: dict[str, str] | None = None) -> str:
        for name, text in (files or {}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        out = StringIO()
        adopt.run(OutputWrapper(out), package=package, project=tmp_path)
        after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        assert after == before
        return " ".join(out.getvalue().split())

    return report


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "[same] ROTATE_REFRESH_TOKENS = False"),
        ({"ROTATE_REFRESH_TOKENS": True}, "[same] BLACKLIST_AFTER_ROTATION = False"),
        (
            {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
            "[differs] BLACKLIST_AFTER_ROTATION = True: simplejwt ignores it",
        ),
        ({}, "[differs] token_blacklist is not installed"),
        ({"JTI_CLAIM": None}, "[refused] JTI_CLAIM = None"),
        ({"TOKEN_TYPE_CLAIM": None}, "[refused] TOKEN_TYPE_CLAIM = None"),
        ({"AUTH_TOKEN_CLASSES": ("x.SlidingToken",)}, "[differs] AUTH_TOKEN_CLASSES: sliding"),
        ({"AUTH_TOKEN_CLASSES": ("x.Mine",)}, "[same] AUTH_TOKEN_CLASSES: token classes of your"),
        ({"USER_AUTHENTICATION_RULE": "x.rule"}, "[same] USER_AUTHENTICATION_RULE"),
        ({"TOKEN_OBTAIN_SERIALIZER": "x.Mine"}, "[same] TOKEN_OBTAIN_SERIALIZER: is yours"),
        ({"SIGNING_KEY": SECRET}, "[differs] SIGNING_KEY: is shorter"),
        ({"REFRESH_TOKEN_LIFETIME": timedelta(days=90)}, "[differs] REFRESH_TOKEN_LIFETIME"),
        ({"AUTH_TOKEN_CLASSES": None, "SIGNING_KEY": 5}, "[same] ROTATE_REFRESH_TOKENS = False"),
    ],
)
def test_simplejwt_settings(
    settings: Any, report: Any, values: dict[str, Any], expected: str
) -> None:
    settings.DRF_RATCHET = {"SESSION_LIFETIME": timedelta(days=30)}
    settings.SIMPLE_JWT = values
    assert expected in report("simplejwt")


def test_long_key_is_not_reported(settings: Any, report: Any) -> None:
    settings.SIMPLE_JWT = {"SIGNING_KEY": SECRET + "x"}
    said = report("simplejwt")
    assert "is shorter" not in said
    assert SECRET not in said


def test_new_behavior_is_named_with_the_setting_that_turns_it_on(
    settings: Any, report: Any
) -> None:
    settings.DRF_RATCHET = {"MAX_SESSIONS_PER_USER": 5}
    said = report("simplejwt")
    assert "a new password ends the user's sessions: DRF_RATCHET = {..., \"USER_CHANGES" in said
    assert "a user has a limit of sessions: is on." in said
    assert "attempts to sign in are limited: put drf_ratchet.throttling.SignInThrottle" in said


SHOP = """\
import jwt
from jwt import decode as read
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

make = RefreshToken.for_user
validate = JWTAuthentication().get_validated_token
kind, lifetime = AccessToken.token_type, RefreshToken.lifetime
life = RefreshToken.lifetime

class Invitation(Token):
    def verify(self): pass

class Download(tokens.Token):
    token_type = "download"

class ShopSerializer(TokenObtainPairSerializer):
    pass

class FromCookie(JWTAuthentication):
    pass

backend = TokenBackend("HS256", "hunter2hunter2")

def f(text, user, thing):
    jwt.decode(text, "hunter2")
    read(text)
    token_backend.decode(text)
    backend.decode(text)
    AccessToken(text).get_token_backend().decode(text)
    TokenBackend("HS256", "hunter2").decode(text)
    text.decode()
    thing.decode("utf-8")
    RefreshToken.for_user(user)
    RefreshToken(text).blacklist()
    OutstandingToken.objects.filter(user=user)
"""


def line(text: str) -> int:
    return next(number for number, one in enumerate(SHOP.splitlines(), 1) if text in one)


def test_what_the_bridge_cannot_reach(tmp_path: Path) -> None:
    tmp_path.joinpath("shop.py").write_text(SHOP)
    (module,) = modules(tmp_path)
    found = {place for place, _ in simplejwt_report.unreached(module)}
    expected = (
        *("make = ", "validate = ", "class Invitation", "jwt.decode(", "    read(text)"),
        *("token_backend.decode(", "backend.decode(text)", "get_token_backend()"),
        *('TokenBackend("HS256", "hunter2").', "    backend.decode"),
    )
    assert found == {f"shop.py:{line(text)}" for text in expected}


def test_report_of_a_projects_sources(report: Any) -> None:
    said = report(
        "simplejwt",
        {
            "shop.py": SHOP,
            "tests/test_shop.py": "import jwt\njwt.decode('x')\n",
            "crontab": "SECRET=hunter2\n5 4 * * * manage.py flushexpiredtokens\n",
            ".github/workflows/clean.yml": "run: manage.py flushexpiredtokens\n",
            "jobs.py": "call_command('flushexpiredtokens')\n",
            "broken.py": "import (\n",
        },
    )
    assert "hunter2" not in said
    assert "tests/test_shop.py" not in said
    for place in ("crontab:2", ".github/workflows/clean.yml:1", "jobs.py:1"):
        assert f"{place}: manage.py ratchet prune" in said
    for text, instead in (
        ("class ShopSerializer", "CLAIMS"),
        ("class FromCookie", "drf_ratchet.browser"),
        ("    RefreshToken.for_user", "open_session"),
        (").blacklist()", "LogoutView"),
        ("OutstandingToken.objects", "end_all_sessions"),
    ):
        assert instead in said.partition(f"shop.py:{line(text)}: ")[2][:90]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"JWT_SECRET_KEY": SECRET}, "[differs] JWT_SECRET_KEY: is shorter"),
        ({"JWT_SECRET_KEY": SECRET + "x"}, "[same] JWT_SECRET_KEY"),
        ({}, "[differs] JWT_SECRET_KEY: is SECRET_KEY"),
        ({"JWT_VERIFY": False}, "JWT_AUTH['JWT_VERIFY'] must be True: A token"),
        ({"JWT_VERIFY_EXPIRATION": False}, "JWT_AUTH['JWT_VERIFY_EXPIRATION'] must be True"),
        ({"JWT_DECODE_HANDLER": "x.y"}, "JWT_AUTH['JWT_DECODE_HANDLER'] must be"),
        ({"JWT_EXPIRATION_DELTA": timedelta(days=7)}, "[differs] JWT_EXPIRATION_DELTA"),
        ({"JWT_ALGORITHM": ["HS256", "none"]}, "JWT_AUTH['JWT_ALGORITHM'] must be"),
        ({"JWT_AUTH_COOKIE": "token"}, "[differs] JWT_AUTH_COOKIE: is set as before. But"),
        ({"JWT_GET_USER_SECRET_KEY": str}, "[differs] JWT_GET_USER_SECRET_KEY"),
    ],
)
def test_drf_jwt_settings(
    settings: Any, report: Any, values: dict[str, Any], expected: str
) -> None:
    settings.JWT_AUTH = values
    said = report("drf-jwt")
    assert expected in said
    assert SECRET not in said


def test_drf_jwt_lines(report: Any) -> None:
    said = report(
        "drf-jwt",
        {
            "a.py": "# x\nfrom rest_framework_jwt.views import obtain_jwt_token\n",
            "b.py": "def f():\n    import rest_framework_jwt as jwt, os\n",
            "settings.py": "A = ['rest_framework_jwt.x', 'rest_framework_jwt hunter2']\n",
            "other.py": "from .rest_framework_jwt import x\nimport rest_framework_jwt_extra\n",
            "crontab": "delete_stale_tokens\n",
        },
    )
    assert "a.py:2: rest_framework_jwt.views b.py:2: rest_framework_jwt settings.py:1" in said
    assert "hunter2" not in said
    assert "other.py" not in said
    assert "crontab:1: manage.py ratchet prune" in said


def test_whose_files(tmp_path: Path) -> None:
    ours = {"a.py", "app/migrations/0001.py", "venv_like/x.py"}
    others = {"node_modules/a.py", "env/lib/a.py", ".venv/a.py", "lib/site-packages/a.py"}
    for name in (*ours, *others, ".ci/a.py", ".git/a.py", "env/pyvenv.cfg", ".venv/pyvenv.cfg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("word\n")
    tmp_path.joinpath("link").symlink_to(tmp_path / "app")
    found = {path.relative_to(tmp_path).as_posix() for path in project_files(tmp_path)}
    assert found == ours
    assert set(lines_with(tmp_path, "word")) == {f"{name}:1" for name in (*ours, ".ci/a.py")}


def test_lines_with_a_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 2.0, 4.0, 5.0, 10.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    out = StringIO()
    advance = progress.progress(OutputWrapper(out), 10_000)
    for done in (1000, 2000, 3000, 5000):
        advance(done)
    assert out.getvalue().splitlines() == [
        "2,000 of 10,000 tokens, 500 a second, 0:00:16 left",
        "5,000 of 10,000 tokens, 500 a second, 0:00:10 left",
    ]
