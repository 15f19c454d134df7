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
    "the host's own origin": {"HTTP_ORIGIN": OWN, "HTTP_SEC_FETCH_SITE": "same-origin"},
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
    assert "CSRF_TRUSTED_ORIGINS" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_development_servers_proxy_is_told_which_setting_cures_it(
    alice: User, api: APIClient, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    """Vite's proxy with changeOrigin: the page's origin, and the server's own Host."""
    page = {
        "HTTP_ORIGIN": "http://localhost:5173",
        "HTTP_SEC_FETCH_SITE": "same-origin",
        "HTTP_HOST": "127.0.0.1:8000",
    }
    settings.ALLOWED_HOSTS = ["127.0.0.1"]

    refused = api.post(f"{BROWSER}login/", CREDENTIALS, **page)
    assert refused.json()["code"] == "cross_site"
    [record] = caplog.records
    assert "'http://localhost:5173'" in record.getMessage()
    assert "add its origin to CSRF_TRUSTED_ORIGINS" in record.getMessage()
    settings.CSRF_TRUSTED_ORIGINS = ["http://localhost:5173"]

    assert api.post(f"{BROWSER}login/", CREDENTIALS, **page).status_code == 200


def test_what_is_no_page_is_not_told_to_trust_itself(
    db: None, api: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert api.post(f"{BROWSER}login/", CREDENTIALS).status_code == 403
    assert "CSRF_TRUSTED_ORIGINS" not in caplog.text
    assert "use the endpoints of token/" in caplog.text


TRUSTED = {"HTTP_ORIGIN": "https://app.example.com"}
DROPPED = {
    "a trusted page on another site": (
        {**TRUSTED, "HTTP_SEC_FETCH_SITE": "cross-site"},
        "on another site",
        "one site",
    ),
    "a page of our own in a frame on another site": (
        {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_SEC_FETCH_STORAGE_ACCESS": "none"},
        "on another site",
        "one site",
    ),
    "such a frame that may use cookies of other sites": (
        {**TRUSTED, "HTTP_SEC_FETCH_SITE": "same-site", "HTTP_SEC_FETCH_STORAGE_ACCESS": "active"},
        "on another site",
        "one site",
    ),
    "plain HTTP, and the cookie is Secure": (
        {"HTTP_ORIGIN": OWN},
        "COOKIE_SECURE",
        "DRF_RATCHET['COOKIE_SECURE']",
    ),
}


@pytest.mark.parametrize(("headers", "detail", "logged"), DROPPED.values(), ids=DROPPED)
@pytest.mark.parametrize("endpoint", ["login", "refresh", "logout", "step-up"])
def test_what_sets_cookies_that_the_browser_drops_is_refused(
    alice: User,
    api: APIClient,
    caplog: pytest.LogCaptureFixture,
    headers: dict[str, str],
    detail: str,
    logged: str,
    endpoint: str,
) -> None:
    answer = api.post(f"{BROWSER}{endpoint}/", CREDENTIALS, **headers)

    assert answer.status_code == 403
    assert (set(answer.json()), answer.json()["code"]) == ({"detail", "code"}, "cookie_refused")
    assert detail in answer.json()["detail"]
    assert logged in caplog.text
    assert not answer.cookies
    assert not Session.objects.exists()
    assert api.get(f"{BROWSER}session/", **headers).status_code == 200


KEPT = {
    "this machine, by name": {
        "HTTP_ORIGIN": "http://localhost:8000",
        "HTTP_HOST": "localhost:8000",
    },
    "a name below": {"HTTP_ORIGIN": "http://a.localhost", "HTTP_HOST": "a.localhost"},
    "this machine, by address": {"HTTP_ORIGIN": "http://127.0.0.1", "HTTP_HOST": "127.0.0.1"},
    "this machine, by its newer address": {"HTTP_ORIGIN": "http://[::1]", "HTTP_HOST": "[::1]"},
    # Chromium can be told to, and then says where a request comes from.
    "a host that the browser trusts": {"HTTP_ORIGIN": OWN, "HTTP_SEC_FETCH_SITE": "same-origin"},
    "TLS that ends at a proxy": {"HTTP_SEC_FETCH_SITE": "same-origin"},
    "another subdomain": {**TRUSTED, "HTTP_SEC_FETCH_SITE": "same-site"},
    "an older browser over TLS": TRUSTED,
}


@pytest.mark.parametrize("headers", KEPT.values(), ids=KEPT)
def test_what_browsers_keep_is_not_refused(
    alice: User, api: APIClient, settings: Any, headers: dict[str, str]
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert api.post(f"{BROWSER}login/", CREDENTIALS, **headers).status_code == 200


def test_cookies_that_are_not_secure_are_kept_over_plain_http(
    alice: User, api: APIClient, settings: Any
) -> None:
    settings.DRF_RATCHET = {"COOKIE_SECURE": False}
    answer = api.post(f"{BROWSER}login/", CREDENTIALS, HTTP_ORIGIN=OWN)
    assert answer.status_code == 200


def test_a_refused_one_counts_for_no_throttle(
    alice: User, api: APIClient, login: Callable[..., Response]
) -> None:
    """Another site must not be able to lock its visitors out."""
    for _ in range(25):
        wrong = {"username": "alice", "password": "wrong"}
        api.post(f"{BROWSER}login/", wrong, HTTP_ORIGIN="https://evil.example")

    assert login().status_code == 200


def test_session_can_be_read_from_any_origin(signed_in: Response, api: APIClient) -> None:
    answer = api.get(f"{BROWSER}session/", HTTP_ORIGIN="https://evil.example")

    assert answer.status_code == 200
    assert not answer.has_header("Access-Control-Allow-Origin")
