"""Signing in where DRF does not answer: Django's own requests, and one exception for a refusal."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.http import HttpRequest
from django.test import RequestFactory, override_settings

from drf_ratchet.authentication import ImmediateJWTAuthentication, JWTAuthentication
from drf_ratchet.browser.authentication import CookieJWTAuthentication
from drf_ratchet.browser.cookies import cookie_name
from drf_ratchet.exceptions import Busy, CsrfFailed, RequestRefused, TokenNotValid
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_session, open_session
from drf_ratchet.sessions import feed as feed_module
from drf_ratchet.sessions.grant import Transport
from drf_ratchet.token_user import TokenUser
from ratchet_tokens.claims import Kind
from tests.fixtures import Tokens
from tests.test_views import INVALID

FRESHNESS = ("immediate", "bounded", "expiry")


def request_with(token: str | None, method: str = "get", **headers: Any) -> HttpRequest:
    if token is not None:
        headers["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    made: HttpRequest = getattr(RequestFactory(), method)("/", **headers)
    return made


def user_of(
    request: HttpRequest, authentication: type[JWTAuthentication] = JWTAuthentication
) -> Any:
    signed_in = authentication().authenticate(request)
    return signed_in and signed_in[0]


def refusal_of(call: Callable[[], object]) -> RequestRefused:
    """What the call raises; it has to be that exception, and to make a response."""
    with pytest.raises(RequestRefused) as caught:
        call()
    refused = caught.value
    body = json.loads(json.dumps(refused.detail))
    assert {"detail", "code"} <= set(body)
    assert all(isinstance(value, str) for value in refused.headers.values())
    return refused


@pytest.mark.parametrize("freshness", FRESHNESS)
def test_a_token(tokens: Tokens, alice: User, freshness: str) -> None:
    with override_settings(DRF_RATCHET={"FRESHNESS": freshness}):
        signed_in: Any = JWTAuthentication().authenticate(request_with(tokens.access))
        assert signed_in[0] == alice
        assert signed_in[0].username == "alice"
        assert signed_in[1]["sub"] == str(alice.pk)


@pytest.mark.parametrize("freshness", FRESHNESS)
def test_no_token_is_no_refusal(db: None, freshness: str) -> None:
    with override_settings(DRF_RATCHET={"FRESHNESS": freshness}):
        for headers in ({}, {"HTTP_AUTHORIZATION": "Basic YTpi"}, {"HTTP_AUTHORIZATION": ""}):
            assert JWTAuthentication().authenticate(request_with(None, **headers)) is None


@pytest.mark.parametrize("freshness", FRESHNESS)
@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer a b", "Bearer x.y.z", "Bearer \xff\xfe", "Bearer " + "x" * 9000]
)
def test_a_bad_token(db: None, freshness: str, header: str) -> None:
    with override_settings(DRF_RATCHET={"FRESHNESS": freshness}):
        request = request_with(None, HTTP_AUTHORIZATION=header)
        refused = refusal_of(lambda: JWTAuthentication().authenticate(request))
    assert isinstance(refused, TokenNotValid)
    assert (refused.status_code, refused.reason) == (401, "malformed")
    assert refused.headers == {"WWW-Authenticate": INVALID}


@pytest.mark.parametrize("freshness", FRESHNESS)
def test_a_session_that_ended(tokens: Tokens, freshness: str) -> None:
    end_session(tokens.session)
    with override_settings(DRF_RATCHET={"FRESHNESS": freshness}):
        request = request_with(tokens.access)
        if freshness != "expiry":
            assert refusal_of(lambda: user_of(request)).status_code == 401
        immediate = refusal_of(lambda: user_of(request, ImmediateJWTAuthentication))
        assert immediate.detail["reason"] == "session_ended"


@pytest.mark.parametrize("freshness", FRESHNESS)
@pytest.mark.parametrize("how", ["deleted", "inactive"])
def test_a_user_who_is_gone(tokens: Tokens, freshness: str, how: str) -> None:
    """ "immediate" refuses the request; the others when the user is looked at, by the same."""
    if how == "deleted":
        Session.objects.update(user=None)
        User.objects.all()._raw_delete("default")
    else:
        User.objects.update(is_active=False)
    with override_settings(DRF_RATCHET={"FRESHNESS": freshness}):
        request = request_with(tokens.access)
        for look in (str, lambda user: user.email, lambda user: hasattr(user, "email")):
            refused = refusal_of(lambda look=look: look(user_of(request)))
            assert isinstance(refused, TokenNotValid)
            assert refused.status_code == 401


def test_unreadable_feed_raises_busy(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise OperationalError

    monkeypatch.setattr(feed_module, "recent_endings", fail)
    with override_settings(DRF_RATCHET={"FRESHNESS": "bounded"}):
        refused = refusal_of(lambda: user_of(request_with(tokens.access)))
    assert isinstance(refused, Busy)
    assert (refused.status_code, refused.headers) == (503, {"Retry-After": "1"})


def test_claims(tokens: Tokens) -> None:
    with override_settings(DRF_RATCHET={"USER": "claims"}):
        assert isinstance(user_of(request_with(tokens.access)), TokenUser)
        assert refusal_of(lambda: user_of(request_with("x"))).status_code == 401


@pytest.mark.parametrize("freshness", FRESHNESS)
def test_a_cookie(alice: User, freshness: str) -> None:
    with override_settings(DRF_RATCHET={"FRESHNESS": freshness, "ACCESS_TOKEN_COOKIE": True}):
        way = Transport(Kind.COOKIE_ACCESS, Kind.COOKIE_REFRESH)
        name = cookie_name(Kind.COOKIE_ACCESS)
        cookie = f"{name}={open_session(alice, transport=way).access}"
        request = request_with(None, HTTP_COOKIE=cookie)
        assert user_of(request, CookieJWTAuthentication) == alice
        unsafe = request_with(None, "post", HTTP_COOKIE=cookie)
        refused = refusal_of(lambda: user_of(unsafe, CookieJWTAuthentication))
        assert isinstance(refused, CsrfFailed)
        assert (refused.status_code, refused.detail["code"]) == (403, "permission_denied")
        assert refused.detail["detail"].startswith("CSRF Failed")
