"""The rate limits: what counts, for whom, and what happens without a cache."""

import itertools
import logging
from base64 import b64encode
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.urls import include, path
from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from drf_ratchet import security_log, throttling
from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.browser.cookies import IN_MEMORY, cookie_name
from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.models import Session
from drf_ratchet.serializers import TokenObtainPairSerializer
from drf_ratchet.sessions import open_session
from drf_ratchet.sessions.ending import end_session
from drf_ratchet.sessions.grant import Grant
from drf_ratchet.throttling import RateLimit, SignInThrottle, StepUpThrottle, fold, network_of
from drf_ratchet.views import TokenObtainPairView
from ratchet_tokens.claims import Kind
from tests.fixtures import PASSWORD, Tokens

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


def test_never_more_in_any_span_of_its_length(rates: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not across the edge of a window, where a fixed one lets twice the rate through."""
    rates(sign_in="5/min")
    start = 1_800_000_000.0
    passed = []
    for tick in range(600):  # ten minutes, an attempt each second
        at(start + tick, monkeypatch)
        if RateLimit("sign_in", "a").take() is None:
            passed.append(tick)
    for first in passed:
        assert sum(first <= tick < first + 60 for tick in passed) <= 5
    assert len(passed) >= 40  # and not much less than the rate: a sixth of the span at most


def test_the_wait_is_true(rates: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rates(sign_in="3/min")
    start = 1_800_000_007.0
    at(start, monkeypatch)
    counter = RateLimit("sign_in", "a")
    assert [counter.take() for _ in range(3)] == [None] * 3
    wait = counter.take()
    assert wait is not None
    at(start + wait - 1, monkeypatch)
    assert counter.take() is not None
    at(start + wait + 0.001, monkeypatch)
    assert counter.take() is None


def test_giving_back(rates: Any) -> None:
    rates(sign_in="1/hour")
    counter = RateLimit("sign_in", "a")
    assert counter.take() is None
    counter.give_back()
    assert counter.take() is None
    assert counter.take() is not None


def test_switched_off(rates: Any) -> None:
    rates()
    assert [RateLimit("sign_in", "a").take() for _ in range(500)] == [None] * 500


def test_no_name_is_in_a_key(rates: Any) -> None:
    rates(sign_in="1/hour")
    span = RateLimit("sign_in", "alice").span()
    assert span is not None
    assert all(key.startswith("ratchet:sign_in:") for key in span.keys)
    assert "alice" not in repr(span)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("20/hour", (20, 3600)),
        ("5/s", (5, 1)),
        ("7/m", (7, 60)),
        ("7/day", (7, 86400)),
        ("5/2m", (5, 120)),
        ("100/15min", (100, 900)),
    ],
)
def test_rates_in_drfs_notation(rate: str, expected: tuple[int, float]) -> None:
    assert throttling.parse_rate(rate) == expected


@pytest.mark.parametrize(
    "rate",
    ["often", "5", "5/", "/min", "5/fortnight", 5, ("5", "min"), "5/0m", "٣/min", "", b"5/m"],
)
def test_invalid_rate_raises(rates: Any, rate: Any) -> None:
    rates(sign_in=rate)
    with pytest.raises(ImproperlyConfigured):
        RateLimit("sign_in", "a").take()


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
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80:0000:0000:0000::/64"),
        ("", ""),
        ("rubbish", ""),
        ("0.0.0.0", ""),
        ("::", ""),
    ],
)
def test_networks(rf: Any, address: str, network: str) -> None:
    assert network_of(rf.get("/", REMOTE_ADDR=address)) == network


@pytest.mark.parametrize(
    ("forwarded", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:5678", "192.0.2.1"),
        ("[2001:db8:1:2::3]:80", "2001:0db8:0001:0002::/64"),
        ("[2001:db8:1:2::3]", "2001:0db8:0001:0002::/64"),
        ('"[2001:db8:1:2::3]:80"', "2001:0db8:0001:0002::/64"),
        ('"192.0.2.1"', "192.0.2.1"),
        ("fe80::1%eth0", "fe80:0000:0000:0000::/64"),
        ("[fe80::1%25eth0]:80", "fe80:0000:0000:0000::/64"),
        ("  192.0.2.1  ", "192.0.2.1"),
        ("198.51.100.1, 192.0.2.1", "192.0.2.1"),
        ("198.51.100.1,192.0.2.1:80,", "192.0.2.1"),
        ("192.0.2.1, , ,", "192.0.2.1"),
        ("," * 60_000 + "192.0.2.1", "192.0.2.1"),
        # No address: all of them are one network.
        ("unknown", ""),
        ("_hidden", ""),
        (",,,", ""),
        ("192.0.2.1:80:90", ""),
        ("[192.0.2.1", "192.0.2.1"),
        ("1.2.3.4.5", ""),
        ("x" * 5000, ""),
    ],
)
def test_forwarded_addresses(rf: Any, settings: Any, forwarded: str, network: str) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert network_of(rf.get("/", HTTP_X_FORWARDED_FOR=forwarded)) == network


def test_the_proxies_own_entries_are_counted_from_the_right(rf: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 2}
    for forwarded in ("6.6.6.6, 192.0.2.1, 10.0.0.1", "192.0.2.1,,10.0.0.1", "192.0.2.1"):
        assert network_of(rf.get("/", HTTP_X_FORWARDED_FOR=forwarded)) == "192.0.2.1"
    assert network_of(rf.get("/", REMOTE_ADDR="192.0.2.1")) == "192.0.2.1"


@pytest.mark.parametrize(
    ("proxies", "headers", "said"),
    [
        (None, {"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, "NUM_PROXIES'] is not set"),
        (1, {}, "has no X-Forwarded-For"),
        (0, {"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, ""),
        (1, {"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, ""),
        (None, {}, ""),
    ],
)
def test_a_proxy_that_is_not_configured_is_told_of_once(
    rf: Any,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    proxies: int | None,
    headers: dict[str, str],
    said: str,
) -> None:
    security_log._logged.clear()
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    for _ in range(3):
        network_of(rf.get("/", **headers))
    assert len(caplog.records) == bool(said)
    assert said in caplog.text
    assert "192.0.2.1" not in caplog.text


@pytest.mark.parametrize("address", ["", "rubbish"])
def test_unknown_addresses_are_one_network(attempt: Try, rates: Any, address: str) -> None:
    rates(sign_in_address="2/hour")
    assert [attempt(username=f"u{number}", ip=address) for number in range(3)] == [401, 401, 429]


def test_refused_tokens_from_unknown_addresses_count(refresh: Any, rates: Any, db: None) -> None:
    rates(refresh_failures="2/min")
    answers = [refresh("rubbish", REMOTE_ADDR="").status_code for _ in range(3)]
    assert answers == [401, 401, 429]


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


def test_other_methods_are_not_counted(attempt: Try, api: APIClient, rates: Any) -> None:
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


# Whose account


class OwnField(TokenObtainPairSerializer):
    """A login whose field has a name of its own."""

    username_field = "login"

    def get_credentials(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"username": attrs["login"], "password": attrs["password"]}


class NoUsernameField(serializers.Serializer[Any]):
    """A login with no class of ours under it."""

    email = serializers.EmailField()
    password = serializers.CharField()

    def validate(self, attrs: Any) -> Any:
        user = authenticate(username=attrs["email"].partition("@")[0], password=attrs["password"])
        if user is None:
            raise NoActiveAccount
        return {"user": user.pk}


class ByPhone(TokenObtainPairSerializer):
    """A login that finds the account by one of two fields."""

    phone = serializers.CharField(required=False)
    email = serializers.CharField(required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        del fields["username"]
        return fields

    def get_credentials(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # Whatever is typed between the digits.
        digits = "".join(filter(str.isdigit, attrs.get("phone", "")))
        known = {"5551234": "alice"}.get(digits) or attrs.get("email", "").partition("@")[0]
        return {"username": known, "password": attrs["password"]}


class LinkOnly(serializers.Serializer[Any]):
    """A sign-in that names no account."""

    link = serializers.CharField()

    def validate(self, attrs: Any) -> Any:
        raise NoActiveAccount


def signed_in_view(serializer: Any, **attributes: Any) -> Any:
    return type("View", (TokenObtainPairView,), {"serializer_class": serializer, **attributes})


class OwnView(APIView):
    """A view of a project's own, signed in by whatever comes."""

    throttle_classes = (SignInThrottle,)
    permission_classes = ()

    def post(self, request: Request) -> Response:
        given = {name: request.data.get(name) for name in ("username", "password")}
        user = authenticate(request._request, **given)
        if user is None:
            return Response(status=401)
        open_session(user, request=request)
        return Response({"signed in": True})


urlpatterns = [
    path("api/", include("drf_ratchet.urls")),
    path("own-field/", signed_in_view(OwnField).as_view()),
    path("no-username-field/", signed_in_view(NoUsernameField).as_view()),
    path("by-phone/", signed_in_view(ByPhone).as_view()),
    path("link/", signed_in_view(LinkOnly).as_view()),
    path("own/", OwnView.as_view()),
    path(
        "with-users/",
        signed_in_view(None, authentication_classes=(JWTAuthentication,)).as_view(
            serializer_class=TokenObtainPairSerializer
        ),
    ),
]


@pytest.fixture
def guess(api: APIClient, alice: User, settings: Any) -> Callable[..., int]:
    """A wrong password, each time from another network."""
    settings.ROOT_URLCONF = __name__
    networks = itertools.count()

    def guess(url: str, format: str = "json", password: str = "wrong", **body: Any) -> int:
        address = f"203.0.{next(networks) // 250}.{next(networks) % 250}"
        headers = body.pop("headers", {})
        fields = {"password": password, **body}
        answer = api.post(url, fields, format=format, REMOTE_ADDR=address, **headers)
        status: int = answer.status_code
        return status

    return guess


@pytest.mark.parametrize("format", ["json", "multipart"])
@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("/api/token/", [{"username": "alice"}, {"username": "ALICE"}]),
        ("/own-field/", [{"login": "alice"}, {"login": " alice "}]),
        # The model's own field, which this login does not look at, names nobody here.
        ("/own-field/", [{"login": "alice", "username": "x"}, {"login": "alice", "username": "y"}]),
        ("/no-username-field/", [{"email": "alice@example.com"}, {"email": "Alice@example.com"}]),
        ("/by-phone/", [{"phone": "555 1234"}, {"phone": "555-12-34"}, {"phone": "(5551234)"}]),
        ("/by-phone/", [{"phone": "5551234"}, {"email": "alice@a.example"}]),
        ("/by-phone/", [{"phone": "5551234", "email": f"{n}@x"} for n in range(9)]),
        ("/own/", [{"username": "alice"}, {"username": "aLice"}]),
    ],
)
def test_one_account_has_one_count(
    url: str, names: list[dict[str, str]], format: str, guess: Any, rates: Any
) -> None:
    rates(sign_in_account="5/hour")
    answers = [guess(url, format, **name) for name, _ in zip(cycle(names), range(12), strict=False)]
    assert answers == [401] * 5 + [429] * 7


@pytest.mark.parametrize("url", ["/api/token/", "/own-field/", "/no-username-field/"])
@pytest.mark.parametrize("name", ["missing", "", "   ", None])
def test_a_name_that_is_missing_counts(url: str, name: Any, guess: Any, rates: Any) -> None:
    field = {"/own-field/": "login", "/no-username-field/": "email"}.get(url, "username")
    rates(sign_in_account="3/hour")
    body = {} if name == "missing" else {field: name}
    answers = [guess(url, **body) for _ in range(5)]
    assert answers == [400] * 3 + [429] * 2
    assert guess(url, **{field: "bob@example.com"}) == 401


@pytest.mark.parametrize("key", ["Username", "\uff55sername", "username\u200b", " username"])
def test_misspelled_account_fields_share_one_limit(key: str, guess: Any, rates: Any) -> None:
    rates(sign_in_account="3/hour")
    answers = [guess("/api/token/", **{key: f"alice{n}"}) for n in range(4)]
    assert answers == [400] * 3 + [429]


def test_of_two_equal_fields_the_last_is_tried_and_counted(
    api: APIClient, alice: User, rates: Any
) -> None:
    rates(sign_in_account="3/hour")
    answers = []
    for number in range(5):
        body = f'{{"username": "x{number}", "username": "alice", "password": "wrong"}}'
        answer = api.generic("POST", "/api/token/", body, content_type="application/json")
        answers.append(answer.status_code)
    assert answers == [401] * 3 + [429] * 2


def test_a_sign_in_without_a_name_counts_for_its_network(guess: Any, api: Any, rates: Any) -> None:
    """Strangers cannot close it to everybody else."""
    rates(sign_in_account="3/hour", sign_in="3/hour", sign_in_address="5/hour")
    assert [guess("/link/", link=f"guess {n}") for n in range(12)] == [401] * 12
    here = [api.post("/link/", {"link": f"x{n}"}).status_code for n in range(7)]
    assert here == [401] * 5 + [429] * 2


def test_a_bearer_moves_no_count(guess: Any, rates: Any, api: APIClient) -> None:
    """An attacker with another user's token gets no further guesses."""
    User.objects.create_user("mallory", password=PASSWORD)
    mallory = api.post("/api/token/", {"username": "mallory", "password": PASSWORD}).json()
    headers = {"HTTP_AUTHORIZATION": f"Bearer {mallory['access']}"}
    rates(sign_in_account="5/hour")
    for url in ("/with-users/", "/api/token/", "/own/"):
        cache.clear()
        answers = [guess(url, username="alice", headers=headers) for _ in range(8)]
        assert answers == [401] * 5 + [429] * 3
        assert guess(url, username="mallory", headers=headers) == 401


def test_custom_view_counts_only_failures(guess: Any, rates: Any) -> None:
    """Whatever ends in open_session(request=request) has succeeded."""
    rates(sign_in_account="2/hour", sign_in_success="4/hour")
    answers = [guess("/own/", username="alice", password=PASSWORD) for _ in range(4)]
    assert answers == [200] * 4
    assert guess("/own/", username="alice", password=PASSWORD) == 429
    cache.clear()
    assert [guess("/own/", username="alice") for _ in range(3)] == [401, 401, 429]


def test_get_account_can_be_overridden(api: APIClient, alice: User, rates: Any) -> None:
    class ByHeader(SignInThrottle):
        def get_account(self, request: Request, view: APIView) -> Any:
            return request.META.get("HTTP_ACCOUNT")

    view = signed_in_view(TokenObtainPairSerializer, throttle_classes=(ByHeader,)).as_view()
    rates(sign_in_account="2/hour")

    def post(**headers: str) -> int:
        body = {"username": "alice", "password": "wrong"}
        request = APIRequestFactory().post("/", body, format="json", **headers)
        status: int = view(request).status_code
        return status

    assert [post(HTTP_ACCOUNT="a") for _ in range(3)] == [401, 401, 429]
    assert post(HTTP_ACCOUNT="x" * 5000) == 400
    # The account that the password is tried on has been counted as well.
    assert post(HTTP_ACCOUNT="b") == 429


# Right passwords


def test_right_passwords_have_a_generous_rate(attempt: Try, rates: Any) -> None:
    rates(sign_in="3/hour", sign_in_address="3/hour", sign_in_success="30/hour")
    answers = [attempt(password=PASSWORD, ip=f"192.0.2.{number}") for number in range(40)]
    assert answers == [200] * 30 + [429] * 10
    assert Session.objects.count() == 30
    # Failures do not count for it, and other accounts have their own.
    assert attempt(username="bob") == 401


def test_failures_use_up_no_right_sign_ins(attempt: Try, rates: Any) -> None:
    rates(sign_in_success="3/hour")
    assert [attempt() for _ in range(10)] == [401] * 10
    assert [attempt(password=PASSWORD) for _ in range(4)] == [200, 200, 200, 429]


def test_right_passwords_are_limited_by_default(attempt: Try) -> None:
    rate = throttling.RATES["sign_in_success"]
    assert rate is not None
    assert throttling.parse_rate(rate) == (3600, 3600)


# Step-up


def test_strangers_do_not_close_step_up(
    api: APIClient, tokens: Tokens, attempt: Try, rates: Any
) -> None:
    rates(sign_in="3/hour", sign_in_address="9/hour", sign_in_account="9/hour", step_up="5/hour")
    # From her own network too.
    for ip in ("203.0.113.1", "203.0.113.2", "203.0.113.3", "127.0.0.1"):
        for _ in range(9):
            attempt(ip=ip)
    assert attempt(ip="127.0.0.1") == 429
    body = {"refresh": tokens.refresh, "password": PASSWORD}
    assert api.post("/api/step-up/", body, **tokens.bearer).status_code == 200


def test_a_thief_guesses_at_step_up_by_its_rate(
    api: APIClient, tokens: Tokens, sign_in: Any, attempt: Try, rates: Any
) -> None:
    rates(step_up="5/hour")
    other = sign_in()

    def step_up(tokens: Tokens, password: str, ip: str) -> int:
        body = {"refresh": tokens.refresh, "password": password}
        answer = api.post("/api/step-up/", body, REMOTE_ADDR=ip, **tokens.bearer)
        status: int = answer.status_code
        return status

    answers = [step_up(tokens, f"guess {n}", f"203.0.113.{n}") for n in range(8)]
    assert answers == [401] * 5 + [429] * 3
    assert step_up(tokens, PASSWORD, "192.0.2.1") == 429
    # Her other device, and her password, are no worse off.
    assert step_up(other, PASSWORD, "192.0.2.1") == 200
    assert attempt(password=PASSWORD) == 200


def test_a_step_up_that_succeeds_does_not_count(api: APIClient, tokens: Tokens, rates: Any) -> None:
    rates(step_up="2/hour", sign_in_success="4/hour")
    statuses = []
    for _ in range(5):
        body = {"refresh": tokens.refresh, "password": PASSWORD}
        answer = api.post("/api/step-up/", body, **tokens.bearer)
        statuses.append(answer.status_code)
        tokens = Tokens(**answer.json()) if answer.status_code == 200 else tokens
    assert statuses == [200] * 4 + [429]


class Password(APIView):
    authentication_classes = (JWTAuthentication, BasicAuthentication)
    permission_classes = ()
    throttle_classes = (StepUpThrottle,)

    def post(self, request: Request) -> Response:
        return Response(status=400)


def test_step_up_throttle_counts_by_session_user_or_network(
    api: APIClient, tokens: Tokens, sign_in: Any, rates: Any
) -> None:
    """By session, else by user, else by the network of an anonymous client."""
    rates(step_up="2/hour")
    view, factory = Password.as_view(), APIRequestFactory()

    def statuses(**headers: Any) -> list[int]:
        return [view(factory.post("/", **headers)).status_code for _ in range(3)]

    limited = [400, 400, 429]
    assert statuses(**tokens.bearer) == limited
    assert statuses(**sign_in().bearer) == limited
    basic = {"HTTP_AUTHORIZATION": "Basic " + b64encode(f"alice:{PASSWORD}".encode()).decode()}
    assert statuses(**basic) == limited
    assert statuses(REMOTE_ADDR="203.0.113.1") == limited
    assert statuses(REMOTE_ADDR="203.0.113.2") == limited
    with override_settings(REST_FRAMEWORK={"UNAUTHENTICATED_USER": None}):
        cache.clear()
        assert statuses(REMOTE_ADDR="203.0.113.1")[0] == 400
    assert view(factory.get("/", **tokens.bearer)).status_code == 405


# Tenants


def test_each_issuer_counts_by_itself(api: APIClient, alice: User, settings: Any) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ISSUER": tenant_of}
    rates = {"DEFAULT_THROTTLE_RATES": {"sign_in_account": "2/hour", "refresh_failures": "2/min"}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
    body = {"username": "alice", "password": "wrong"}

    def both(tenant: str) -> tuple[list[int], list[int]]:
        guesses = [api.post("/api/token/", body, HTTP_TENANT=tenant) for _ in range(3)]
        url, token = "/api/token/refresh/", {"refresh": "x"}
        refused = [api.post(url, token, HTTP_TENANT=tenant) for _ in range(3)]
        return [one.status_code for one in guesses], [one.status_code for one in refused]

    assert both("a") == both("b") == ([401, 401, 429], [401, 401, 429])


def test_the_issuer_is_asked_for_once(api: APIClient, alice: User, settings: Any) -> None:
    asked: list[Any] = []
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ISSUER": lambda r: asked.append(r) or "us"}
    body = {"username": "alice", "password": "wrong"}
    assert api.post("/api/token/", body).status_code == 401
    assert len(asked) == 1


def tenant_of(request: Any) -> str:
    return "public" if request is None else str(request.META.get("HTTP_TENANT", "public"))


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


def test_200_visitors_of_one_renderer_do_not_limit_each_other(
    api: APIClient, alice: User, rates: Any
) -> None:
    """The pages of all of them are rendered by one server, which asks from its own address."""
    rates(refresh_failures="3/min", refresh="120/min")
    signed_in = [open_session(alice, transport=IN_MEMORY) for _ in range(200)]
    ended = signed_in[::2]
    for grant in ended:
        end_session(grant.session)

    def load_page(grant: Grant) -> int:
        api.cookies[cookie_name(Kind.COOKIE_REFRESH)] = grant.refresh
        answer = api.post("/api/browser/refresh/", HTTP_SEC_FETCH_SITE="same-origin")
        return answer.status_code

    answers = [load_page(grant) for grant in signed_in]

    assert answers == [401, 200] * 100
    # Nor does somebody who sends rubbish through it.
    api.cookies.clear()
    rubbish = [
        api.post(
            "/api/browser/refresh/",
            HTTP_COOKIE=f"{cookie_name(Kind.COOKIE_REFRESH)}=x",
            HTTP_SEC_FETCH_SITE="same-origin",
        )
        for _ in range(5)
    ]
    assert [one.status_code for one in rubbish] == [401, 401, 401, 429, 429]
    assert {load_page(grant) for grant in signed_in} == {401, 200}


def test_an_ended_session_has_a_limit_of_its_own(tokens: Tokens, refresh: Any, rates: Any) -> None:
    rates(refresh_failures="1/min", refresh="3/min")
    end_session(tokens.session)
    answers = [refresh(tokens.refresh) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


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
