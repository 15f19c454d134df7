"""Who may use the cookies: our own pages, and no other site's."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from tests.browser.conftest import BROWSER
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.any_database

CREDENTIALS = {"username": "alice", "password": PASSWORD}
OWN = "http://testserver"
NONE: dict[str, str] = {}

ALLOWED = {
    "the host's own origin": {"HTTP_ORIGIN": OWN},
    "the same origin, by Fetch Metadata": {"HTTP_SEC_FETCH_SITE": "same-origin"},
    # A request within the site that a service worker or an extension has made look odd.
    "the own origin, whatever else is said": {
        "HTTP_ORIGIN": OWN,
        "HTTP_SEC_FETCH_SITE": "same-site",
    },
    "a trusted origin": {"HTTP_ORIGIN": "https://app.example.com"},
    "a trusted wildcard": {"HTTP_ORIGIN": "https://a.b.example.org"},
}
REFUSED = {
    "nothing that says where it is from": NONE,
    "another site": {"HTTP_ORIGIN": "https://evil.example"},
    "a sandboxed frame": {"HTTP_ORIGIN": "null"},
    "an empty origin": {"HTTP_ORIGIN": ""},
    "an untrusted subdomain": {"HTTP_ORIGIN": "http://evil.testserver"},
    "another port": {"HTTP_ORIGIN": "http://testserver:8001"},
    "another scheme": {"HTTP_ORIGIN": "https://testserver"},
    "our name in front of theirs": {"HTTP_ORIGIN": "http://testserver.evil.example"},
    "a trusted name in front of theirs": {"HTTP_ORIGIN": "https://app.example.com.evil.example"},
    "a trusted origin over plain HTTP": {"HTTP_ORIGIN": "http://app.example.com"},
    "a wildcard's bare domain, other scheme": {"HTTP_ORIGIN": "http://example.org"},
    "two origins": {"HTTP_ORIGIN": f"{OWN} https://evil.example"},
    "no URL": {"HTTP_ORIGIN": "http://[::1"},
    "a foreign origin that claims the same": {
        "HTTP_ORIGIN": "https://evil.example",
        "HTTP_SEC_FETCH_SITE": "same-origin",
    },
    "a sibling subdomain, by Fetch Metadata": {"HTTP_SEC_FETCH_SITE": "same-site"},
    "another site, by Fetch Metadata": {"HTTP_SEC_FETCH_SITE": "cross-site"},
    "the address bar": {"HTTP_SEC_FETCH_SITE": "none"},
    # What scripts may set themselves says nothing.
    "a referrer": {"HTTP_REFERER": OWN + "/"},
    "a header of AJAX libraries": {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"},
}


@pytest.fixture(autouse=True)
def _trusted(settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example.com", "https://*.example.org"]


@pytest.mark.parametrize("headers", ALLOWED.values(), ids=ALLOWED)
def test_allowed(alice: User, api: APIClient, headers: dict[str, Any]) -> None:
    assert api.post(f"{BROWSER}login/", CREDENTIALS, **headers).status_code == 200
    assert api.post(f"{BROWSER}refresh/", **headers).status_code == 200
    assert api.post(f"{BROWSER}logout/", **headers).status_code == 200


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_refused(signed_in: Response, api: APIClient, headers: dict[str, Any]) -> None:
    before = Session.objects.values().get()

    for endpoint in ("login", "refresh", "logout"):
        answer = api.post(f"{BROWSER}{endpoint}/", CREDENTIALS, **headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "cross_site"
        assert not answer.cookies

    assert Session.objects.values().get() == before


def test_the_deployments_own_origin_over_tls(alice: User, api: APIClient, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    origin = {"HTTP_HOST": "testserver", "HTTP_ORIGIN": "https://testserver"}

    refused = api.post(f"{BROWSER}login/", CREDENTIALS, **origin)
    allowed = api.post(f"{BROWSER}login/", CREDENTIALS, HTTP_X_FORWARDED_PROTO="https", **origin)

    assert (refused.status_code, allowed.status_code) == (403, 200)


def test_the_log_tells_what_to_set(
    db: None, api: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "drf_ratchet.security"):
        api.post(f"{BROWSER}login/", CREDENTIALS, HTTP_ORIGIN="https://testserver")

    assert "SECURE_PROXY_SSL_HEADER" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_refused_one_counts_for_no_throttle(
    alice: User, api: APIClient, login: Callable[..., Response]
) -> None:
    """Another site must not be able to lock its visitors out."""
    for _ in range(25):
        wrong = {"username": "alice", "password": "wrong"}
        api.post(f"{BROWSER}login/", wrong, HTTP_ORIGIN="https://evil.example")

    assert login().status_code == 200


def test_reading_asks_for_nothing(signed_in: Response, api: APIClient) -> None:
    answer = api.get(f"{BROWSER}session/", HTTP_ORIGIN="https://evil.example")

    assert answer.status_code == 200
    assert not answer.has_header("Access-Control-Allow-Origin")
