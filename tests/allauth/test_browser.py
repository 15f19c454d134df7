"""allauth's browser client: its Django session is exchanged for our cookies, once."""

import json
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session as DjangoSession
from django.core.management import call_command

from drf_ratchet.allauth import exchanging, links
from drf_ratchet.models import Session
from tests.allauth.headless import (
    NEW_PASSWORD,
    OWN_PAGE,
    App,
    Browser,
    add_recovery_codes,
    add_totp,
    mailed_code,
    mailed_key,
)
from tests.fixtures import PASSWORD, payload

pytestmark = pytest.mark.django_db(transaction=True)

asked: list[tuple[str, ...]] = []


def record(user: Any, *, amr: tuple[str, ...], session: Any, **others: Any) -> bool:
    if session is None:
        asked.append(amr)
    return True


def refuse(user: Any, **others: Any) -> bool:
    return False


@pytest.fixture
def amr(policy: Any) -> list[tuple[str, ...]]:
    """What each sign-in says of itself."""
    asked.clear()
    policy(f"{__name__}.record")
    return asked


def demand_exchanged(browser: Browser, name: str = "alice") -> None:
    """The browser is signed in by our cookies, and its Django session is gone."""
    key = browser.http.cookies["sessionid"].value
    assert not Session.objects.filter(ended_at=None).exists()
    answer = browser.exchange()
    assert answer.status_code == 200, answer.content
    assert answer.json()["expires_in"] == 300
    assert payload(answer.json()["access"])["sub"] == str(User.objects.get(username=name).pk)
    assert browser.ours()["username"] == name
    assert not DjangoSession.objects.filter(session_key=key).exists()
    assert browser.http.cookies["sessionid"].value == ""
    browser.get("auth/session")
    assert browser.answer.status_code == 401
    refresh = {"path": "/api/browser/refresh/", "content_type": "application/json", **OWN_PAGE}
    assert browser.http.post(**refresh).status_code == 200


def test_password(browser: Browser, alice: User, amr: Any) -> None:
    said = browser.password()
    assert said["meta"] == {"is_authenticated": True}
    demand_exchanged(browser)
    assert amr == [("pwd",)]


def test_sign_up_with_code_by_mail(browser: Browser, db: None, amr: Any) -> None:
    browser.post("auth/signup", username="bob", email="bob@example.com", password=PASSWORD)
    assert browser.exchange().status_code == 401
    browser.post("auth/email/verify", key=mailed_code())
    demand_exchanged(browser, "bob")
    assert amr == [()]


def test_code_by_mail(browser: Browser, alice: User, amr: Any) -> None:
    browser.post("auth/code/request", email=alice.email)
    assert browser.exchange().status_code == 401
    browser.post("auth/code/confirm", code=mailed_code())
    demand_exchanged(browser)
    assert amr == [("otp",)]


def test_password_and_totp(browser: Browser, alice: User, amr: Any) -> None:
    add_totp(alice)
    browser.password()
    assert browser.exchange().status_code == 401
    assert not Session.objects.exists()
    browser.totp()
    demand_exchanged(browser)
    assert amr == [("pwd", "otp", "mfa")]


def test_password_and_recovery_code(browser: Browser, alice: User, amr: Any) -> None:
    add_totp(alice)
    browser.password()
    browser.post("auth/2fa/authenticate", code=add_recovery_codes(alice)[0])
    demand_exchanged(browser)
    assert amr == [("pwd", "otp", "mfa")]


def test_redirect_to_provider(browser: Browser, amr: Any, db: None) -> None:
    by_provider(browser)
    demand_exchanged(browser, "carol")
    assert amr == [()]


def by_provider(browser: Browser) -> None:
    token = browser.http.cookies["csrftoken"].value
    to_provider = browser.http.post(
        "/_allauth/browser/v1/auth/provider/redirect",
        {
            "provider": "dummy",
            "callback_url": "/signed-in",
            "process": "login",
            "csrfmiddlewaretoken": token,
        },
    )
    form = {"id": 7, "email": "carol@example.com", "email_verified": "on", "username": "carol"}
    back = browser.http.post(to_provider["Location"], {**form, "csrfmiddlewaretoken": token})
    assert back["Location"] == "/signed-in", back["Location"]


def test_password_reset(browser: Browser, alice: User, settings: Any, amr: Any) -> None:
    settings.ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
    before = Browser()
    before.password()
    before.exchange()
    browser.post("auth/password/request", email=alice.email)
    browser.post("auth/password/reset", key=mailed_key("reset"), password=NEW_PASSWORD)
    assert before.ours() is None
    demand_exchanged(browser)
    assert amr[-1] == ("otp",)


def test_password_change_before_the_exchange(browser: Browser, alice: User) -> None:
    app = App()
    app.password()
    browser.password()
    browser.post("account/password/change", current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert not app.is_in_ours()
    assert not app.is_in_allauth()
    demand_exchanged(browser)


def test_logout_in_allauth_leaves_nothing_to_exchange(browser: Browser, alice: User) -> None:
    browser.password()
    browser.send("DELETE", "auth/session")
    assert browser.exchange().status_code == 401


def test_access_token_in_a_cookie(browser: Browser, alice: User, settings: Any) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ACCESS_TOKEN_COOKIE": True}
    browser.password()
    assert browser.exchange().json() == {"expires_in": 300}
    assert browser.ours()["username"] == "alice"


def test_session_of_the_same_browser_is_replaced(browser: Browser, alice: User) -> None:
    for _ in range(2):
        browser.password()
        assert browser.exchange().status_code == 200
    assert sorted(Session.objects.values_list("end_reason", flat=True)) == ["", "replaced"]


def test_signals_are_sent_once_and_the_exchange_is_no_logout(browser: Browser, alice: User) -> None:
    sent: list[str] = []
    receivers: list[tuple[Any, Callable[..., None]]] = [
        (user_logged_in, lambda **kwargs: sent.append("in")),
        (user_logged_out, lambda **kwargs: sent.append("out")),
    ]
    for signal, receiver in receivers:
        signal.connect(receiver)
    try:
        browser.password()
        browser.exchange()
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver)
    assert sent == ["in"]


def test_list_of_allauth_does_not_end_an_exchanged_session(browser: Browser, alice: User) -> None:
    """allauth removes the entry of the deleted Django session from its list."""
    browser.password()
    browser.exchange()
    app = App()
    app.password()
    assert len(app.get("auth/sessions")["data"]) == 1
    assert browser.ours()["username"] == "alice"


def test_refused_by_policy(browser: Browser, alice: User, policy: Any) -> None:
    policy(f"{__name__}.refuse")
    browser.password()
    assert browser.exchange().json()["code"] == "no_active_account"
    assert browser.ours() is None
    browser.get("auth/session")
    assert browser.answer.status_code == 401


# Attacks


def test_exchange_twice(browser: Browser, alice: User) -> None:
    browser.password()
    cookie = browser.http.cookies["sessionid"].value
    assert browser.exchange().status_code == 200
    browser.http.cookies["sessionid"] = cookie
    assert browser.exchange().status_code == 401
    assert Session.objects.count() == 1


def test_exchange_twice_at_the_same_time(browser: Browser, alice: User) -> None:
    """Both requests have read the Django session before either deletes it."""
    browser.password()
    real, codes = links.claim, []

    def claim(key: str) -> Any:
        if not codes:
            codes.append(0)
            other = Browser()
            other.http.cookies["sessionid"] = key
            codes.append(other.exchange().status_code)
        return real(key)

    with patch.object(links, "claim", claim):
        codes.append(browser.exchange().status_code)
    assert codes == [0, 200, 401]
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_ORIGIN": "https://evil.example", "HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_ORIGIN": "https://evil.testserver", "HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "none"},
    ],
)
def test_exchange_from_another_origin(
    browser: Browser, alice: User, headers: dict[str, str]
) -> None:
    browser.password()
    assert browser.exchange(**headers).status_code == 403
    assert not Session.objects.exists()
    assert browser.exchange().status_code == 200  # nothing was used up


@pytest.mark.parametrize("token", ["", "x" * 32])
def test_exchange_without_csrf(browser: Browser, alice: User, token: str) -> None:
    browser.password()
    assert browser.exchange(HTTP_X_CSRFTOKEN=token).status_code == 403
    assert not Session.objects.exists()


def test_csrf_token_changes_with_the_exchange(browser: Browser, alice: User) -> None:
    browser.password()
    before = browser.http.cookies["csrftoken"].value
    browser.exchange()
    assert browser.http.cookies["csrftoken"].value != before


def test_exchange_without_a_session(browser: Browser, db: None) -> None:
    assert browser.exchange().status_code == 401


def test_exchange_of_an_old_session(browser: Browser, alice: User) -> None:
    browser.password()
    late = time.time() + exchanging.EXCHANGED_WITHIN + 1
    with patch.object(exchanging.time, "time", return_value=late):
        assert browser.exchange().status_code == 401


def test_exchange_of_a_session_that_allauth_did_not_sign_in(alice: User) -> None:
    """As of Django's admin, or of a login view of the project."""
    browser = Browser()
    browser.http.force_login(alice, "allauth.account.auth_backends.AuthenticationBackend")
    assert browser.exchange().status_code == 401
    assert not Session.objects.exists()


def test_exchange_of_an_apps_session(app: App, browser: Browser, alice: User) -> None:
    app.password()
    browser.http.cookies["sessionid"] = app.session_token
    assert browser.exchange().status_code == 401
    assert Session.objects.count() == 1


def test_session_token_of_a_browser_is_none_of_an_app(browser: Browser, alice: User) -> None:
    browser.password()
    app = App()
    app.session_token = browser.http.cookies["sessionid"].value
    assert not app.is_in_allauth()
    assert app.answer.status_code == 410


def test_session_fixation(alice: User) -> None:
    """An attacker plants the cookie of a session of theirs, and its victim signs in."""
    add_totp(alice)
    attacker = Browser()
    attacker.post("auth/code/request", email="nobody@example.com")
    victim = Browser()
    victim.http.cookies["sessionid"] = planted = attacker.http.cookies["sessionid"].value
    for step in (victim.password, victim.totp):
        step()
        assert attacker.exchange().status_code == 401
    assert victim.http.cookies["sessionid"].value != planted
    assert victim.exchange().status_code == 200
    thief = Browser()
    thief.http.cookies["sessionid"] = planted
    assert thief.exchange().status_code == 401
    assert Session.objects.count() == 1


def test_app_gets_no_cookie(app: App, alice: User) -> None:
    app.password()
    assert not app.http.cookies


def test_description_of_our_endpoints(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--format=openapi-json", "--validate", "--fail-on-warn")
    described = json.loads(capsys.readouterr().out)
    exchange = described["paths"]["/api/browser/session/exchange/"]["post"]
    assert exchange["security"] == [{"cookieAuth": []}]
    assert exchange["responses"].keys() == {"200", "401", "403"}
    body = exchange["responses"]["200"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/BrowserTokens"}
    assert "requestBody" not in exchange
    step_up = described["paths"]["/api/step-up/allauth/"]["post"]
    assert step_up["security"] == [{"jwtAuth": []}]
    assert {one["name"] for one in step_up["parameters"]} == {"X-Session-Token", "Idempotency-Key"}
