"""docs/howto/passkeys.md: its project, its requests, and its script in Chromium."""

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from rest_framework.test import APIRequestFactory

from tests.allauth.headless import NEW_PASSWORD, App, mailed_code, mailed_key
from tests.allauth.pages import Page, pending
from tests.allauth.passkey import Passkey
from tests.allauth.test_passkeys import by_passkey
from tests.allauth.test_step_up import step_up
from tests.fixtures import PASSWORD, payload

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

PAGE = Page("passkeys")
EMAIL = "bob@example.com"


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with PAGE.project():
        yield


@pytest.fixture
def passkey() -> Passkey:
    return Passkey(synced=False, origin="https://testserver")


def sign_up(app: App, passkey: Passkey) -> User:
    PAGE.follow(app, "POST", "auth/webauthn/signup", {"email": EMAIL})
    PAGE.follow(app, "POST", "auth/email/verify", {"key": mailed_code()})
    options = PAGE.follow(app, "GET", "auth/webauthn/signup")["data"]["creation_options"]
    body = {"credential": passkey.create(options), "name": "Phone"}
    PAGE.follow(app, "PUT", "auth/webauthn/signup", body)
    return User.objects.get(email=EMAIL)


def delete_account(token: str) -> Any:
    request = APIRequestFactory().delete("/", headers={"authorization": f"Bearer {token}"})
    return sys.modules["shop.views"].DeleteAccount.as_view()(request)


def demand_row(claims: dict[str, Any], name: str) -> None:
    """The token says what the page's table says of this sign-in."""
    _, amr, acr = PAGE.row(name)
    assert claims.get("amr", []) == re.findall(r"`(\w+)`", amr)
    assert claims.get("acr") == (acr.strip("`") if acr != "absent" else None)


def test_app_signs_up_and_in(app: App, db: None, passkey: Passkey) -> None:
    user = sign_up(app, passkey)
    assert not user.has_usable_password()
    demand_row(app.claims, "sign-up")
    other = App()
    options = PAGE.follow(other, "GET", "auth/webauthn/login")["data"]["request_options"]
    PAGE.follow(other, "POST", "auth/webauthn/login", {"credential": passkey.get(options)})
    demand_row(other.claims, "passkey that cannot be copied to another device")


def test_synced_passkey(app: App, db: None) -> None:
    passkey = Passkey(synced=True, origin="https://testserver")
    sign_up(App(), passkey)
    by_passkey(app, passkey)
    demand_row(app.claims, "passkey that is synced")


def test_view_asks_for_a_passkey(app: App, db: None, passkey: Passkey) -> None:
    sign_up(app, passkey)
    refused = delete_account(app.tokens["access_token"])
    assert (refused.status_code, refused.data["code"]) == (401, "reauthentication_required")
    assert f"WWW-Authenticate: {refused['WWW-Authenticate']}" in PAGE.text
    options = app.get("auth/webauthn/reauthenticate")["data"]["request_options"]
    app.post("auth/webauthn/reauthenticate", credential=passkey.get(options))
    assert delete_account(step_up(app).json()["access"]).status_code == 204
    assert not User.objects.exists()


def test_sign_up_without_a_passkey_gets_no_token(app: App, db: None) -> None:
    app.post("auth/signup", email=EMAIL)
    app.post("auth/email/verify", key=mailed_code())
    assert app.answer.status_code == 401
    assert app.answer.json()["errors"][0]["code"] == "no_active_account"
    assert not app.tokens


def test_password_signs_nobody_in(app: App, alice: User) -> None:
    """As that of an account from before."""
    app.post("auth/login", email=alice.email, password=PASSWORD)
    assert app.answer.status_code == 401
    assert not app.tokens


def test_password_of_a_reset_signs_nobody_in(app: App, db: None, passkey: Passkey) -> None:
    sign_up(App(), passkey)
    app.post("auth/password/request", email=EMAIL)
    app.post("auth/password/reset", key=mailed_key("reset"), password=NEW_PASSWORD)
    app.post("auth/login", email=EMAIL, password=NEW_PASSWORD)
    options = app.get("auth/webauthn/authenticate")["data"]["request_options"]
    app.post("auth/webauthn/authenticate", credential=passkey.get(options))
    assert app.answer.json()["errors"][0]["code"] == "no_active_account"
    assert not app.tokens


def by_mailed_code(app: App) -> None:
    app.post("auth/code/request", email=EMAIL)
    app.post("auth/code/confirm", code=mailed_code())


def recovery_codes(app: App, passkey: Passkey) -> list[str]:
    app.post("account/authenticators/recovery-codes")
    assert app.answer.status_code == 401  # allauth asks for a reauthentication first
    options = app.get("auth/webauthn/reauthenticate")["data"]["request_options"]
    app.post("auth/webauthn/reauthenticate", credential=passkey.get(options))
    codes: list[str] = app.post("account/authenticators/recovery-codes")["data"]["unused_codes"]
    return codes


def test_lost_passkey_and_a_recovery_code(app: App, db: None, passkey: Passkey) -> None:
    first = App()
    sign_up(first, passkey)
    assert not Authenticator.objects.filter(type="recovery_codes").exists()
    code = recovery_codes(first, passkey)[0]
    by_mailed_code(app)
    assert app.answer.status_code == 401
    assert pending(app) == ["mfa_authenticate"]
    assert not app.tokens
    app.post("auth/2fa/authenticate", code=code)
    demand_row(app.claims, "mailed code and recovery code")
    assert delete_account(app.tokens["access_token"]).status_code == 401

    lost = Authenticator.objects.get(type="webauthn").pk
    app.post("auth/reauthenticate/code/request", email=EMAIL)
    app.post("auth/reauthenticate/code/confirm", code=mailed_code())
    new = Passkey(synced=False, origin="https://testserver")
    options = app.get("account/authenticators/webauthn?passwordless")["data"]["creation_options"]
    app.post("account/authenticators/webauthn", name="New", credential=new.create(options))
    app.send("DELETE", "account/authenticators/webauthn", {"authenticators": [lost]})
    assert app.answer.status_code == 200, app.answer.content
    by_passkey(other := App(), passkey)
    assert not other.tokens
    by_passkey(other, new)
    assert delete_account(other.tokens["access_token"]).status_code == 204


def test_lost_passkey_and_nothing_else(app: App, db: None, passkey: Passkey) -> None:
    first = App()
    user = sign_up(first, passkey)
    by_mailed_code(app)
    assert not app.tokens
    sys.modules["shop.support"].remove_passkeys(user)
    assert not first.is_in_ours()
    by_mailed_code(other := App())
    assert other.claims["amr"] == ["otp"]
    assert delete_account(other.tokens["access_token"]).status_code == 401


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 200),
        ("https://www.shop.example", 200),
        ("http://shop.example", 400),
        ("https://other.example", 400),
        ("android:apk-key-hash:x", 400),
    ],
)
def test_origin(app: App, db: None, settings: Any, origin: str, status: int) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    app.http.defaults["HTTP_HOST"] = "shop.example"
    app.post("auth/webauthn/signup", email=EMAIL)
    app.post("auth/email/verify", key=mailed_code())
    options = app.get("auth/webauthn/signup")["data"]["creation_options"]
    assert options["publicKey"].get("attestation", "none") == "none"
    credential = Passkey(synced=True, origin=origin).create(options)
    app.send("PUT", "auth/webauthn/signup", {"name": "Phone", "credential": credential})
    assert app.answer.status_code == status
    assert bool(app.tokens) is (status == 200)


@pytest.mark.full
@pytest.mark.starts
@pytest.mark.parametrize(("synced", "acr"), [(False, "device-passkey"), (True, "passkey")])
def test_script_of_the_page(live_server: Any, chromium: str, synced: bool, acr: str) -> None:
    """With Chromium's virtual authenticator."""
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "defaultBackupEligibility": synced,
    }

    def use(page: Any) -> Any:
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        page.expose_function("mailedCode", mailed_code)
        return page.evaluate(
            """async (email) => {
                const { signUp, signIn } = await import("/passkeys.js");
                let shown;
                const show = async (codes) => {
                    const session = await fetch("/api/browser/session/");
                    shown = [codes, (await session.json()).user];
                };
                const up = await signUp(email, () => mailedCode(), show);
                return [...shown, up, await signIn()];
            }""",
            EMAIL,
        )

    codes, shown_to, *answers = PAGE.run_script(chromium, live_server.url, use)
    user = User.objects.get(email=EMAIL)
    assert len(codes) == 10
    assert shown_to["id"] == str(user.pk)  # they take their time: the session is open already
    for answer in answers:
        claims = payload(answer["access"])
        assert claims["sub"] == str(user.pk)
        assert claims["amr"] == ["swk" if synced else "hwk"]
        assert claims["acr"] == acr
