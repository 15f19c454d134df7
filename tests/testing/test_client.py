"""Clients that are signed in, and tokens that are refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from rest_framework.test import APIClient

from drf_ratchet.sessions import active_sessions
from drf_ratchet.testing.client import RatchetClient
from drf_ratchet.testing.tokens import refused_token as make_refused_token
from ratchet_tokens.errors import TokenRefused

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

ClientFor = Callable[..., RatchetClient]


def test_signed_in(alice: User, api_client_for: ClientFor) -> None:
    client = api_client_for(alice)
    assert client.get("/api/protected/").status_code == 200
    assert client.grant is not None
    assert client.grant.session in active_sessions(alice)
    (listed,) = client.get("/api/sessions/").json()
    assert listed["id"] == str(client.grant.session.pk)
    assert listed["current"]


def test_two_devices(alice: User, api_client_for: ClientFor) -> None:
    first, second = api_client_for(alice), api_client_for(alice)
    assert first.post("/api/logout/all/").status_code == 200
    assert second.get("/api/protected/").status_code == 401


def test_the_options_of_a_sign_in(alice: User, api_client_for: ClientFor) -> None:
    client = api_client_for(alice, get_claims=lambda user: {"plan": "gold"})
    assert client.grant is not None
    token = {"token": client.grant.access}
    assert client.post("/api/token/verify/", token).status_code == 200
    with pytest.raises(TypeError):
        api_client_for(alice, lifetimes=1)


def test_refreshed_over_the_wire_and_by_itself(alice: User, api_client_for: ClientFor) -> None:
    client = api_client_for(alice)
    assert client.grant is not None
    old = client.grant
    client.refresh()
    assert client.grant.session.generation == 2
    answer = client.post("/api/token/refresh/", {"refresh": client.grant.refresh})
    assert answer.status_code == 200
    assert answer.json()["refresh"] != client.grant.refresh
    client.grant = old
    with pytest.raises(TokenRefused, match="reused"):
        client.refresh()
    assert client.get("/api/protected/").json()["reason"] == "session_ended"


def test_refreshed_with_a_key(alice: User, api_client_for: ClientFor, time_travel: Any) -> None:
    client = api_client_for(alice)
    first = client.grant
    turned = client.refresh(idempotency_key="one")
    time_travel(hours=1)
    client.grant = first
    assert client.refresh(idempotency_key="one").refresh == turned.refresh


@override_settings(DRF_RATCHET={"ROTATE_REFRESH_TOKENS": False})
def test_a_session_that_does_not_rotate(alice: User, api_client_for: ClientFor) -> None:
    client = api_client_for(alice)
    assert client.grant is not None
    held = client.grant.refresh
    client.refresh()
    client.refresh()
    assert client.grant.refresh == held


@override_settings(DRF_RATCHET={"AUTH_HEADER_TYPES": ("JWT",)})
def test_another_word_in_the_header(alice: User, api_client_for: ClientFor) -> None:
    assert api_client_for(alice).get("/api/protected/").status_code == 200


def test_signed_out(alice: User, api_client_for: ClientFor) -> None:
    client = api_client_for(alice)
    client.sign_out()
    assert client.get("/api/protected/").json()["reason"] == "session_ended"
    client.logout()
    assert "reason" not in client.get("/api/protected/").json()
    with pytest.raises(RuntimeError, match="No user is signed in"):
        client.refresh()
    client.sign_in(alice)
    assert client.get("/api/protected/").status_code == 200


@pytest.mark.parametrize("in_cookie", [False, True])
def test_a_browser(alice: User, browser_client_for: ClientFor, in_cookie: bool) -> None:
    with override_settings(DRF_RATCHET={"ACCESS_TOKEN_COOKIE": in_cookie}):
        client = browser_client_for(alice)
        assert client.get("/api/browser/session/").json()["user"]["username"] == "alice"
        assert ("HTTP_AUTHORIZATION" in vars(client)["_credentials"]) is not in_cookie
        answer = client.post("/api/browser/refresh/")
        assert answer.status_code == 200
        client.post("/api/browser/logout/")
        assert client.get("/api/browser/session/").json()["user"] is None


def test_a_browser_refreshed_by_itself(alice: User, browser_client_for: ClientFor) -> None:
    client = browser_client_for(alice)
    client.refresh()
    client.refresh()
    assert client.post("/api/browser/refresh/").status_code == 200


def test_no_token_is_shown(alice: User, api_client_for: ClientFor) -> None:
    client = api_client_for(alice)
    assert client.grant is not None
    assert client.grant.access not in repr(client) + repr(client.grant)


REASONS = [
    *("expired", "not_yet_valid", "bad_signature", "wrong_type", "wrong_audience"),
    *("wrong_issuer", "malformed", "session_ended"),
]


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("leeway", [0, 30])
def test_refused_for_one_reason(alice: User, reason: str, leeway: int) -> None:
    from datetime import timedelta

    chosen = {"ISSUER": "https://issuer.invalid", "LEEWAY": timedelta(seconds=leeway)}
    with override_settings(DRF_RATCHET=chosen):
        token = make_refused_token(alice, reason)
        client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
        answer = client.get("/api/protected/")
    assert answer.status_code == 401
    assert answer.json()["reason"] == reason


def test_the_session_of_an_expired_token_lives(
    alice: User, expired_token: Callable[..., str]
) -> None:
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {expired_token(alice)}")
    assert client.get("/api/protected/").json()["reason"] == "expired"
    assert active_sessions(alice).count() == 1


@pytest.mark.parametrize("reason", ["reused", "user_inactive", "no such", "wrong_issuer"])
def test_no_token_for_that(alice: User, reason: str) -> None:
    with pytest.raises(ValueError, match="issuer" if "issuer" in reason else "is not a reason"):
        make_refused_token(alice, reason)
    assert active_sessions(alice).count() == 0


@override_settings(REST_FRAMEWORK={"DEFAULT_THROTTLE_RATES": {"sign_in": "1/hour"}})
def test_sign_ins_without_limits(alice: User, request: pytest.FixtureRequest) -> None:
    def attempts() -> list[int]:
        wrong = {"username": "alice", "password": "wrong"}
        return [APIClient().post("/api/token/", wrong).status_code for _ in range(3)]

    assert attempts() == [401, 429, 429]
    request.getfixturevalue("no_throttles")
    assert attempts() == [401, 401, 401]
