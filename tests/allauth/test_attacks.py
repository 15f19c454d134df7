"""Unfinished sign-ins hold no access token, whatever their client calls."""

import json
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.urls import URLPattern, URLResolver, get_resolver

from drf_ratchet.allauth.models import LinkedSession
from drf_ratchet.models import Session
from tests.allauth import test_app
from tests.allauth.headless import SECRET, App, Browser, Headless, add_totp
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: Where allauth 65.22 itself fails without a user.
FAILING = ("/account/phone", "/auth/webauthn/signup")
#: A body that has most of what these endpoints ask for, and no proof.
BODY = {
    "username": "alice",
    "email": "alice@example.com",
    "password": "wrong",
    "current_password": "wrong",
    "new_password": "another-ratchet-2",
    "code": "000000",
    "key": "000000",
    "trust": True,
    "credential": {},
    "refresh_token": "x",
    "provider": "dummy",
    "process": "login",
    "token": {"id_token": "x"},
    "callback_url": "/",
    "refresh": "x",
}


def paths(patterns: Any, prefix: str = "") -> Iterator[str]:
    for one in patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from paths(one.url_patterns, path)
        elif isinstance(one, URLPattern) and "<" not in path and "(" not in path:
            yield "/" + path


def pending(client: Headless, user: User, stage: str) -> None:
    if stage == "second factor":
        add_totp(user)
        client.password()
    elif stage == "address":
        client.post("auth/signup", username="bob", email="bob@example.com", password=PASSWORD)
    else:
        client.post("auth/code/request", email=user.email)
    assert client.answer.status_code == 401


@pytest.mark.parametrize("stage", ["second factor", "address", "code"])
@pytest.mark.parametrize("kind", [App, Browser])
@pytest.mark.any_database
@pytest.mark.full
def test_unfinished_sign_in_calls_every_endpoint(
    kind: type[Headless], stage: str, alice: User
) -> None:
    """Its Django session is restored before each call, because some calls give the sign-in up."""
    calls = [(path, method) for path in paths(get_resolver().url_patterns) for method in METHODS]
    assert len(calls) > 200
    client = kind()
    client.http.raise_request_exception = False
    pending(client, alice, stage)
    kept = {name: morsel.value for name, morsel in client.http.cookies.items()}
    headers = client.headers()
    session = headers.get("HTTP_X_SESSION_TOKEN") or kept["sessionid"]
    contents = dict(SessionStore(session).items())
    for path, method in calls:
        stored = SessionStore(session)
        stored.update(contents)
        stored.save()
        client.http.cookies.clear()
        for name, value in kept.items():
            client.http.cookies[name] = value
        answer = client.http.generic(
            method, path, json.dumps(BODY), content_type="application/json", **headers
        )
        text = answer.content.decode(errors="replace")
        assert answer.status_code < 500 or path.endswith(FAILING), (method, path)
        assert "access_token" not in text, (method, path)
        assert '"access"' not in text, (method, path)
        assert not any("refresh-token" in name for name in answer.cookies), (method, path)
    assert not Session.objects.exists()
    assert not LinkedSession.objects.exists()


def test_pending_session_token_opens_nothing_of_ours(app: App, alice: User) -> None:
    add_totp(alice)
    app.password()
    for token in (app.session_token, f"Bearer {app.session_token}"):
        answer = app.http.get("/api/sessions/", HTTP_AUTHORIZATION=token)
        assert answer.status_code == 401


def test_session_fixation(alice: User) -> None:
    """An attacker gives the victim's app a session token, which the victim signs in with."""
    add_totp(alice)
    attacker, victim = App(), App()
    attacker.post("auth/code/request", email="nobody@example.com")
    victim.session_token = planted = attacker.session_token
    victim.password()
    victim.totp()
    assert victim.is_in_ours()
    assert victim.session_token != planted
    assert not attacker.is_in_allauth()
    assert not attacker.tokens
    assert attacker.answer.status_code == 410


def test_second_factor_of_another_user(app: App, alice: User) -> None:
    """A code of the attacker's own app does not finish the sign-in of the victim."""
    add_totp(alice)
    app.password()
    app.post("auth/2fa/authenticate", code=pyotp.TOTP(SECRET[::-1].replace("1", "A")).now())
    assert app.answer.status_code == 400
    assert not app.tokens


def test_totp_code_is_used_once(alice: User) -> None:
    add_totp(alice)
    code = pyotp.TOTP(SECRET).now()
    first, second = App(), App()
    for app in (first, second):
        app.password()
        app.post("auth/2fa/authenticate", code=code)
    assert first.is_in_ours()
    assert not second.tokens


def test_old_proof_does_not_count(app: App, alice: User, policy: Any) -> None:
    """A password of an attempt that was given up long ago says nothing about this sign-in."""
    test_app.asked.clear()
    policy("tests.allauth.test_app.record")
    add_totp(alice)
    app.password()
    stored = SessionStore(app.session_token)
    stored[AUTHENTICATION_METHODS_SESSION_KEY][0]["at"] -= 16 * 60
    stored.save()
    app.totp()
    assert app.is_in_ours()
    assert test_app.asked == [("otp",)]


def test_session_that_was_signed_in_without_the_strategy(app: App, alice: User) -> None:
    """As before the project has changed the strategy: it has no session of ours."""
    app.password()
    LinkedSession._base_manager.all()._raw_delete("default")  # type: ignore[attr-defined]
    assert not app.is_in_allauth()
    assert app.answer.status_code == 410


def test_ended_session_as_a_cookie(app: App, browser: Browser, alice: User) -> None:
    """The key of an app's Django session is not a way around the end of ours."""
    app.password()
    app.ours("POST", "logout/")
    browser.http.cookies["sessionid"] = app.session_token
    browser.get("auth/session")
    assert browser.answer.status_code == 401
