"""Step up by what allauth's reauthentication has just proved."""

import json
from typing import Any

import pyotp
import pytest
from django.contrib.auth.models import User

from tests.allauth.headless import SECRET, App, add_recovery_codes, add_totp, mailed_code
from tests.allauth.passkey import Passkey
from tests.allauth.test_app import amr  # noqa: F401 (a fixture)
from tests.allauth.test_passkeys import register
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def step_up(app: App, refresh: str = "", key: str = "", session_token: str = "") -> Any:
    token = {"HTTP_X_SESSION_TOKEN": session_token or app.session_token}
    answer = app.http.post(
        "/api/step-up/allauth/",
        json.dumps({"refresh": refresh or app.tokens["refresh_token"]}),
        content_type="application/json",
        HTTP_AUTHORIZATION=f"Bearer {app.tokens['access_token']}",
        **token,
        **({"HTTP_IDEMPOTENCY_KEY": key} if key else {}),
    )
    return answer


def demand_stepped_up(app: App, answer: Any) -> None:
    assert answer.status_code == 200, answer.content
    before = app.session.auth_time
    app.tokens = {
        "access_token": answer.json()["access"],
        "refresh_token": answer.json()["refresh"],
    }
    assert app.session.auth_time >= before
    assert app.session.generation == 2
    assert app.is_in_ours()
    assert app.is_in_allauth()


def demand_refused(answer: Any) -> None:
    assert answer.status_code == 401
    assert answer.json()["code"] == "reauthentication_required"
    assert "insufficient_user_authentication" in answer["WWW-Authenticate"]


def test_password(app: App, alice: User, amr: Any) -> None:  # noqa: F811
    app.password()
    demand_refused(step_up(app))
    app.post("auth/reauthenticate", password=PASSWORD)
    demand_stepped_up(app, step_up(app))
    assert amr == [("pwd",)]


def test_mailed_code(app: App, alice: User) -> None:
    app.password()
    app.post("auth/reauthenticate/code/request", email=alice.email)
    app.post("auth/reauthenticate/code/confirm", code=mailed_code())
    demand_stepped_up(app, step_up(app))


def test_totp(app: App, alice: User) -> None:
    add_totp(alice)
    code = add_recovery_codes(alice)[0]
    app.password()
    app.post("auth/2fa/authenticate", code=code)
    app.post("auth/2fa/reauthenticate", code=pyotp.TOTP(SECRET).now())
    demand_stepped_up(app, step_up(app))


def test_passkey(app: App, alice: User) -> None:
    passkey = Passkey(synced=False)
    register(passkey, alice)
    options = app.get("auth/webauthn/login")["data"]["request_options"]
    app.post("auth/webauthn/login", credential=passkey.get(options))
    options = app.get("auth/webauthn/reauthenticate")["data"]["request_options"]
    app.post("auth/webauthn/reauthenticate", credential=passkey.get(options))
    demand_stepped_up(app, step_up(app))


def test_password_alone_with_a_second_factor(app: App, alice: User) -> None:
    add_totp(alice)
    app.password()
    app.totp()
    app.post("auth/reauthenticate", password=PASSWORD)
    assert app.answer.status_code == 200
    demand_refused(step_up(app))
    body = {"refresh": app.tokens["refresh_token"], "password": PASSWORD}
    assert app.ours("POST", "step-up/", body).status_code == 401
    assert app.session.generation == 1
    assert app.refresh().status_code == 200


def test_password_at_our_own_step_up(app: App, alice: User) -> None:
    app.password()
    body = {"refresh": app.tokens["refresh_token"], "password": PASSWORD}
    assert app.ours("POST", "step-up/", body).status_code == 200


def test_proof_counts_once(app: App, alice: User) -> None:
    app.password()
    app.post("auth/reauthenticate", password=PASSWORD)
    demand_stepped_up(app, step_up(app))
    demand_refused(step_up(app))


def test_lost_response_is_asked_for_again(app: App, alice: User) -> None:
    app.password()
    app.post("auth/reauthenticate", password=PASSWORD)
    first, second = step_up(app, key="k1"), step_up(app, key="k1")
    assert first.json()["refresh"] == second.json()["refresh"]


def test_proof_of_another_session(app: App, alice: User) -> None:
    """A thief of the pair reauthenticates nowhere; the proof is of another device."""
    other = App()
    other.password()
    other.post("auth/reauthenticate", password=PASSWORD)
    app.password()
    assert step_up(app, session_token=other.session_token).status_code == 401
    assert step_up(app, session_token="x").status_code == 401
    assert step_up(app, refresh=other.tokens["refresh_token"]).status_code == 400
    assert app.session.generation == 1


def test_old_proof(app: App, alice: User, settings: Any) -> None:
    app.password()
    app.post("auth/reauthenticate", password=PASSWORD)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    demand_refused(step_up(app))


def test_sign_in_is_no_reauthentication(app: App, alice: User) -> None:
    app.password()
    demand_refused(step_up(app))
