"""The password of a user with a second factor signs in nowhere but at allauth."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client

from drf_ratchet.models import Session
from tests.allauth.headless import App, Browser, add_totp
from tests.allauth.passkey import Passkey
from tests.allauth.test_passkeys import register
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

PASSWORD_ALONE = {"PASSWORD_ALONE": True}


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.allauth.password_urls"


def sign_in(path: str, password: str = PASSWORD) -> Any:
    return Client().post(
        path,
        json.dumps({"username": "alice", "password": password}),
        content_type="application/json",
        headers={"Sec-Fetch-Site": "same-origin"},
    )


@pytest.mark.parametrize("path", ["/api/token/", "/api/browser/login/"])
class TestSignIn:
    def test_without_a_second_factor(self, path: str, alice: User) -> None:
        assert sign_in(path).status_code == 200

    @pytest.mark.parametrize("factor", ["authenticator app", "passkey"])
    def test_with_one(self, path: str, factor: str, alice: User) -> None:
        if factor == "passkey":
            register(Passkey(synced=True), alice)
        else:
            add_totp(alice)
        answer = sign_in(path)
        assert answer.status_code == 403
        assert answer.json() == {
            "detail": "This account needs a second factor. Sign in with it.",
            "code": "second_factor_required",
        }
        assert not answer.cookies
        assert not Session.objects.filter(ended_at=None).exists()

    def test_a_wrong_password_says_nothing_of_it(self, path: str, alice: User) -> None:
        before = sign_in(path, "wrong")
        add_totp(alice)
        after = sign_in(path, "wrong")
        assert (before.status_code, before.json()) == (after.status_code, after.json())
        assert after.status_code == 401

    def test_a_setting_allows_it(self, path: str, alice: User, settings: Any) -> None:
        settings.DRF_RATCHET_ALLAUTH = PASSWORD_ALONE
        add_totp(alice)
        assert sign_in(path).status_code == 200
        assert Session.objects.get().amr == "pwd"


def test_the_form_of_the_browsable_api(alice: User) -> None:
    add_totp(alice)
    answer = Client().post(
        "/api-auth/login/",
        urlencode({"username": "alice", "password": PASSWORD}),
        content_type="application/x-www-form-urlencoded",
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 403
    assert "needs a second factor" in answer.content.decode()
    assert not Session.objects.filter(ended_at=None).exists()


def test_allauth_may_trust_a_browser(
    app: App, browser: Browser, alice: User, settings: Any
) -> None:
    settings.MFA_TRUST_ENABLED = True
    add_totp(alice)
    browser.password()
    browser.totp()
    browser.post("auth/2fa/trust", trust=True)
    assert browser.exchange().status_code == 200
    Session.objects.all().delete()

    browser.password()

    assert browser.answer.status_code == 200
    assert browser.exchange().status_code == 200
    assert Session.objects.get().amr == "pwd"


class TestStepUp:
    def signed_in(self, app: App, alice: User) -> dict[str, Any]:
        add_totp(alice)
        app.password()
        app.totp()
        return {"refresh": app.tokens["refresh_token"]}

    def test_at_our_endpoint(self, app: App, alice: User, settings: Any) -> None:
        body = {**self.signed_in(app, alice), "password": PASSWORD}
        assert app.ours("POST", "step-up/", body).status_code == 401
        settings.DRF_RATCHET_ALLAUTH = PASSWORD_ALONE
        assert app.ours("POST", "step-up/", body).status_code == 200

    def test_by_allauths_reauthentication(self, app: App, alice: User, settings: Any) -> None:
        body = self.signed_in(app, alice)
        app.post("auth/reauthenticate", password=PASSWORD)
        session_token = {"HTTP_X_SESSION_TOKEN": app.session_token}
        for status, own in ((401, {}), (200, PASSWORD_ALONE)):
            settings.DRF_RATCHET_ALLAUTH = own
            answer = app.http.post(
                "/api/step-up/allauth/",
                json.dumps(body),
                content_type="application/json",
                HTTP_AUTHORIZATION=f"Bearer {app.tokens['access_token']}",
                **session_token,
            )
            assert answer.status_code == status


@pytest.mark.parametrize("mistake", [["PASSWORD_ALONE"], {"PASSWORD": True}, {"PASSWORD_ALONE": 1}])
def test_mistakes_are_reported(mistake: Any, settings: Any) -> None:
    settings.DRF_RATCHET_ALLAUTH = mistake
    [found] = [one for one in run_checks() if one.id == "ratchet.E018"]
    assert "DRF_RATCHET_ALLAUTH" in found.msg
    assert "PASSWORD_ALONE (default False)" in (found.hint or "")
