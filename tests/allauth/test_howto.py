"""docs/howto/allauth.md. All tests here run on its settings and URLs; these on its words."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.checks import run_checks
from django.core.management import call_command

from drf_ratchet.allauth import checks, exchanging
from tests import console
from tests.allauth.headless import App, Browser
from tests.fixtures import PASSWORD

PAGE = (console.ROOT / "docs" / "howto" / "allauth.md").read_text()


def blocks(language: str) -> list[str]:
    return [block for name, block in console.blocks(PAGE) if name == language]


@pytest.mark.django_db(transaction=True)
def test_response_of_an_app_has_the_members_of_the_page(app: App, alice: User) -> None:
    said = app.password()
    [block] = blocks("json")
    shown = json.loads(block)
    assert said["status"] == shown["status"]
    assert said["meta"].keys() == shown["meta"].keys()
    assert {name: type(value) for name, value in said["meta"].items()} == {
        name: type(value) for name, value in shown["meta"].items()
    }


@pytest.mark.django_db(transaction=True)
def test_exchange_is_the_request_of_the_page(browser: Browser, alice: User) -> None:
    [block, _] = blocks("js")
    [path], [method] = re.findall(r'fetch\("(.+?)"', block), re.findall(r'method: "(\w+)"', block)
    [header] = re.findall(r'headers: \{ "(.+?)":', block)
    browser.password()
    cookie = browser.http.cookies["csrftoken"].value
    answer = browser.http.generic(
        method, path, HTTP_SEC_FETCH_SITE="same-origin", headers={header: cookie}
    )
    assert answer.json().keys() == {"access", "expires_in"}


@pytest.mark.django_db(transaction=True)
def test_sign_up_with_an_address_that_is_taken(app: App, alice: User) -> None:
    """The response does not say so. allauth mails the owner a link to the page for the password."""
    answers = []
    for name, email in (("carol", "carol@example.com"), ("mallory", alice.email)):
        app.post("auth/signup", username=name, email=email, password=PASSWORD)
        answers.append(app.answer.status_code)
    assert answers == [401, 401]
    assert mail.outbox[-1].to == [alice.email]
    assert "testserver/reset\n" in mail.outbox[-1].body


def test_exchange_takes_as_long_as_the_page_says() -> None:
    assert exchanging.EXCHANGED_WITHIN == 120
    assert "within two minutes" in PAGE


def test_extra_of_the_page_is_there() -> None:
    project = (console.ROOT / "pyproject.toml").read_text()
    assert 'pip install "drf-ratchet[allauth]"' in PAGE
    assert re.search(r"^allauth = \[", project, re.MULTILINE)


@pytest.mark.django_db(databases="__all__")
def test_settings_pass_the_checks() -> None:
    assert [one for one in run_checks() if one.is_serious()] == []


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", "drf_ratchet_allauth")


def test_sessions_in_cookies_are_reported(settings: Any) -> None:
    assert checks.check_session_engine() == []
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert [one.id for one in checks.check_session_engine()] == ["ratchet.E017"]
    assert "### ratchet.E017:" in (console.ROOT / "docs" / "checks.md").read_text()
