"""The Authorization header on a protected view."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import override_settings
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.models import Session
from tests.fixtures import PASSWORD, Tokens
from tests.test_views import INVALID, REALM, assert_refused

URL = "/api/protected/"


def test_good(api: APIClient, tokens: Tokens) -> None:
    answer = api.get(URL, **tokens.bearer)
    assert answer.json() == {"message": "This is a protected view!"}


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_case_insensitive(api: APIClient, tokens: Tokens, scheme: str) -> None:
    assert api.get(URL, HTTP_AUTHORIZATION=f"{scheme} {tokens.access}").status_code == 200


def test_another_scheme(api: APIClient, tokens: Tokens) -> None:
    header = {"HTTP_AUTHORIZATION": f"JWT {tokens.access}"}
    with override_settings(DRF_RATCHET={"AUTH_HEADER_TYPES": ("Bearer",)}):
        answer = api.get(URL, **header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == REALM
    with override_settings(DRF_RATCHET={"AUTH_HEADER_TYPES": ("Bearer", "JWT")}):
        assert api.get(URL, **header).status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer \xff\xfe", "Bearer x.y"])
def test_malformed(api: APIClient, db: None, header: str) -> None:
    assert_refused(api.get(URL, HTTP_AUTHORIZATION=header), "malformed")


def test_a_refresh_token_is_no_access_token(api: APIClient, tokens: Tokens) -> None:
    answer = api.get(URL, HTTP_AUTHORIZATION=f"Bearer {tokens.refresh}")
    assert_refused(answer, "wrong_type")
    assert answer["WWW-Authenticate"] == INVALID


def test_what_ends_it(api: APIClient, tokens: Tokens) -> None:
    User.objects.update(is_active=False)
    assert_refused(api.get(URL, **tokens.bearer), "user_inactive")
    User.objects.update(is_active=True)
    assert api.get(URL, **tokens.bearer).status_code == 200
    password = User.objects.get().password
    User.objects.update(password="!")  # no signal: only the fingerprint tells
    assert_refused(api.get(URL, **tokens.bearer), "password_changed")
    User.objects.update(password=password)
    Session.objects.update(expires_at=F("created_at"))
    assert_refused(api.get(URL, **tokens.bearer), "session_ended")


def test_a_deleted_user(api: APIClient, tokens: Tokens) -> None:
    User.objects.all().delete()
    assert_refused(api.get(URL, **tokens.bearer), "session_ended")


def test_what_the_view_gets(tokens: Tokens, alice: User) -> None:
    request = Request(APIRequestFactory().get(URL, **tokens.bearer))
    signed_in: Any = JWTAuthentication().authenticate(request)
    user, claims = signed_in
    assert user == alice
    assert claims["role"] == "user"
    assert "ratchet_fingerprint" not in vars(user)
    with pytest.raises(TypeError):
        claims["role"] = "admin"


def test_a_secret_key_that_moves_to_the_fallbacks(
    api: APIClient, tokens: Tokens, refresh: Callable[..., Any], settings: Any
) -> None:
    old = settings.SECRET_KEY
    settings.SECRET_KEY_FALLBACKS = [old]
    settings.SECRET_KEY = "another key for the tests alone, abcdefghijklmnopqrstuvw"
    assert api.get(URL, **tokens.bearer).status_code == 200
    renewed = refresh(tokens.refresh)
    assert renewed.status_code == 200
    # Refreshed under the new key, it no longer needs the old one.
    settings.SECRET_KEY_FALLBACKS = []
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {renewed.json()['access']}"}
    assert api.get(URL, **bearer).status_code == 200
    assert refresh(renewed.json()["refresh"]).status_code == 200
    assert_refused(api.get(URL, **tokens.bearer), "bad_signature")


def test_an_upgraded_hasher(
    api: APIClient, tokens: Tokens, refresh: Callable[..., Any], settings: Any
) -> None:
    """A sign-in elsewhere rehashes the password; this device stays signed in."""
    old = User.objects.get().password
    settings.PASSWORD_HASHERS = [
        "tests.hashers.OfThisYear",
        *settings.PASSWORD_HASHERS,
    ]
    again = api.post("/api/token/", {"username": "alice", "password": PASSWORD})
    assert again.status_code == 200
    assert User.objects.get().password != old
    assert api.get(URL, **tokens.bearer).status_code == 200
    assert refresh(tokens.refresh).status_code == 200


def test_responses_vary_by_the_authorization_header(api: APIClient, tokens: Tokens) -> None:
    """A cache for the whole site must not answer one user with the response to another."""
    for headers in ({}, tokens.bearer):
        answer = api.get("/api/protected/", **headers)
        assert "Authorization" in answer["Vary"].split(", ")
