"""Users, and real tokens for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from ratchet_tokens import codec

PASSWORD = "ratchet-demo-1"


@dataclass(frozen=True)
class Tokens:
    """What a sign-in handed out."""

    access: str
    refresh: str

    @property
    def bearer(self) -> dict[str, str]:
        """The header, as the test client takes it."""
        return {"HTTP_AUTHORIZATION": f"Bearer {self.access}"}

    @property
    def session(self) -> Session:
        """The row."""
        return Session.objects.get(pk=payload(self.access)["sid"])


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say a line in the summary of the run, whatever process the test runs in."""
    return lambda line: record_property("shown", line)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    shown = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "shown"
    ]
    if shown:
        terminalreporter.section("measured")
        for line in dict.fromkeys(shown):
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _throttles_start_at_zero() -> None:
    from django.core.cache import cache

    cache.clear()


@pytest.fixture
def api() -> APIClient:
    return APIClient()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", "alice@example.com", PASSWORD)


@pytest.fixture
def sign_in(api: APIClient) -> Callable[..., Tokens]:
    def sign_in(username: str = "alice", password: str = PASSWORD) -> Tokens:
        answer = api.post("/api/token/", {"username": username, "password": password})
        assert answer.status_code == 200, answer.content
        return Tokens(**answer.json())

    return sign_in


@pytest.fixture
def tokens(alice: User, sign_in: Callable[..., Tokens]) -> Tokens:
    """Alice's."""
    return sign_in()


@pytest.fixture
def refresh(api: APIClient) -> Callable[..., Response]:
    def refresh(token: str, key: str = "", **headers: Any) -> Response:
        if key:
            headers["HTTP_IDEMPOTENCY_KEY"] = key
        return api.post("/api/token/refresh/", {"refresh": token}, **headers)

    return refresh


def payload(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    segment = token.split(".")[1]
    return codec._read_object(codec._base64url(segment))
