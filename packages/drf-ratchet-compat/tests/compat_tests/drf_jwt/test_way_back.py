"""Tokens that were handed out here, taken by the real drf-jwt."""

from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from drf_ratchet.sessions import end_session
from drf_ratchet_compat.drf_jwt.utils import jwt_create_payload, jwt_encode_payload

# drf-jwt's own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def ours(alice: User) -> str:
    token: str = jwt_encode_payload(jwt_create_payload(alice))
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    return token


def use(api: APIClient, token: str) -> Any:
    return api.get("/whoami/", HTTP_AUTHORIZATION=f"Bearer {token}")


def test_it_is_taken_and_exchanged(api: APIClient, ours: str) -> None:
    assert use(api, ours).status_code == 200
    refreshed = api.post("/api-token-refresh/", {"token": ours})
    assert refreshed.status_code == 201, refreshed.content
    theirs = refreshed.json()["token"]
    assert jwt.get_unverified_header(theirs)["typ"] == "JWT"
    assert use(api, theirs).status_code == 200
    assert api.post("/api-token-refresh/", {"token": theirs}).status_code == 201


def test_who_logged_out_stays_so(api: APIClient, ours: str) -> None:
    end_session(Session.objects.select_related("user").get())
    assert use(api, ours).status_code == 401
    assert api.post("/api-token-refresh/", {"token": ours}).status_code == 400


def test_a_sign_in_is_drf_jwts(api: APIClient, alice: User) -> None:
    from tests.fixtures import PASSWORD

    answer = api.post("/api-token-auth/", {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 201
    assert use(api, answer.json()["token"]).status_code == 200
    assert not Session.objects.exists()
