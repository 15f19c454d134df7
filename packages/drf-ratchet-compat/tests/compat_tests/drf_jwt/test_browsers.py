"""The cookie, and what other sites make a browser send."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.fixtures import PASSWORD

OURS = {"HTTP_ORIGIN": "http://testserver"}
THEIRS = {"HTTP_ORIGIN": "https://elsewhere.example"}
CREDENTIALS = {"username": "alice", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _cookies(settings: Any) -> None:
    settings.JWT_AUTH = {
        "JWT_AUTH_COOKIE": "jwt",
        "JWT_AUTH_COOKIE_DOMAIN": "testserver",
        "JWT_AUTH_COOKIE_PATH": "/api",
        "JWT_AUTH_COOKIE_SAMESITE": "Strict",
        "JWT_IMPERSONATION_COOKIE": "imp",
    }


@pytest.fixture
def token(api: APIClient, alice: User) -> str:
    found: str = api.post("/api-token-auth/", CREDENTIALS).json()["token"]
    return found


def test_set(api: APIClient, alice: User) -> None:
    answer = api.post("/api-token-auth/", CREDENTIALS)
    morsel = answer.cookies["jwt"]
    assert morsel.value == answer.json()["token"]
    assert (morsel["domain"], morsel["path"], morsel["samesite"]) == (
        "testserver",
        "/api",
        "Strict",
    )
    assert morsel["secure"]
    assert morsel["httponly"]


@pytest.mark.parametrize("headers", [THEIRS, {"HTTP_SEC_FETCH_SITE": "cross-site"}])
def test_not_set_for_a_page_of_another_site(
    api: APIClient, alice: User, headers: dict[str, str]
) -> None:
    answer = api.post("/api-token-auth/", CREDENTIALS, **headers)
    assert answer.status_code == 201
    assert not answer.cookies


def test_read(alice: User, token: str) -> None:
    api = APIClient()
    api.cookies["jwt"] = token
    assert api.get("/whoami/").json() == {"username": "alice"}
    assert api.get("/whoami/", **THEIRS).status_code == 200  # it cannot see the answer


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OURS, 200),
        ({"HTTP_SEC_FETCH_SITE": "same-origin"}, 200),
        (THEIRS, 403),
        ({"HTTP_ORIGIN": "null"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, 403),
        ({}, 403),
        ({"HTTP_AUTHORIZATION": "Bearer"}, 403),
    ],
)
def test_what_may_change_something(
    alice: User, token: str, headers: dict[str, str], status: int
) -> None:
    api = APIClient()
    api.cookies["jwt"] = token
    assert api.post("/whoami/", {}, **headers).status_code == status


def test_a_trusted_origin(alice: User, token: str, settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = [THEIRS["HTTP_ORIGIN"]]
    api = APIClient()
    api.cookies["jwt"] = token
    assert api.post("/whoami/", {}, **THEIRS).status_code == 200


def test_a_header_needs_no_origin(alice: User, token: str) -> None:
    api = APIClient()
    api.cookies["jwt"] = token
    header = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert api.post("/whoami/", {}, **header, **THEIRS).status_code == 200


def test_impersonation_comes_first(api: APIClient, alice: User, token: str) -> None:
    User.objects.create_superuser("root", "", PASSWORD)
    root = api.post("/api-token-auth/", {**CREDENTIALS, "username": "root"}).json()["token"]
    header = {"HTTP_AUTHORIZATION": f"Bearer {root}"}
    answer = api.post("/api-token-impersonate/", {"user": alice.pk}, **header)
    assert answer.cookies["imp"].value == answer.json()["token"]
    browser = APIClient()
    browser.cookies["jwt"], browser.cookies["imp"] = root, answer.json()["token"]
    assert browser.get("/whoami/").json() == {"username": "alice"}
    assert browser.post("/whoami/", {}, **THEIRS).status_code == 403
