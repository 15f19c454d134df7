"""docs/howto/magic-code.md: its project, its requests, and its script in Chromium."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core import mail

from tests.allauth.headless import (
    NEW_PASSWORD,
    App,
    Browser,
    Headless,
    add_totp,
    mailed_code,
    mailed_key,
)
from tests.allauth.pages import Page, pending
from tests.allauth.test_flows import claims_of
from tests.allauth.test_step_up import step_up
from tests.fixtures import PASSWORD, payload

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

PAGE = Page("magic-code")
EMAIL = "bob@example.com"
UNKNOWN = "nobody@example.com"


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with PAGE.project():
        yield


@pytest.fixture
def bob(db: None) -> User:
    """A user without a password."""
    user = User.objects.create_user("bob", EMAIL)
    EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    return user


def demand_row(claims: dict[str, Any], name: str) -> None:
    assert claims.get("amr", []) == re.findall(r"`(\w+)`", PAGE.row(name)[1])


def test_app_signs_up_and_in(app: App, db: None) -> None:
    PAGE.follow(app, "POST", "auth/signup", {"email": EMAIL})
    PAGE.follow(app, "POST", "auth/email/verify", {"key": mailed_code()})
    demand_row(app.claims, "sign-up")
    other = App()
    PAGE.follow(other, "POST", "auth/code/request", {"email": EMAIL})
    PAGE.follow(other, "POST", "auth/code/confirm", {"code": mailed_code()})
    demand_row(other.claims, "mailed code")


@pytest.mark.parametrize("kind", [App, Browser])
def test_second_factor_is_asked_for(kind: type[Headless], bob: User) -> None:
    add_totp(bob)
    client = kind()
    client.post("auth/code/request", email=EMAIL)
    client.post("auth/code/confirm", code=mailed_code())
    assert client.answer.status_code == 401
    assert pending(client) == ["mfa_authenticate"]
    client.totp()
    demand_row(claims_of(client), "mailed code, for a user who has an authenticator app")


def test_step_up_by_another_code(app: App, bob: User) -> None:
    app.post("auth/code/request", email=EMAIL)
    app.post("auth/code/confirm", code=mailed_code())
    app.post("auth/reauthenticate/code/request", email=EMAIL)
    app.post("auth/reauthenticate/code/confirm", code=mailed_code())
    assert payload(step_up(app).json()["access"])["amr"] == ["otp"]


def test_code_counts_for_its_own_request_alone(app: App, bob: User) -> None:
    app.post("auth/code/request", email=EMAIL)
    code = mailed_code()
    thief = App()
    thief.post("auth/code/request", email=UNKNOWN)
    thief.post("auth/code/confirm", code=code)
    assert thief.answer.status_code == 400
    assert not thief.tokens


def demand_limit(name: str, app: App, code: str = "") -> None:
    """The response is the one of the page's table."""
    _, _, said, _ = PAGE.row(name)
    assert str(app.answer.status_code) in said
    if code:
        assert app.answer.json()["errors"][0]["code"] == code
        assert f"`{code}`" in said


def test_three_wrong_codes(app: App, bob: User) -> None:
    app.post("auth/code/request", email=EMAIL)
    code, name = mailed_code(), "wrong codes for one request"
    assert PAGE.row(name)[1] == "3"
    for _ in range(3):
        app.post("auth/code/confirm", code="WRNG-CODE")
        demand_limit(name, app, "incorrect_code")
    app.post("auth/code/confirm", code=code)
    assert app.answer.status_code == 409
    demand_limit(name, app)
    assert not app.tokens


@pytest.mark.parametrize(("seconds", "status"), [(170, 200), (190, 409)])
def test_old_code(app: App, bob: User, seconds: int, status: int) -> None:
    assert PAGE.row("life of a code")[1] == "3 minutes"
    with time_machine.travel("2030-01-01 12:00", tick=False) as clock:
        app.post("auth/code/request", email=EMAIL)
        clock.shift(seconds)
        app.post("auth/code/confirm", code=mailed_code())
    assert app.answer.status_code == status
    if status != 200:
        demand_limit("life of a code", app)


def test_requests_for_one_address(bob: User) -> None:
    name = "requests for one address"
    assert PAGE.row(name)[1] == "3 a minute"
    for email in (EMAIL, UNKNOWN):
        for number in range(4):
            app = App()
            app.post("auth/code/request", email=email)
            assert app.answer.status_code == (400 if number == 3 else 401)
        demand_limit(name, app, "too_many_login_attempts")


@pytest.mark.parametrize(("proxies", "last"), [(0, 400), (1, 401)])
def test_requests_from_one_network(db: None, settings: Any, proxies: int, last: int) -> None:
    """Behind a proxy every user comes from its address, unless the setting says so."""
    name = "requests from one network"
    assert PAGE.row(name)[1] == "20 a minute"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    app = App()
    for number in range(21):
        app.http.defaults["HTTP_X_FORWARDED_FOR"] = f"192.0.2.{number}"
        app.post("auth/code/request", email=f"user{number}@example.com")
        assert app.answer.status_code == (last if number == 20 else 401)
    if last == 400:
        demand_limit(name, app, "too_many_login_attempts")


def test_code_has_eight_letters(app: App, bob: User) -> None:
    app.post("auth/code/request", email=EMAIL)
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", mailed_code())


def seen(email: str) -> list[Any]:
    """Ask for a code as a stranger, and guess three times."""
    app, said = App(), []
    for path, body in [("request", {"email": email}), *[("confirm", {"code": "WRNG-CODE"})] * 4]:
        answer = app.post(f"auth/code/{path}", **body)
        answer.get("meta", {}).pop("session_token", None)
        said.append((app.answer.status_code, answer))
    return said


def test_address_without_an_account_looks_like_one_with(bob: User) -> None:
    known, unknown = seen(EMAIL), seen(UNKNOWN)
    assert known == unknown
    assert [status for status, _ in known] == [401, 400, 400, 400, 409]
    assert [one.to for one in mail.outbox] == [[EMAIL], [UNKNOWN]]


def test_mail_to_addresses_without_an_account(db: None, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
    seen(UNKNOWN)
    assert mail.outbox == []


def test_password_signs_nobody_in(app: App, alice: User) -> None:
    app.post("auth/login", email=alice.email, password=PASSWORD)
    assert app.answer.json()["errors"][0]["code"] == "no_active_account"
    app.post("auth/password/request", email=alice.email)
    app.post("auth/password/reset", key=mailed_key("reset"), password=NEW_PASSWORD)
    app.post("auth/login", email=alice.email, password=NEW_PASSWORD)
    assert app.answer.json()["errors"][0]["code"] == "no_active_account"
    assert not app.tokens


@pytest.mark.parametrize("policy", ["shop.policy.may_sign_in", None])
def test_password_of_whoever_signed_up_first(
    app: App, db: None, settings: Any, policy: str | None
) -> None:
    """Why a sign-up takes no password here, and what the policy is for."""
    settings.ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "SIGN_IN_POLICY": policy}
    thief = App()
    thief.post("auth/signup", email=EMAIL, password=NEW_PASSWORD)
    assert not thief.tokens
    app.post("auth/code/request", email=EMAIL)
    app.post("auth/code/confirm", code=mailed_code())
    assert app.is_in_ours()
    thief = App()
    thief.post("auth/login", email=EMAIL, password=NEW_PASSWORD)
    assert bool(thief.tokens) is (policy is None)


@pytest.mark.full
@pytest.mark.starts
def test_script_of_the_page(live_server: Any, chromium: str, bob: User) -> None:
    def look(page: Any) -> Any:
        page.expose_function("mailedCode", mailed_code)
        return page.evaluate(
            """async (email) => {
                const { requestCode, confirmCode } = await import("/code.js");
                await requestCode(email);
                const wrong = await confirmCode("WRNG-CODE");
                return [wrong, await confirmCode(await mailedCode())];
            }""",
            EMAIL,
        )

    wrong, answer = PAGE.run_script(chromium, live_server.url, look)
    assert wrong["errors"][0]["code"] == "incorrect_code"
    demand_row(payload(answer["access"]), "mailed code")
