"""``SIGN_IN_POLICY`` and the policies of other apps: simplejwt's sign-ins meet them, too."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from compat_tests.simplejwt.calls import Pair, refresh
from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.models import Session
from drf_ratchet.sessions import sign_in_policy
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.django_db

SIGN_IN = {"username": "alice", "password": PASSWORD}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a policy was asked. It refuses whoever comes by the password."""
    calls: list[Any] = []

    def policy(user: Any, *, request: Any, amr: tuple[str, ...], session: Any) -> bool:
        calls.append((user.username, amr, session is not None))
        return amr != ("pwd",)

    monkeypatch.setattr(sign_in_policy, "further_policies", [policy])
    return calls


def test_password(client: APIClient, alice: User, asked: list[Any]) -> None:
    answer = client.post("/token/", SIGN_IN)
    assert answer.status_code == 401
    assert "No active account" in str(answer.data["detail"])
    assert asked == [("alice", ("pwd",), False)]
    assert not Session.objects.exists()


def test_a_wrong_password_is_not_asked_about(
    client: APIClient, alice: User, asked: list[Any]
) -> None:
    assert client.post("/token/", {**SIGN_IN, "password": "x"}).status_code == 401
    assert asked == []


def test_another_sign_in(alice: User, asked: list[Any]) -> None:
    assert RefreshToken.for_user(alice)
    assert asked == [("alice", (), False)]


def test_refused_by_hand(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_policy, "further_policies", [lambda user, **how: False])
    with pytest.raises(NoActiveAccount):
        RefreshToken.for_user(alice)
    assert not Session.objects.exists()


def test_refresh(
    client: APIClient, pair: Pair, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Session.objects.get().amr == "pwd"
    monkeypatch.setattr(
        sign_in_policy, "further_policies", [lambda user, session, **how: session is None]
    )
    assert client.post("/token/refresh/", {"refresh": pair.refresh}).status_code == 401
    assert Session.objects.get().generation == 1
    monkeypatch.undo()
    assert refresh(client, pair.refresh)
