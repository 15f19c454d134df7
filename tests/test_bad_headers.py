"""What no honest client sends in a header: Authorization and Idempotency-Key."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from tests.fixtures import PASSWORD, Tokens

pytestmark = pytest.mark.any_database

Refresh = Callable[..., Response]

#: With a word of ours at the start: something was sent, and it is no good.
BAD_BEARERS = {
    "one part": "Bearer",
    "one part and a space": "Bearer ",
    "three parts": "Bearer a b",
    "two schemes": "Bearer a, Bearer b",
    "no token": "Bearer token",
    "not ASCII": "Bearer tok\xe9n",
    "not ASCII alone": "Bearer \xff\xfe",
    "UTF-8 read as Latin-1": "Bearer ключ".encode().decode("latin-1"),
    "100 kB": "Bearer " + "x" * 100_000,
    "100 kB of dots": "Bearer " + "." * 100_000,
    "100 kB of parts": "Bearer" + " x" * 50_000,
    "NUL": "Bearer \0",
    "controls": "Bearer \x01\x7f",
    "in capitals": "BEARER x",
    "after spaces": "   Bearer x",
    "after a tab": "Bearer\tx",
}
#: Nothing of ours: as if nothing was sent.
FOREIGN = {
    "empty": "",
    "spaces": "   ",
    "a token alone": "TOKEN",
    "Basic": "Basic YWxpY2U6cmF0Y2hldA==",
    "Token": "Token TOKEN",
    "a word too long": "Bearerx TOKEN",
    "a colon": "Bearer: TOKEN",
    "quoted": '"Bearer TOKEN"',
    "not ASCII": "\xe9 TOKEN",
    "NUL before": "\0Bearer TOKEN",
    "100 kB": "x" * 100_000,
    "a foreign scheme of 100 kB": "x" * 100_000 + " TOKEN",
}
ALL = {**{f"ours: {name}": value for name, value in BAD_BEARERS.items()}, **FOREIGN}


@pytest.mark.django_db
@pytest.mark.parametrize("header", BAD_BEARERS.values(), ids=BAD_BEARERS)
def test_malformed_bearer_gets_401(api: APIClient, header: str) -> None:
    response = api.get("/api/protected/", HTTP_AUTHORIZATION=header)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'
    assert response.json().keys() == {"detail", "code", "reason"}
    assert (response.json()["code"], response.json()["reason"]) == ("token_not_valid", "malformed")


@pytest.mark.parametrize(
    "header",
    ["Bearer TOKEN x", "Bearer TOKEN TOKEN", "Bearer x TOKEN", "Bearer TOKEN,", "Bearer =TOKEN"],
)
def test_valid_token_with_trailing_text_gets_401(
    api: APIClient, tokens: Tokens, header: str
) -> None:
    assert api.get("/api/protected/", **tokens.bearer).status_code == 200

    response = api.get("/api/protected/", HTTP_AUTHORIZATION=header.replace("TOKEN", tokens.access))

    assert response.status_code == 401
    assert response.json()["code"] == "token_not_valid"


@pytest.mark.parametrize("header", FOREIGN.values(), ids=FOREIGN)
def test_another_scheme(api: APIClient, tokens: Tokens, header: str) -> None:
    header = header.replace("TOKEN", tokens.access)

    response = api.get("/api/protected/", HTTP_AUTHORIZATION=header)

    assert response.status_code == 401
    # RFC 6750 section 3.1: no error code for whoever sent no token.
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("header", ALL.values(), ids=ALL)
def test_endpoints_ignore_a_malformed_header(
    api: APIClient, tokens: Tokens, refresh: Refresh, header: str
) -> None:
    """The endpoints do not look at an Authorization header that they do not need."""
    sent = {"HTTP_AUTHORIZATION": header}

    sign_in = api.post("/api/token/", {"username": "alice", "password": PASSWORD}, **sent)
    verified = api.post("/api/token/verify/", {"token": tokens.access}, **sent)
    refreshed = refresh(tokens.refresh, **sent)
    logout = api.post("/api/logout/", {"refresh": tokens.refresh}, **sent)

    assert [answer.status_code for answer in (sign_in, verified, refreshed, logout)] == [200] * 4
    assert tokens.session.end_reason == "logout"


@pytest.mark.parametrize("header", ALL.values(), ids=ALL)
def test_malformed_header_does_not_log_out(api: APIClient, tokens: Tokens, header: str) -> None:
    header = header.replace("TOKEN", tokens.access)

    response = api.post("/api/logout/", {}, HTTP_AUTHORIZATION=header)

    assert response.status_code == 401
    assert {"detail", "code"} <= response.json().keys()
    assert tokens.session.ended_at is None


def test_a_refresh_token_in_its_place(api: APIClient, tokens: Tokens) -> None:
    sent = {"HTTP_AUTHORIZATION": f"Bearer {tokens.refresh}"}

    for response in (api.get("/api/protected/", **sent), api.post("/api/logout/", {}, **sent)):
        assert response.status_code == 401
        assert response.json()["reason"] == "wrong_type"
    assert tokens.session.ended_at is None


BAD_KEYS = {
    "empty": "",
    "129 characters": "k" * 129,
    "100 kB": "k" * 100_000,
    "a space": " ",
    "a space within": "a b",
    "a space at the end": "a ",
    "not ASCII": "cl\xe9",
    "a soft hyphen": "\xad",
    "a tab": "a\tb",
    "NUL": "a\0",
    "a control": "a\x1f",
    "delete": "a\x7f",
    "a line": "a\r\nb",
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_invalid_idempotency_key(tokens: Tokens, refresh: Refresh, key: str) -> None:
    before = list(Session.objects.values())

    response = refresh(tokens.refresh, HTTP_IDEMPOTENCY_KEY=key)

    assert response.status_code == 400
    assert response.json().keys() == {"detail", "code"}
    assert response.json()["code"] == "bad_idempotency_key"
    assert list(Session.objects.values()) == before
    assert refresh(tokens.refresh).status_code == 200


@pytest.mark.parametrize("key", ["k", "!", "~", "k" * 128, '"quoted"', "a,b;c=d"])
def test_an_idempotency_key_that_is_one(tokens: Tokens, refresh: Refresh, key: str) -> None:
    assert refresh(tokens.refresh, HTTP_IDEMPOTENCY_KEY=key).status_code == 200

    assert tokens.session.generation == 2


def test_an_idempotency_key_elsewhere_is_not_looked_at(api: APIClient, alice: User) -> None:
    response = api.post(
        "/api/token/",
        {"username": "alice", "password": PASSWORD},
        HTTP_IDEMPOTENCY_KEY="cl\xe9",
    )

    assert response.status_code == 200
