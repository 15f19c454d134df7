"""ATOMIC_REQUESTS and somebody's own transaction."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_out
from django.db import connections, transaction
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from compat_tests.simplejwt.calls import Pair, past_grace, refresh, refused, sign_in, signed_in
from drf_ratchet.models import Session
from drf_ratchet.signals import reuse_detected, session_ended

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(client: APIClient, django_user_model: Any) -> Pair:
    django_user_model.objects.create_user("alice", password="ratchet-demo-1")
    return sign_in(client)


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    settings: Any = connections["default"].settings_dict
    before, settings["ATOMIC_REQUESTS"] = settings["ATOMIC_REQUESTS"], True
    yield
    settings["ATOMIC_REQUESTS"] = before


@pytest.fixture
def heard() -> Iterator[list[str]]:
    signals: list[str] = []

    def reused(**kwargs: Any) -> None:
        signals.append("reused")

    def ended(**kwargs: Any) -> None:
        assert not connections["default"].in_atomic_block
        signals.append("ended")

    def logged_out(**kwargs: Any) -> None:
        signals.append("logged out")

    reuse_detected.connect(reused)
    session_ended.connect(ended)
    user_logged_out.connect(logged_out)
    yield signals
    reuse_detected.disconnect(reused)
    session_ended.disconnect(ended)
    user_logged_out.disconnect(logged_out)


def test_a_reused_session_stays_ended_under_atomic_requests(
    client: APIClient, pair: Pair, atomic_requests: None, heard: list[str]
) -> None:
    newer = refresh(client, pair.refresh)
    past_grace()
    assert refused(client, pair.refresh)

    assert newer.session.end_reason == "reuse_detected"
    assert heard == ["ended", "reused"]
    assert refused(client, newer.refresh)


@pytest.mark.parametrize("path", ["/token/blacklist/", "/logout/", "/logout/plain/"])
def test_a_logout_commits_with_its_request(
    path: str, client: APIClient, pair: Pair, atomic_requests: None, heard: list[str]
) -> None:
    client.post(path, {"refresh": pair.refresh})
    assert pair.session.end_reason == "logout"
    assert heard == ["ended"]
    assert not signed_in(client, pair.access)


def test_a_logout_that_fails_is_undone_with_its_request(
    client: APIClient, pair: Pair, atomic_requests: None, heard: list[str]
) -> None:
    assert client.post("/logout/failing/", {"refresh": pair.refresh}).status_code == 400
    assert pair.session.ended_at is None
    assert heard == []
    assert refresh(client, pair.refresh)


def test_a_logout_that_fails_stays_without_atomic_requests(client: APIClient, pair: Pair) -> None:
    assert client.post("/logout/failing/", {"refresh": pair.refresh}).status_code == 400
    assert pair.session.end_reason == "logout"


def test_ending_inside_a_transaction(pair: Pair, heard: list[str]) -> None:
    with transaction.atomic():
        token: Any = RefreshToken(pair.refresh)  # type: ignore[arg-type]
        token.blacklist()
        assert heard == []
    assert heard == ["ended"]
    assert pair.session.ended_at is not None


def test_ending_inside_a_transaction_that_is_rolled_back(pair: Pair, heard: list[str]) -> None:
    with transaction.atomic():
        token: Any = RefreshToken(pair.refresh)  # type: ignore[arg-type]
        token.blacklist()
        transaction.set_rollback(True)
    assert heard == []
    assert Session.objects.get().ended_at is None


def test_rotation_under_atomic_requests(
    client: APIClient, pair: Pair, atomic_requests: None
) -> None:
    newer = refresh(client, pair.refresh)
    assert refresh(client, pair.refresh).refresh == newer.refresh
    assert refresh(client, newer.refresh).session.generation == 3
