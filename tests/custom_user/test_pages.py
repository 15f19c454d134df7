"""Pages for people, with each of the user models: the admin, and the browsable API's sign-in."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from drf_ratchet.models import Session
from drf_ratchet.sessions import EndReason, open_session
from tests.admin.conftest import SESSIONS, act, page_of
from tests.admin.test_sessions import shown
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.starts

LOGIN = "/api-auth/login/"


@pytest.fixture
def user(alice: Any) -> Any:
    return alice


@pytest.fixture
def admin(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Client:
    """A browser of somebody who may do everything, by a model that knows of no permissions."""
    model: Any = get_user_model()
    staff = {"is_staff": True} if hasattr(model, "is_staff") else {}
    for name, value in (
        ("is_staff", True),
        ("is_active", True),
        ("has_perm", lambda *args: True),
        ("has_module_perms", lambda *args: True),
        # Since Django 6.1 its login() asks every user for one.
        ("get_session_auth_hash", lambda *args: "of-this-test"),
    ):
        if not hasattr(model, name):
            monkeypatch.setattr(model, name, value, raising=False)
    client = Client()
    client.force_login(make("root", **staff))
    return client


def test_sessions_are_found_and_ended(admin: Client, user: Any) -> None:
    session = open_session(user).session
    name = getattr(user, user.USERNAME_FIELD)

    for query in ({}, {"q": str(name)}, {"q": str(name)[:3]}, {"user": str(user.pk)}):
        assert shown(admin.get(SESSIONS, query)) == {str(session.pk)}, query
    for query in (
        *({"q": odd} for odd in ("nobody", "9" * 40, "-1", "1e9", "漢")),
        *({"user": odd} for odd in ("x", "9" * 40, "-1", "", "\0", "a,b")),
    ):
        assert shown(admin.get(SESSIONS, query)) == set(), query
    assert str(name) in admin.get(page_of(session)).content.decode()

    assert f"{name}: 1 active session" in act(admin, "end_all_of_users", [session]).content.decode()
    act(admin, "end_all_of_users", [session], post="yes")
    assert Session.objects.get().end_reason == EndReason.ADMIN
    assert "Ended." in admin.get(f"{SESSIONS}{session.pk}/history/").content.decode()


def test_the_form_signs_in(user: Any, settings: Any) -> None:
    rates = {"sign_in": "2/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    browser = Client(HTTP_ACCEPT="text/html")
    assert browser.get(LOGIN).status_code == 200

    def sign_in(password: str) -> Any:
        body = urlencode({"username": getattr(user, user.USERNAME_FIELD), "password": password})
        return browser.post(LOGIN, body, content_type="application/x-www-form-urlencoded")

    assert sign_in("wrong").status_code == 401
    assert sign_in(PASSWORD).status_code == 302
    assert Session.objects.get().user == user
    assert any(name.endswith("access-token") for name in browser.cookies)
    # Counted for the account, whatever the form calls it.
    assert [sign_in("wrong").status_code for _ in range(2)] == [401, 429]
