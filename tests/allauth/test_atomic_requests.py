"""Under ``ATOMIC_REQUESTS`` allauth's views run in a transaction, and end our sessions with it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from drf_ratchet.models import Session
from tests.allauth.headless import NEW_PASSWORD, App, Browser
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


def sign_in(app: App) -> App:
    app.password()
    assert app.is_in_ours()
    assert app.is_in_allauth()
    return app


def test_logout_in_allauth(app: App, alice: User) -> None:
    sign_in(app).send("DELETE", "auth/session")
    assert not app.is_in_ours()
    assert app.session.end_reason == "logout"


def test_logout_in_ours(app: App, alice: User) -> None:
    sign_in(app).ours("POST", "logout/")
    assert not app.is_in_allauth()


def test_end_in_the_list_of_allauth(app: App, alice: User) -> None:
    other = sign_in(App())
    sign_in(app)
    [ended] = [one["id"] for one in app.get("auth/sessions")["data"] if not one["is_current"]]
    app.send("DELETE", "auth/sessions", {"sessions": [ended]})
    assert not other.is_in_ours()
    assert app.is_in_ours()


def test_password_change(app: App, alice: User) -> None:
    other = sign_in(App())
    sign_in(app)
    app.post("account/password/change", current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert app.is_in_ours()
    assert app.is_in_allauth()
    assert not other.is_in_ours()
    assert not other.is_in_allauth()


def test_refused_by_policy(app: App, alice: User, policy: Any) -> None:
    policy("tests.allauth.test_app.refuse")
    app.password()
    assert app.answer.status_code == 401
    assert not app.is_in_allauth()
    assert not Session.objects.exists()


def test_exchange(browser: Browser, alice: User) -> None:
    browser.password()
    assert browser.exchange().status_code == 200
    assert browser.ours()["username"] == "alice"
    assert browser.exchange().status_code == 401
