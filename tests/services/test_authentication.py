"""Who may ask: the services that are named, by their secrets, and nobody else."""

import hmac
import logging
from base64 import b64encode
from typing import Any

import pytest
from django.test import override_settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet import throttling
from drf_ratchet.services import authentication
from tests.fixtures import PASSWORD, Tokens
from tests.services.conftest import (
    FORM,
    NAME,
    ODD_SECRET,
    REALM,
    SECRET,
    basic,
    ratchet,
    refused,
)

pytestmark = pytest.mark.django_db
ENDPOINTS = {"introspect": "POST", "revoke": "POST", "ended-sessions": "GET"}
EACH_ENDPOINT = pytest.mark.parametrize("endpoint", ENDPOINTS)


def send(endpoint: str, **headers: Any) -> Response:
    method = ENDPOINTS[endpoint]
    body = "token=a.b.c" if method == "POST" else ""
    answer: Response = APIClient().generic(
        method, f"/api/{endpoint}/", body, content_type=FORM, **headers
    )
    return answer


def header(raw: bytes | str, scheme: str = "Basic") -> dict[str, str]:
    raw = raw if isinstance(raw, bytes) else raw.encode()
    return {"HTTP_AUTHORIZATION": f"{scheme} {b64encode(raw).decode()}"}


REFUSED: dict[str, dict[str, str]] = {
    "nothing": {},
    "a wrong secret": basic(secret=SECRET[:-1] + "2"),
    "the start of the secret": basic(secret=SECRET[:-1]),
    "more than the secret": basic(secret=SECRET + "1"),
    "no secret": basic(secret=""),
    "an unknown name": basic("nobody"),
    "an unknown name and no secret": basic("nobody", ""),
    "no name": basic(""),
    "neither": header(":"),
    "the name in another case": basic("Billing"),
    "another service's secret": basic(secret=ODD_SECRET),
    "no colon": header(NAME + SECRET),
    "empty": {"HTTP_AUTHORIZATION": ""},
    "the scheme alone": {"HTTP_AUTHORIZATION": "Basic"},
    "no base64": {"HTTP_AUTHORIZATION": "Basic ???"},
    "base64 of half a byte": {"HTTP_AUTHORIZATION": "Basic a"},
    "two of them": {"HTTP_AUTHORIZATION": basic()["HTTP_AUTHORIZATION"] + ", Basic x"},
    "no UTF-8": header(b"\xff\xfe:" + SECRET.encode()),
    "a header that is no ASCII": {"HTTP_AUTHORIZATION": "Basic \xe9"},
    "escapes that are no UTF-8": header("%FF%FE:%FF"),
    "a NUL": header("billing\0:" + SECRET),
    "a surrogate": header(b"\xed\xa0\x80:x"),
    "another scheme": header(f"{NAME}:{SECRET}", "Bearer"),
    "a very long one": basic(secret="x" * 100_000),
}


@EACH_ENDPOINT
@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_refused(endpoint: str, headers: dict[str, str]) -> None:
    answer = send(endpoint, **headers)

    refused(answer, 401, "invalid_client")
    assert answer["WWW-Authenticate"] == REALM


def test_all_refusals_are_the_same() -> None:
    """A refusal does not reveal which services exist."""
    assert len({send("introspect", **headers).content for headers in REFUSED.values()}) == 1


@EACH_ENDPOINT
@pytest.mark.parametrize(
    "headers",
    [
        basic(),
        basic("shop.example", ODD_SECRET),
        basic("shop.example", ODD_SECRET, encoded=False),
        header(f"{NAME}:{SECRET}", "bAsIc"),
        header(f"{NAME}:{SECRET}", "Basic  "),
    ],
)
def test_let_in(endpoint: str, headers: dict[str, str]) -> None:
    assert send(endpoint, **headers).status_code == 200


@EACH_ENDPOINT
def test_every_service_is_refused_without_the_setting(endpoint: str) -> None:
    with override_settings(DRF_RATCHET=ratchet(SERVICE_SECRETS={})):
        for headers in ({}, basic(), basic("", ""), basic(secret="")):
            refused(send(endpoint, **headers), 401, "invalid_client")


@EACH_ENDPOINT
def test_a_user_is_no_service(endpoint: str, tokens: Tokens) -> None:
    refused(send(endpoint, **tokens.bearer), 401, "invalid_client")
    refused(send(endpoint, **basic("alice", PASSWORD)), 401, "invalid_client")


@EACH_ENDPOINT
@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "HEAD", "GET", "POST"])
def test_other_methods_tell_strangers_nothing(endpoint: str, method: str, api: APIClient) -> None:
    assert api.generic(method, f"/api/{endpoint}/").status_code == 401


def test_a_service_is_no_user(api: APIClient) -> None:
    """Its credentials open nothing else."""
    assert api.get("/api/protected/", **basic()).status_code == 401
    assert api.get("/api/sessions/", **basic()).status_code == 401


class TestConstantTime:
    @pytest.mark.parametrize("headers", [basic(), basic("nobody"), basic(secret="x")])
    def test_what_is_compared_has_one_length(
        self, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[tuple[bytes, bytes]] = []

        def compare(one: bytes, other: bytes) -> bool:
            compared.append((one, other))
            return compare_digest(one, other)

        compare_digest = hmac.compare_digest
        monkeypatch.setattr(authentication.hmac, "compare_digest", compare)
        send("introspect", **headers)

        assert compared
        assert {len(value) for pair in compared for value in pair} == {32}

    def test_an_unknown_name_with_an_empty_secret_equals_nothing(self) -> None:
        """An unknown name is compared with the empty secret, so the name has to count too."""
        refused(send("introspect", **basic("nobody", "")), 401, "invalid_client")


class TestThrottle:
    @pytest.fixture(autouse=True)
    def _one_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """However long the test takes, no minute passes."""
        monkeypatch.setattr(throttling.time, "time", lambda: 1_900_000_000.0)

    def test_failures_from_one_network(self) -> None:
        answers = [send("introspect", **basic(secret="x")) for _ in range(31)]

        assert [answer.status_code for answer in answers] == [401] * 30 + [429]
        assert refused(answers[-1], 429, "throttled")
        assert int(answers[-1]["Retry-After"]) > 0

    def test_they_count_for_all_endpoints_together(self) -> None:
        for endpoint in ENDPOINTS:
            for _ in range(10):
                assert send(endpoint).status_code == 401

        assert {send(endpoint).status_code for endpoint in ENDPOINTS} == {429}

    def test_right_secret_is_refused_after_too_many_guesses(self) -> None:
        wrong = [send("introspect", **basic(secret=f"guess {n}")).status_code for n in range(60)]

        assert wrong == [401] * 30 + [429] * 30
        for headers in (basic(), basic(encoded=False), header(f"{NAME}:{SECRET}")):
            assert refused(send("introspect", **headers), 429, "throttled")
        # Neither another service there nor this one elsewhere is worse off.
        assert send("introspect", **basic("shop.example", ODD_SECRET)).status_code == 200
        assert send("introspect", REMOTE_ADDR="192.0.2.9", **basic()).status_code == 200

    @pytest.mark.parametrize("others", [{}, basic("nobody"), basic("shop.example")])
    def test_failures_of_others_are_no_way_to_guess_on(self, others: dict[str, str]) -> None:
        """They use up the network's limit, but the service's own limit still counts."""
        for _ in range(31):
            send("introspect", **others)
        assert send("introspect", **basic()).status_code == 200

        for _ in range(31):
            assert send("introspect", **basic(secret="x")).status_code == 429
        assert send("introspect", **basic()).status_code == 429

    def test_the_answers_do_not_tell_which_services_there_are(self) -> None:
        known, unknown = (
            [send("introspect", REMOTE_ADDR=ip, **basic(name, "x")).status_code for _ in range(33)]
            for name, ip in ((NAME, "192.0.2.1"), ("nobody", "192.0.2.2"))
        )

        assert known == unknown == [401] * 30 + [429] * 3

    @pytest.mark.parametrize("address", ["", "unknown"])
    def test_an_unknown_address_is_a_network_too(self, address: str) -> None:
        answers = [send("introspect", REMOTE_ADDR=address).status_code for _ in range(31)]

        assert answers == [401] * 30 + [429]

    def test_the_right_secret_needs_no_cache(self, settings: Any) -> None:
        """Without one the verifiers of all services would stop with the cache."""
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:1",  # nobody listens there
            }
        }
        assert send("introspect", **basic()).status_code == 200
        assert refused(send("introspect", **basic(secret="x")), 503, "busy")

    def test_valid_secret_does_not_count(self) -> None:
        for _ in range(40):
            assert send("introspect", **basic()).status_code == 200

        assert send("introspect").status_code == 401

    def test_other_networks(self) -> None:
        for _ in range(31):
            send("introspect")

        assert send("introspect", REMOTE_ADDR="192.0.2.9").status_code == 401

    def test_a_projects_own_throttles_are_for_people(self, settings: Any) -> None:
        """All users of a service come from its one address."""
        settings.REST_FRAMEWORK = {
            **settings.REST_FRAMEWORK,
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
            "DEFAULT_THROTTLE_RATES": {"anon": "1/day"},
        }

        assert [send("introspect", **basic()).status_code for _ in range(3)] == [200] * 3


class TestLog:
    @pytest.fixture(autouse=True)
    def _all_of_it(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)

    def said(self, caplog: pytest.LogCaptureFixture) -> str:
        return "\n".join(
            record.getMessage() for record in caplog.records if record.name.startswith("drf_")
        )

    def test_a_known_name(self, caplog: pytest.LogCaptureFixture) -> None:
        send("introspect", **basic(secret="a-wrong-secret"))

        (record,) = (one for one in caplog.records if one.name == "drf_ratchet.security")
        assert record.levelname == "WARNING"
        assert "billing" in record.getMessage()
        assert "127.0.0.1" in record.getMessage()

    @pytest.mark.parametrize(
        "headers", [basic(SECRET, NAME), basic("nobody\n", SECRET), header(SECRET), {}]
    )
    def test_what_is_no_known_name_may_be_a_secret(
        self, headers: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        send("introspect", **headers)

        assert "an unknown service" in self.said(caplog)
        assert "nobody" not in caplog.text

    @pytest.mark.parametrize("headers", [basic(), basic(secret=SECRET + "x"), basic(SECRET)])
    def test_no_secret(self, headers: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
        answer = send("introspect", **headers)

        assert SECRET not in caplog.text + repr(answer.headers) + answer.content.decode()
        assert headers["HTTP_AUTHORIZATION"] not in caplog.text

    def test_a_path_makes_no_line_of_its_own(
        self, caplog: pytest.LogCaptureFixture, settings: Any
    ) -> None:
        settings.ROOT_URLCONF = "tests.services.urls_with_an_argument"
        path = "/a%0A2030-01-01%20CRITICAL%20forged/introspect/"
        assert APIClient().post(path).status_code == 401

        assert "\\n2030" in self.said(caplog)
        assert "\n2030" not in caplog.text

    def test_no_more_lines_than_the_rate(self, caplog: pytest.LogCaptureFixture) -> None:
        for _ in range(40):
            send("introspect")

        assert self.said(caplog).count("Refused") == 30


def test_no_secret_in_the_settings_repr() -> None:
    from drf_ratchet.conf import ratchet_settings

    assert SECRET not in repr(ratchet_settings())
