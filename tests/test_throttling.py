"""The rate limits: what counts, for whom, and what happens without a cache."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet import throttling
from drf_ratchet.serializers import TokenObtainPairSerializer
from drf_ratchet.throttling import Counter, fold, network_of
from tests.conftest import PASSWORD, Tokens

pytestmark = pytest.mark.any_database

Try = Callable[..., Response]


@pytest.fixture
def rates(settings: Any) -> Callable[..., None]:
    """Set rates; those not named are off."""

    def rates(**named: str) -> None:
        chosen = {**dict.fromkeys(throttling.RATES), **named}
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": chosen}

    return rates


@pytest.fixture
def attempt(api: APIClient, alice: User) -> Try:
    """A sign-in, with a wrong password unless one is given."""

    def attempt(username: str = "alice", password: str = "wrong", ip: str = "192.0.2.1") -> int:
        credentials = {"username": username, "password": password}
        status: int = api.post("/api/token/", credentials, REMOTE_ADDR=ip).status_code
        return status

    return attempt


def at(moment: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling.time, "time", lambda: moment)


# The counter


def test_as_many_as_the_rate_and_no_more(rates: Any) -> None:
    rates(sign_in="5/min")
    taken = [Counter("sign_in", "a").take() for _ in range(8)]
    assert taken[:5] == [None] * 5
    assert all(wait and 0 < wait <= 70 for wait in taken[5:])
    assert Counter("sign_in", "somebody else").take() is None


def test_never_more_in_any_span_of_its_length(rates: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not across the edge of a window, where a fixed one lets twice the rate through."""
    rates(sign_in="5/min")
    start = 1_800_000_000.0
    passed = []
    for tick in range(600):  # ten minutes, an attempt each second
        at(start + tick, monkeypatch)
        if Counter("sign_in", "a").take() is None:
            passed.append(tick)
    for first in passed:
        assert sum(first <= tick < first + 60 for tick in passed) <= 5
    assert len(passed) >= 40  # and not much less than the rate: a sixth of the span at most


def test_the_wait_is_true(rates: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rates(sign_in="3/min")
    start = 1_800_000_007.0
    at(start, monkeypatch)
    counter = Counter("sign_in", "a")
    assert [counter.take() for _ in range(3)] == [None] * 3
    wait = counter.take()
    assert wait is not None
    at(start + wait - 1, monkeypatch)
    assert counter.take() is not None
    at(start + wait + 0.001, monkeypatch)
    assert counter.take() is None


def test_under_many_threads(rates: Any) -> None:
    rates(sign_in="10/hour")
    with ThreadPoolExecutor(32) as pool:
        taken = list(pool.map(lambda _: Counter("sign_in", "a").take(), range(400)))
    assert taken.count(None) == 10


def test_giving_back(rates: Any) -> None:
    rates(sign_in="1/hour")
    counter = Counter("sign_in", "a")
    assert counter.take() is None
    counter.give_back()
    assert counter.take() is None
    assert counter.take() is not None


def test_switched_off(rates: Any) -> None:
    rates()
    assert [Counter("sign_in", "a").take() for _ in range(500)] == [None] * 500


def test_no_name_is_in_a_key(rates: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "alice" not in Counter("sign_in", "alice")._key(1)


@pytest.mark.parametrize("rate", ["often", "5", "5/", "/min", "5/fortnight", 5])
def test_a_rate_that_is_none(rates: Any, rate: Any) -> None:
    rates(sign_in=rate)
    with pytest.raises(ImproperlyConfigured):
        Counter("sign_in", "a").take()


# Who counts as whom


@pytest.mark.parametrize(
    "name",
    ["ALICE", "Alice ", "\uff41\uff4c\uff49\uff43\uff45", "\u24d0lice"],
    ids=["case", "space", "wide", "circled"],
)
def test_spellings_of_one_account(name: str) -> None:
    assert fold(name) == "alice"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002::/64"),
        ("2001:db8:1:2::", "2001:0db8:0001:0002::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("rubbish", ""),
    ],
)
def test_networks(rf: Any, address: str, network: str) -> None:
    assert network_of(rf.get("/", REMOTE_ADDR=address)) == network


def test_a_header_is_not_believed(attempt: Try, api: APIClient, rates: Any) -> None:
    rates(sign_in_address="2/hour")
    for number in range(3):
        answer = api.post(
            "/api/token/",
            {"username": f"u{number}", "password": "x"},
            HTTP_X_FORWARDED_FOR=f"198.51.100.{number}",
        )
    assert answer.status_code == 429


# Sign-in


def test_a_stranger_does_not_lock_the_owner_out(attempt: Try, rates: Any) -> None:
    rates(sign_in="3/hour", sign_in_account="100/hour")
    stranger = [attempt(ip="203.0.113.9") for _ in range(50)]
    assert stranger == [401] * 3 + [429] * 47
    assert attempt(password=PASSWORD) == 200


def test_one_account_from_many_networks(attempt: Try, rates: Any) -> None:
    rates(sign_in_account="5/hour")
    answers = [attempt(ip=f"203.0.113.{number}") for number in range(8)]
    assert answers == [401] * 5 + [429] * 3
    assert attempt(username="ALICE", ip="203.0.113.100") == 429


def test_many_accounts_from_one_network(attempt: Try, rates: Any) -> None:
    rates(sign_in_address="5/hour")
    answers = [attempt(username=f"user{number}") for number in range(8)]
    assert answers == [401] * 5 + [429] * 3


def test_a_success_does_not_count(attempt: Try, rates: Any) -> None:
    rates(sign_in="3/hour", sign_in_address="3/hour", sign_in_account="3/hour")
    assert [attempt(password=PASSWORD) for _ in range(6)] == [200] * 6
    assert [attempt() for _ in range(4)] == [401, 401, 401, 429]
    assert attempt(password=PASSWORD) == 429


def test_other_failures_count_as_well(attempt: Try, rates: Any, monkeypatch: Any) -> None:
    """A project's own refusal may come after the password proved right."""

    def refuse(self: Any, credentials: Any) -> Any:
        raise serializers.ValidationError("unverified")

    monkeypatch.setattr(TokenObtainPairSerializer, "authenticate", refuse)
    rates(sign_in="2/hour")
    assert [attempt(password=PASSWORD) for _ in range(3)] == [400, 400, 429]


def test_a_name_padded_beyond_reason(attempt: Try, rates: Any) -> None:
    rates(sign_in="2/hour")
    names = ["alice", " " * 998 + "alice", "ali\u00adce", "\u00e1lice"]
    assert [attempt(username=name) for name in names] == [401, 401, 429, 429]


def test_other_methods_count_for_nothing(attempt: Try, api: APIClient, rates: Any) -> None:
    rates(sign_in="1/hour")
    for method in (api.options, api.get):
        method("/api/token/", {"username": "alice"})
    assert attempt() == 401


def test_a_refused_attempt_uses_up_nothing_else(attempt: Try, rates: Any) -> None:
    rates(sign_in="2/hour", sign_in_address="4/hour")
    assert [attempt() for _ in range(10)].count(401) == 2
    assert [attempt(username="bob") for _ in range(3)] == [401, 401, 429]


def test_a_throttled_attempt_never_reaches_the_hasher(
    attempt: Try, rates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    real = MD5PasswordHasher.encode

    def encode(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return real(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", encode)
    rates(sign_in="3/hour")
    for _ in range(10):
        attempt()
    assert len(hashed) == 3


# Refresh


def test_refreshes_of_one_session(tokens: Tokens, refresh: Any, rates: Any) -> None:
    rates(refresh="3/min")
    answers = [refresh(tokens.refresh) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json().keys() == {"detail", "code"}
    assert int(answers[-1]["Retry-After"]) > 0
    assert tokens.session.ended_at is None


def test_only_failed_refreshes_count_for_the_network(
    tokens: Tokens, refresh: Any, rates: Any
) -> None:
    rates(refresh_failures="3/min")
    assert [refresh(tokens.refresh).status_code for _ in range(5)] == [200] * 5
    assert [refresh("rubbish").status_code for _ in range(4)] == [401, 401, 401, 429]
    # A good token gets through, whoever shares its network.
    assert refresh(tokens.refresh).status_code == 200
    assert refresh("rubbish", REMOTE_ADDR="203.0.113.5").status_code == 401


# Without a cache


NO_CACHE = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://:hunter2@127.0.0.1:1/0",  # nobody listens there
    }
}


@pytest.mark.parametrize(("open_", "status"), [(False, 503), (True, 401)])
def test_the_cache_is_down(
    attempt: Try, settings: Any, caplog: pytest.LogCaptureFixture, open_: bool, status: int
) -> None:
    settings.CACHES = NO_CACHE
    with (
        override_settings(DRF_RATCHET={"THROTTLE_FAILS_OPEN": open_}),
        caplog.at_level(logging.CRITICAL, "drf_ratchet.security"),
    ):
        assert attempt() == status
    assert "The cache cannot count (ConnectionError)" in caplog.text
    assert "hunter2" not in caplog.text
