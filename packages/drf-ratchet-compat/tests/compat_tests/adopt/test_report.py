"""What is found out about a project's settings and apps, and how progress looks."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.core.management.base import OutputWrapper

from drf_ratchet_compat.adopt import drf_jwt_rules, progress, simplejwt_rules
from drf_ratchet_compat.adopt.findings import Given, apply, in_words
from drf_ratchet_compat.adopt.others import importers
from drf_ratchet_compat.adopt.packages import SIMPLEJWT

pytestmark = pytest.mark.any_database

SECRET = "x" * 31


def found(rules: Any, **values: Any) -> set[str]:
    old = Given(values, rules.DEFAULTS)
    return {f"{finding.effect} {finding.subject}" for finding in apply(rules.RULES, old)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "same ROTATE_REFRESH_TOKENS = False"),
        ({}, "same SIGNING_KEY"),
        (
            {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
            "differs ROTATE_REFRESH_TOKENS = True",
        ),
        ({"ROTATE_REFRESH_TOKENS": True}, "differs BLACKLIST_AFTER_ROTATION = False"),
        ({"UPDATE_LAST_LOGIN": True}, "same UPDATE_LAST_LOGIN = True"),
        ({"SIGNING_KEY": SECRET}, "differs SIGNING_KEY"),
        ({"SIGNING_KEY": SECRET + "x", "ALGORITHM": "HS384"}, "differs SIGNING_KEY"),
        ({"ALGORITHM": "RS256"}, "differs ALGORITHM"),
        ({"ALGORITHM": "none"}, "refused ALGORITHM"),
        ({"CHECK_USER_IS_ACTIVE": False}, "refused CHECK_USER_IS_ACTIVE = False"),
        ({"JWK_URL": "https://id.example/jwks"}, "refused JWK_URL"),
        ({"ACCESS_TOKEN_LIFETIME": timedelta(hours=2)}, "differs ACCESS_TOKEN_LIFETIME"),
        ({"REFRESH_TOKEN_LIFETIME": timedelta(days=90)}, "differs REFRESH_TOKEN_LIFETIME"),
        ({"AUTH_TOKEN_CLASSES": ("x.SlidingToken",)}, "differs AUTH_TOKEN_CLASSES"),
        ({"AUTH_TOKEN_CLASSES": None, "SIGNING_KEY": 5}, "same ROTATE_REFRESH_TOKENS = False"),
    ],
)
def test_simplejwt(settings: Any, values: dict[str, Any], expected: str) -> None:
    settings.DRF_RATCHET = {"SESSION_LIFETIME": timedelta(days=30)}
    assert expected in found(simplejwt_rules, **values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "same JWT_SECRET_KEY"),
        ({"JWT_SECRET_KEY": SECRET}, "differs JWT_SECRET_KEY"),
        ({"JWT_VERIFY": False}, "refused JWT_VERIFY = False"),
        ({"JWT_VERIFY_EXPIRATION": False}, "refused JWT_VERIFY_EXPIRATION = False"),
        ({"JWT_EXPIRATION_DELTA": timedelta(days=7)}, "differs JWT_EXPIRATION_DELTA"),
        ({"JWT_ALGORITHM": "ES256"}, "differs JWT_ALGORITHM"),
    ],
)
def test_drf_jwt(values: dict[str, Any], expected: str) -> None:
    assert expected in found(drf_jwt_rules, **values)


def test_a_long_enough_key_is_none_to_speak_of() -> None:
    assert "differs SIGNING_KEY" not in found(simplejwt_rules, SIGNING_KEY=SECRET + "x")


def test_secrets_are_not_shown() -> None:
    old = Given({"SIGNING_KEY": SECRET}, simplejwt_rules.DEFAULTS)
    assert not any(SECRET in str(finding) for finding in apply(simplejwt_rules.RULES, old))


@pytest.mark.parametrize("name", ["dj_rest_auth", "unheard_of"])
def test_apps_that_import_it_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place = tmp_path / "site-packages" / name
    place.mkdir(parents=True)
    place.joinpath("quiet.py").write_text("# rest_framework_simplejwt\nx = 'rest_framework_jwt'\n")
    place.joinpath("broken.py").write_text("import rest_framework_simplejwt (")
    place.joinpath("jwt_auth.py").write_text(
        "def f():\n    from rest_framework_simplejwt.tokens import RefreshToken\n"
    )

    class App:
        def __init__(self) -> None:
            self.name, self.path = f"{name}.registration", str(place)

    monkeypatch.setattr(apps, "get_app_configs", lambda: [App()])

    (other,) = importers(SIMPLEJWT, tmp_path)

    assert (other.name, other.places) == (name, (f"{name}/jwt_auth.py",))
    assert "open_session()" in other.advice
    # The same files, as the project's own.
    place.rename(tmp_path / name)
    monkeypatch.setattr(App, "__init__", lambda app: None)
    monkeypatch.setattr(App, "name", name, raising=False)
    monkeypatch.setattr(App, "path", str(tmp_path / name), raising=False)
    assert list(importers(SIMPLEJWT, tmp_path)) == []


def test_what_the_demos_apps_import() -> None:
    assert isinstance(apps.get_app_config("drf_ratchet"), AppConfig)
    found = [importer.name for importer in importers(SIMPLEJWT, Path(__file__).parents[5])]
    assert found == ["drf_spectacular"]  # which describes simplejwt's authenticator too


def test_lines_with_a_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 2.0, 4.0, 5.0, 10.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    out = StringIO()
    with progress.progress(OutputWrapper(out), 10_000) as advance:
        for done in (1000, 2000, 3000, 5000):
            advance(done)
    assert out.getvalue().splitlines() == [
        "2,000 of 10,000 tokens, 500 a second, 0:00:16 left",
        "5,000 of 10,000 tokens, 500 a second, 0:00:10 left",
    ]


def test_a_bar_on_a_terminal() -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with progress.progress(OutputWrapper(out), 200) as advance:
        advance(200)
    assert "200/200" in out.getvalue()


@pytest.mark.parametrize(
    ("span", "words"),
    [(None, "for ever"), (timedelta(days=1), "1 day"), (timedelta(minutes=90), "90 minutes")],
)
def test_in_words(span: timedelta | None, words: str) -> None:
    assert in_words(span) == words
