"""docs/howto/registration.md with allauth."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.allauth.headless import (
    NEW_PASSWORD,
    App,
    Browser,
    add_totp,
    mailed_code,
    mailed_key,
)
from tests.allauth.pages import Page, pending
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

PAGE = Page("registration")


def test_sign_up(app: App, db: None) -> None:
    body = {"username": "bob", "email": "bob@example.com", "password": PASSWORD}
    PAGE.follow(app, "POST", "auth/signup", body)
    PAGE.follow(app, "POST", "auth/email/verify", {"key": mailed_code()})
    assert "amr" not in app.claims
    assert app.is_in_ours()


def reset(app: App) -> None:
    PAGE.follow(app, "POST", "auth/password/request", {"email": "alice@example.com"})
    body = {"key": mailed_key("reset"), "password": NEW_PASSWORD}
    PAGE.follow(app, "POST", "auth/password/reset", body)


def test_reset_ends_all_sessions(app: App, browser: Browser, alice: User) -> None:
    device = App()
    device.password()
    browser.password()
    browser.exchange()
    reset(app)
    refused = device.refresh()
    assert (refused.status_code, refused.json()["reason"]) == (401, "password_changed")
    assert PAGE.row("a refresh token")[1] == "401 `token_not_valid`, reason `password_changed`"
    assert not device.is_in_ours()
    assert not device.is_in_allauth()
    assert PAGE.row("allauth's `X-Session-Token`")[1] == str(device.answer.status_code)
    assert browser.ours() is None
    app.password(NEW_PASSWORD)
    assert app.is_in_ours()


def test_reset_that_signs_in(app: App, alice: User, settings: Any) -> None:
    settings.ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
    app.post("auth/password/request", email=alice.email)
    app.post("auth/password/reset", key=mailed_key("reset"), password=NEW_PASSWORD)
    assert app.claims["amr"] == ["otp"]


def test_second_factor_after_a_reset(app: App, alice: User, settings: Any) -> None:
    settings.ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
    add_totp(alice)
    app.post("auth/password/request", email=alice.email)
    app.post("auth/password/reset", key=mailed_key("reset"), password=NEW_PASSWORD)
    assert app.answer.status_code == 401
    assert pending(app) == ["mfa_authenticate"]
    assert not app.tokens
