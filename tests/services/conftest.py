"""A service that asks, and the issuer it asks, which has a key that can be published."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from django.contrib.auth.models import User
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.sessions import open_session
from drf_ratchet.sessions.grant import HEADER, Grant, Transport
from ratchet_tokens.claims import Kind
from token_tests.forge import key_for

NAME = "billing"
SECRET = "hunter2-hunter2-hunter2-hunter2-1"
#: It has everything in it that form-urlencoding changes.
ODD_SECRET = "a+b %2B c/d=é:f&g " + "x" * 20
COOKIES = Transport(Kind.COOKIE_ACCESS, Kind.COOKIE_REFRESH)
TRANSPORTS = {"header": HEADER, "cookies": COOKIES}
FORM = "application/x-www-form-urlencoded"
REALM = 'Basic realm="services"'

Ask = Callable[..., Response]


def ratchet(**changes: Any) -> dict[str, Any]:
    """The issuer's settings, with changes."""
    key = key_for("ES256")
    return {
        "CLAIMS": "blog.claims.access_claims",
        "KEYS": {**key.jose.as_dict(private=True), "alg": "ES256", "kid": key.kid},
        "SERVICE_SECRETS": {NAME: SECRET, "shop.example": ODD_SECRET},
        **changes,
    }


@pytest.fixture(autouse=True)
def _issuer(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.services.urls"
    settings.DRF_RATCHET = ratchet()


def basic(name: str = NAME, secret: str = SECRET, *, encoded: bool = True) -> dict[str, str]:
    """The header of a service, as the test client takes it."""
    pair = f"{quote_plus(name)}:{quote_plus(secret)}" if encoded else f"{name}:{secret}"
    return {"HTTP_AUTHORIZATION": f"Basic {b64encode(pair.encode()).decode()}"}


@pytest.fixture
def ask(api: APIClient) -> Ask:
    """Post a form as the service; `fields` of None sends no body."""

    def ask(endpoint: str, token: str | None = None, **headers: Any) -> Response:
        body = urlencode({} if token is None else {"token": token})
        return api.generic(
            "POST", f"/api/{endpoint}/", body, content_type=FORM, **{**basic(), **headers}
        )

    return ask


@pytest.fixture
def feed(api: APIClient) -> Ask:
    """Read the list of ended sessions as the service."""

    def feed(**headers: Any) -> Response:
        return api.get("/api/ended-sessions/", **{**basic(), **headers})

    return feed


@pytest.fixture(params=TRANSPORTS)
def grant(request: Any, alice: User) -> Grant:
    """Alice's tokens, on each way that they travel."""
    return open_session(alice, transport=TRANSPORTS[request.param])


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal in the contract's shape."""
    assert answer.status_code == status, answer.content
    body: dict[str, Any] = answer.json()
    assert body.keys() == {"detail", "code"}
    assert body["code"] == code
    assert answer["Cache-Control"] == "no-store"
    assert answer.has_header("WWW-Authenticate") == (status == 401)
    return body
