"""`manage.py check` says what is wrong with the settings."""

from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from drf_ratchet.checks import check_settings, check_user_id
from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session

pytestmark = pytest.mark.any_database

SECRET = "hunter2"


def found(given: Any) -> list[tuple[str | None, str, str | None]]:
    with override_settings(DRF_RATCHET=given):
        return [(error.id, error.msg, error.hint) for error in check_settings()]


@pytest.mark.parametrize("given", [{}, {"ISSUER": "us", "CLAIMS": "blog.claims.access_claims"}])
def test_nothing_is_wrong(given: dict[str, Any]) -> None:
    assert found(given) == []


@override_settings(DRF_RATCHET={"LEEWAY": SECRET})
def test_without_the_setting() -> None:
    del settings.DRF_RATCHET

    assert check_settings() == []


def test_test_settings_pass_every_check() -> None:
    assert [error for error in run_checks() if str(error.id).startswith("ratchet.")] == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"ISUER": SECRET},
            [
                (
                    "ratchet.E001",
                    "DRF_RATCHET has no setting 'ISUER'.",
                    "Did you mean 'ISSUER'?",
                )
            ],
        ),
        (
            {"LEEWAY": SECRET},
            [
                (
                    "ratchet.E002",
                    "DRF_RATCHET['LEEWAY'] must be a timedelta, not negative.",
                    "The default is datetime.timedelta(0).",
                )
            ],
        ),
        (
            {"FRESHNESS": SECRET},
            [
                (
                    "ratchet.E002",
                    "DRF_RATCHET['FRESHNESS'] must be one of ('immediate', 'bounded', 'expiry').",
                    "The default is 'immediate'.",
                )
            ],
        ),
        (
            [SECRET],
            [("ratchet.E002", "DRF_RATCHET is not a dict.", "Write DRF_RATCHET = {...}.")],
        ),
        (
            {"CLAIMS": "blog.claims.__name__"},
            [
                (
                    "ratchet.E002",
                    "DRF_RATCHET['CLAIMS'] is not callable.",
                    "Write 'app.module.function'.",
                )
            ],
        ),
    ],
)
def test_each_problem(given: Any, expected: list[tuple[str, str, str]]) -> None:
    assert found(given) == expected


def test_a_module_that_is_not_there() -> None:
    ((id_, problem, hint),) = found({"CLAIMS": "nowhere.at.all"})

    assert id_ == "ratchet.E002"
    assert problem == "DRF_RATCHET['CLAIMS'] cannot be imported: No module named 'nowhere'."
    assert hint == "Write 'app.module.function'."


def test_every_problem_is_found() -> None:
    ids = [id_ for id_, *_ in found({"ISUER": "us", "LEVY": 1, "LEEWAY": 1, "ISSUER": 1})]

    assert ids == ["ratchet.E001"] * 2 + ["ratchet.E002"] * 2


@pytest.mark.parametrize("given", [{"LEEWAY": SECRET}, {"ISUER": SECRET}, {"AUDIENCE": {SECRET}}])
def test_no_value_is_shown(given: dict[str, Any]) -> None:
    assert SECRET not in repr(found(given))


@pytest.mark.django_db
def test_manage_py_check_fails() -> None:
    with (
        override_settings(DRF_RATCHET={"ISUER": SECRET}),
        pytest.raises(SystemCheckError) as failed,
    ):
        call_command("check", stdout=StringIO(), stderr=StringIO())

    assert "(ratchet.E001)" in str(failed.value)
    assert "Did you mean 'ISSUER'?" in str(failed.value)


def test_it_is_a_security_check() -> None:
    with override_settings(DRF_RATCHET={"ISUER": SECRET}):
        assert "ratchet.E001" in {error.id for error in run_checks(tags=[Tags.security])}


class TestUserId:
    def found(self, name: str, **more: Any) -> list[str]:
        with override_settings(DRF_RATCHET={"USER_ID_FIELD": name, **more}):
            return [f"{one.id} {one.msg}" for one in check_user_id()]

    @pytest.mark.parametrize("name", ["pk", "id", "username"])
    def test_a_unique_field(self, name: str) -> None:
        assert self.found(name) == []

    @pytest.mark.parametrize(
        "name",
        [SECRET, "get_username", "is_authenticated", "groups", "posts", "email__x"],
    )
    def test_no_column(self, name: str) -> None:
        text = "ratchet.E014 DRF_RATCHET['USER_ID_FIELD'] names no column of auth.User."
        assert self.found(name) == [text]

    @pytest.mark.parametrize("name", ["email", "first_name", "last_login", "is_active"])
    def test_a_field_that_two_users_may_share(self, name: str) -> None:
        [text] = self.found(name)
        assert f"auth.User.{name} is not unique: a token could identify two users." in text

    def test_a_field_that_may_be_null(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(User._meta.get_field("username"), "null", True)
        [text] = self.found("username")
        assert "auth.User.username may be null: a token could not identify its user." in text

    def test_a_service_without_users(self) -> None:
        assert self.found(SECRET, USER="claims") == []

    def test_a_name_of_no_field_says_so_at_a_sign_in(self, db: None) -> None:
        user = User.objects.create_user("alice")
        with (
            override_settings(DRF_RATCHET={"USER_ID_FIELD": SECRET}),
            pytest.raises(ImproperlyConfigured, match="names no column") as caught,
        ):
            open_session(user)
        assert SECRET not in str(caught.value)
        assert not Session.objects.exists()
