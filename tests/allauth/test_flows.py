"""Each of allauth's sign-ins, in an app and in a browser: what the access token says of it.

``FLOWS`` is the table of docs/howto/allauth.md, and each of its cells is a test. A flow is a list
of steps. No step but the last one gives its client a token.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from allauth.headless.constants import Client, Flow
from allauth.headless.mfa.views import TrustView
from django.contrib.auth.models import User
from django.urls import path

from drf_ratchet.models import Session
from tests import console
from tests.allauth import test_app, test_browser
from tests.allauth import urls as urls_of_page
from tests.allauth.headless import (
    NEW_PASSWORD,
    OWN_PAGE,
    SECRET,
    App,
    Browser,
    Headless,
    add_recovery_codes,
    add_totp,
    mailed_code,
    mailed_key,
)
from tests.allauth.passkey import Passkey
from tests.allauth.phones import Phones
from tests.allauth.test_passkeys import by_passkey, register
from tests.allauth.test_step_up import step_up
from tests.fixtures import PASSWORD, payload

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

#: allauth adds this URL only with MFA_TRUST_ENABLED, which the other tests run without.
urlpatterns = [
    path("_allauth/browser/v1/auth/2fa/trust", TrustView.as_api_view(client=Client.BROWSER)),
    *urls_of_page.urlpatterns,
]

#: The page's example: the first class whose method was used is the token's ``acr``.
ACR_VALUES = {"phr": "hwk", "mfa": "mfa"}

Steps = list[Callable[[], Any]]


@dataclass(frozen=True)
class Row:
    """A row of the table: a flow, and what the token says in each client."""

    name: str
    begin: Callable[[Headless, User, Any], Steps]
    app: str | None
    browser: str | None
    #: allauth's names of the flows that it is made of.
    parts: frozenset[Flow]
    username: str

    @property
    def cells(self) -> list[str]:
        """The row as the page has it."""
        return [self.name, _cell(self.app), _cell(self.browser)]


def _cell(amr: str | None) -> str:
    if amr is None:
        return "not there"
    return ", ".join(f"`{value}`" for value in amr.split()) or "absent"


FLOWS: list[Row] = []


def flow(
    name: str,
    *parts: Flow,
    app: str | None,
    browser: str | None,
    username: str = "alice",
) -> Callable[[Callable[..., Steps]], Callable[..., Steps]]:
    def add(begin: Callable[..., Steps]) -> Callable[..., Steps]:
        FLOWS.append(Row(name, begin, app, browser, frozenset(parts), username))
        return begin

    return add


def prove(client: Headless, passkey: Passkey, where: str) -> None:
    """Answer the challenge of an endpoint by a passkey."""
    options = client.get(f"auth/webauthn/{where}")["data"]["request_options"]
    client.post(f"auth/webauthn/{where}", credential=passkey.get(options))


def new_passkey(user: User, *, synced: bool) -> Passkey:
    passkey = Passkey(synced=synced)
    register(passkey, user)
    return passkey


# Sign-ups


@flow("sign-up with a password", Flow.SIGNUP, Flow.VERIFY_EMAIL, app="", browser="", username="bob")
def sign_up(client: Headless, alice: User, settings: Any) -> Steps:
    account = {"username": "bob", "email": "bob@example.com", "password": PASSWORD}
    return [
        lambda: client.post("auth/signup", **account),
        lambda: client.post("auth/email/verify", key=mailed_code()),
    ]


@flow(
    "sign-up with a phone number",
    *(Flow.SIGNUP, Flow.VERIFY_PHONE, Flow.VERIFY_EMAIL),
    app="",
    browser="",
    username="bob",
)
def sign_up_with_phone(client: Headless, alice: User, settings: Any) -> Steps:
    settings.ACCOUNT_ADAPTER = "tests.allauth.phones.Phones"
    settings.ACCOUNT_SIGNUP_FIELDS = ["phone*", *settings.ACCOUNT_SIGNUP_FIELDS]
    account = {"username": "bob", "email": "bob@example.com", "password": PASSWORD}
    return [
        lambda: client.post("auth/signup", phone="+31612345678", **account),
        lambda: client.post("auth/phone/verify", code=Phones.sent[-1]),
        lambda: client.post("auth/email/verify", key=mailed_code()),
    ]


@flow(
    "sign-up with a passkey",
    *(Flow.SIGNUP, Flow.VERIFY_EMAIL, Flow.MFA_SIGNUP_WEBAUTHN),
    app="",
    browser="",
    username="bob",
)
def sign_up_with_passkey(client: Headless, alice: User, settings: Any) -> Steps:
    passkey = Passkey(synced=False)

    def create() -> None:
        options = client.get("auth/webauthn/signup")["data"]["creation_options"]
        body = {"name": "Phone", "credential": passkey.create(options)}
        client.send("PUT", "auth/webauthn/signup", body)

    return [
        lambda: client.post("auth/webauthn/signup", username="bob", email="bob@example.com"),
        lambda: client.post("auth/email/verify", key=mailed_code()),
        create,
    ]


# Passwords


@flow("password", Flow.LOGIN, app="pwd", browser="pwd")
def password(client: Headless, alice: User, settings: Any) -> Steps:
    return [client.password]


@flow(
    "password, then an authenticator app",
    *(Flow.LOGIN, Flow.MFA_AUTHENTICATE),
    app="pwd otp mfa",
    browser="pwd otp mfa",
)
def password_and_totp(client: Headless, alice: User, settings: Any) -> Steps:
    add_totp(alice)
    return [client.password, client.totp]


@flow(
    "password, then a recovery code",
    *(Flow.LOGIN, Flow.MFA_AUTHENTICATE),
    app="pwd otp mfa",
    browser="pwd otp mfa",
)
def password_and_recovery_code(client: Headless, alice: User, settings: Any) -> Steps:
    add_totp(alice)
    code = add_recovery_codes(alice)[0]
    return [client.password, lambda: client.post("auth/2fa/authenticate", code=code)]


@flow(
    "password, then a passkey that is synced",
    *(Flow.LOGIN, Flow.MFA_AUTHENTICATE),
    app="pwd swk mfa",
    browser="pwd swk mfa",
)
def password_and_synced_passkey(client: Headless, alice: User, settings: Any) -> Steps:
    passkey = new_passkey(alice, synced=True)
    return [client.password, lambda: prove(client, passkey, "authenticate")]


@flow(
    "password, then a passkey of this device alone",
    *(Flow.LOGIN, Flow.MFA_AUTHENTICATE),
    app="pwd hwk mfa",
    browser="pwd hwk mfa",
)
def password_and_bound_passkey(client: Headless, alice: User, settings: Any) -> Steps:
    passkey = new_passkey(alice, synced=False)
    return [client.password, lambda: prove(client, passkey, "authenticate")]


@flow(
    "password, then a mailed code (`ACCOUNT_LOGIN_BY_CODE_REQUIRED`)",
    *(Flow.LOGIN, Flow.LOGIN_BY_CODE),
    app="pwd otp mfa",
    browser="pwd otp mfa",
)
def password_and_mailed_code(client: Headless, alice: User, settings: Any) -> Steps:
    settings.ACCOUNT_LOGIN_BY_CODE_REQUIRED = True
    return [client.password, lambda: client.post("auth/code/confirm", code=mailed_code())]


@flow(
    "password, in a browser that the user trusts (`MFA_TRUST_ENABLED`)",
    *(Flow.LOGIN, Flow.MFA_AUTHENTICATE, Flow.MFA_TRUST),
    app=None,
    browser="pwd",
)
def password_in_trusted_browser(client: Browser, alice: User, settings: Any) -> Steps:
    settings.MFA_TRUST_ENABLED = True
    settings.ROOT_URLCONF = __name__
    add_totp(alice)
    for step in (client.password, client.totp):
        step()
        demand_nothing(client)
    client.post("auth/2fa/trust", trust=True)
    assert client.exchange().status_code == 200
    return [client.password]


# Passkeys


@flow("passkey that is synced", Flow.MFA_LOGIN_WEBAUTHN, app="swk", browser="swk")
def synced_passkey(client: Headless, alice: User, settings: Any) -> Steps:
    passkey = new_passkey(alice, synced=True)
    return [lambda: by_passkey(client, passkey)]


@flow("passkey of this device alone", Flow.MFA_LOGIN_WEBAUTHN, app="hwk", browser="hwk")
def bound_passkey(client: Headless, alice: User, settings: Any) -> Steps:
    passkey = new_passkey(alice, synced=False)
    return [lambda: by_passkey(client, passkey)]


# Codes


def ask_for_code(client: Headless, alice: User) -> Callable[[], Any]:
    return lambda: client.post("auth/code/request", email=alice.email)


def send_code(client: Headless) -> Callable[[], Any]:
    return lambda: client.post("auth/code/confirm", code=mailed_code())


@flow("mailed code", Flow.LOGIN_BY_CODE, app="otp", browser="otp")
def code_by_mail(client: Headless, alice: User, settings: Any) -> Steps:
    return [ask_for_code(client, alice), send_code(client)]


@flow("code by text message", Flow.LOGIN_BY_CODE, app="sms", browser="sms")
def code_by_text_message(client: Headless, alice: User, settings: Any) -> Steps:
    settings.ACCOUNT_ADAPTER = "tests.allauth.phones.Phones"
    settings.ACCOUNT_LOGIN_METHODS = {"phone", "username", "email"}
    Phones().set_phone(alice, "+31612345678", True)
    return [
        lambda: client.post("auth/code/request", phone="+31612345678"),
        lambda: client.post("auth/code/confirm", code=Phones.sent[-1]),
    ]


@flow(
    "mailed code, then an authenticator app or a recovery code",
    *(Flow.LOGIN_BY_CODE, Flow.MFA_AUTHENTICATE),
    app="otp mfa",
    browser="otp mfa",
)
def code_by_mail_and_recovery_code(client: Headless, alice: User, settings: Any) -> Steps:
    add_totp(alice)
    code = add_recovery_codes(alice)[0]
    return [
        ask_for_code(client, alice),
        send_code(client),
        lambda: client.post("auth/2fa/authenticate", code=code),
    ]


@flow(
    "mailed code, then a passkey of this device alone",
    *(Flow.LOGIN_BY_CODE, Flow.MFA_AUTHENTICATE),
    app="otp hwk mfa",
    browser="otp hwk mfa",
)
def code_by_mail_and_passkey(client: Headless, alice: User, settings: Any) -> Steps:
    passkey = new_passkey(alice, synced=False)
    return [
        ask_for_code(client, alice),
        send_code(client),
        lambda: prove(client, passkey, "authenticate"),
    ]


# Password resets that sign in


@flow("password reset by a link, which signs in", app="otp", browser="otp")
def reset_by_link(client: Headless, alice: User, settings: Any) -> Steps:
    settings.ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
    return [
        lambda: client.post("auth/password/request", email=alice.email),
        lambda: client.post("auth/password/reset", key=mailed_key("reset"), password=NEW_PASSWORD),
    ]


@flow(
    "password reset by a code, which signs in",
    Flow.PASSWORD_RESET_BY_CODE,
    app="otp",
    browser="otp",
)
def reset_by_code(client: Headless, alice: User, settings: Any) -> Steps:
    settings.ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
    settings.ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
    return [
        lambda: client.post("auth/password/request", email=alice.email),
        lambda: client.post("auth/password/reset", key=mailed_code(), password=NEW_PASSWORD),
    ]


@flow(
    "password reset, then an authenticator app",
    Flow.MFA_AUTHENTICATE,
    app="otp mfa",
    browser="otp mfa",
)
def reset_and_totp(client: Headless, alice: User, settings: Any) -> Steps:
    add_totp(alice)
    return [*reset_by_link(client, alice, settings), client.totp]


# Social accounts


def provider(client: Headless) -> None:
    """Sign in as carol: an app by the provider's token, a browser by a redirect."""
    if isinstance(client, App):
        test_app.by_provider(client)
    else:
        assert isinstance(client, Browser)
        test_browser.by_provider(client)


@flow(
    "social account",
    *(Flow.PROVIDER_TOKEN, Flow.PROVIDER_REDIRECT),
    app="",
    browser="",
    username="carol",
)
def social_account(client: Headless, alice: User, settings: Any) -> Steps:
    return [lambda: provider(client)]


@flow(
    "social account, whose sign-up asks for more",
    *(Flow.PROVIDER_TOKEN, Flow.PROVIDER_REDIRECT, Flow.PROVIDER_SIGNUP),
    app="",
    browser="",
    username="carol",
)
def social_sign_up(client: Headless, alice: User, settings: Any) -> Steps:
    settings.SOCIALACCOUNT_AUTO_SIGNUP = False
    account = {"username": "carol", "email": "carol@example.com"}
    return [lambda: provider(client), lambda: client.post("auth/provider/signup", **account)]


@flow(
    "social account, then an authenticator app",
    *(Flow.PROVIDER_TOKEN, Flow.PROVIDER_REDIRECT, Flow.MFA_AUTHENTICATE),
    app="otp mfa",
    browser="otp mfa",
    username="carol",
)
def social_account_and_totp(client: Headless, alice: User, settings: Any) -> Steps:
    first = App()
    provider(first)
    first.send("DELETE", "auth/session")
    add_totp(User.objects.get(username="carol"))
    return [lambda: provider(client), client.totp]


# Reauthentication: an app steps up, a browser signs in again


def once_more(
    client: Headless, sign_in: Steps, *, in_app: Steps, in_browser: Steps | None = None
) -> Steps:
    """Sign in an hour ago. Return the steps to a token with a new ``auth_time``."""
    for step in sign_in:
        step()
    if isinstance(client, Browser):
        assert client.exchange().status_code == 200
    hour_ago()
    if isinstance(client, Browser):
        return in_browser or sign_in
    return [*in_app, lambda: up(client)]


def up(client: Headless) -> None:
    """Exchange the proof for a new pair."""
    assert isinstance(client, App)
    new = step_up(client).json()
    client.tokens = {"access_token": new["access"], "refresh_token": new["refresh"]}


@flow("reauthentication by password", Flow.REAUTHENTICATE, Flow.LOGIN, app="pwd", browser="pwd")
def again_by_password(client: Headless, alice: User, settings: Any) -> Steps:
    return once_more(
        client,
        [client.password],
        in_app=[lambda: client.post("auth/reauthenticate", password=PASSWORD)],
    )


@flow(
    "reauthentication by a mailed code",
    *(Flow.REAUTHENTICATE_BY_CODE, Flow.LOGIN_BY_CODE),
    app="otp",
    browser="otp",
)
def again_by_mailed_code(client: Headless, alice: User, settings: Any) -> Steps:
    where = "auth/reauthenticate/code"
    return once_more(
        client,
        [ask_for_code(client, alice), send_code(client)],
        in_app=[
            lambda: client.post(f"{where}/request", email=alice.email),
            lambda: client.post(f"{where}/confirm", code=mailed_code()),
        ],
    )


@flow(
    "reauthentication by an authenticator app (a browser: by password and app)",
    *(Flow.MFA_REAUTHENTICATE, Flow.LOGIN, Flow.MFA_AUTHENTICATE),
    app="otp",
    browser="pwd otp mfa",
)
def again_by_totp(client: Headless, alice: User, settings: Any) -> Steps:
    add_totp(alice)
    code = add_recovery_codes(alice)[0]  # one of the app counts once
    return once_more(
        client,
        [client.password, lambda: client.post("auth/2fa/authenticate", code=code)],
        in_app=[lambda: client.post("auth/2fa/reauthenticate", code=pyotp.TOTP(SECRET).now())],
        in_browser=[client.password, client.totp],
    )


@flow(
    "reauthentication by a passkey of this device alone",
    *(Flow.MFA_REAUTHENTICATE, Flow.MFA_LOGIN_WEBAUTHN),
    app="hwk",
    browser="hwk",
)
def again_by_passkey(client: Headless, alice: User, settings: Any) -> Steps:
    passkey = new_passkey(alice, synced=False)
    return once_more(
        client,
        [lambda: by_passkey(client, passkey)],
        in_app=[lambda: prove(client, passkey, "reauthenticate")],
    )


# The tests


def demand_nothing(client: Headless) -> None:
    """An unfinished flow has no token, and cannot get one."""
    if isinstance(client, App):
        assert "access_token" not in (client.answer.json().get("meta") or {})
    else:
        assert isinstance(client, Browser)
        assert client.exchange().status_code == 401


def pending(client: Headless) -> set[Flow]:
    """What the client learns of the flow that it is in."""
    listed = client.get("auth/session")["data"].get("flows", ())
    return {Flow(one["id"]) for one in listed if one.get("is_pending")}


def claims_of(client: Headless) -> dict[str, Any]:
    """Read the access token of a finished flow."""
    if isinstance(client, App):
        return client.claims
    assert isinstance(client, Browser)
    answer = client.exchange()
    assert answer.status_code == 200, answer.content
    return payload(answer.json()["access"])


def refreshed(client: Headless) -> dict[str, Any]:
    """Refresh, and read the new access token."""
    if isinstance(client, App):
        assert client.refresh().status_code == 200
        return client.claims
    body = {"content_type": "application/json", **OWN_PAGE}
    answer = client.http.post("/api/browser/refresh/", **body)
    return payload(answer.json()["access"])


def hour_ago() -> None:
    """Move the last proof of every session back."""
    Session.objects.update(auth_time=datetime.now(UTC) - timedelta(hours=1))


def demand_cell(row: Row, client: Headless, amr: list[str], settings: Any) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ACR_VALUES": ACR_VALUES}
    alice = User.objects.get(username="alice")
    *unfinished, last = row.begin(client, alice, settings)
    held = dict(getattr(client, "tokens", {}))
    for step in unfinished:
        step()
        demand_nothing(client)
        assert pending(client) <= row.parts
        assert getattr(client, "tokens", {}) == held
    begun = int(time.time())
    last()
    claims = claims_of(client)
    assert claims["sub"] == str(User.objects.get(username=row.username).pk)
    assert begun <= claims["auth_time"] <= time.time()
    assert claims.get("amr", []) == amr
    assert ("amr" in claims) == bool(amr)
    assert claims.get("acr") == next((acr for acr, one in ACR_VALUES.items() if one in amr), None)
    # A refresh proves nothing, and without names for classes there is none.
    hour_ago()
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ACR_VALUES": {}}
    claims = refreshed(client)
    assert begun - 3700 < claims["auth_time"] < begun - 3500
    assert claims.get("amr", []) == amr
    assert "acr" not in claims


def cells_of(client: str) -> list[Any]:
    """Return each row that a client has, and what its token says."""
    return [
        pytest.param(row, amr.split(), id=row.name)
        for row in FLOWS
        if (amr := getattr(row, client)) is not None
    ]


@pytest.mark.parametrize(("row", "amr"), cells_of("app"))
def test_token_of_an_app(row: Row, amr: list[str], app: App, alice: User, settings: Any) -> None:
    demand_cell(row, app, amr, settings)


@pytest.mark.parametrize(("row", "amr"), cells_of("browser"))
def test_token_of_a_browser(
    row: Row, amr: list[str], browser: Browser, alice: User, settings: Any
) -> None:
    demand_cell(row, browser, amr, settings)


@pytest.mark.any_database
def test_page_has_the_same_table() -> None:
    text = (console.ROOT / "docs" / "howto" / "allauth.md").read_text()
    section = text.split("\n## What a sign-in proves\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert shown[0] == ["flow", "`amr` in an app", "`amr` in a browser"]
    assert shown[2:] == [row.cells for row in FLOWS]
    assert '"ACR_VALUES": {"phr": "hwk", "mfa": "mfa"}' in section


@pytest.mark.any_database
def test_table_leaves_no_flow_of_allauth_out() -> None:
    assert set(Flow) == {part for row in FLOWS for part in row.parts}
