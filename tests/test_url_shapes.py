"""The endpoints under whatever URLs a project includes them, and under each of DRF's versionings.

A handler that takes no captured argument, or a reverse() without one, is a 500.
"""

import json
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import clear_url_caches, include, path, re_path, reverse
from rest_framework import versioning
from rest_framework.test import APIClient
from rest_framework.urlpatterns import format_suffix_patterns
from rest_framework.views import APIView

from drf_ratchet.models import Session
from tests import urls_of_everything
from tests.fixtures import PASSWORD
from tests.services.conftest import FORM, NAME, SECRET, basic

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

OWN_PAGE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
EVERYTHING = urls_of_everything.urlpatterns

#: The patterns of a project, and what its clients write before (and after) each of our paths.
SHAPES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "at the root": (lambda: EVERYTHING, "/{}", ""),
    "a version": (lambda: [path("v/<str:version>/", include(EVERYTHING))], "/v/1.0/{}", ""),
    "a tenant": (lambda: [path("<slug:tenant>/", include(EVERYTHING))], "/acme/{}", ""),
    "a tenant named id": (lambda: [path("<int:id>/", include(EVERYTHING))], "/7/{}", ""),
    "request and self": (
        lambda: [path("<str:pk>/<str:format_kwarg>/", include(EVERYTHING))],
        "/a/b/{}",
        "",
    ),
    "an unnamed group": (lambda: [re_path(r"^(v[12])/", include(EVERYTHING))], "/v2/{}", ""),
    "extra options": (lambda: [path("", include(EVERYTHING), {"region": "eu"})], "/{}", ""),
    "a namespace": (lambda: [path("v1/", include((EVERYTHING, "v1"), "v1"))], "/v1/{}", ""),
    "a language": (lambda: i18n_patterns(path("", include(EVERYTHING))), "/en/{}", ""),
    "format suffixes": (lambda: format_suffix_patterns(EVERYTHING), "/{}", ".json"),
    "allowed suffixes": (
        lambda: format_suffix_patterns(EVERYTHING, allowed=["json", "html"]),
        "/{}",
        ".json",
    ),
    "without suffixes": (lambda: format_suffix_patterns(EVERYTHING), "/{}", ""),
}


@pytest.fixture(params=SHAPES)
def url(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """The address of one of our paths in a project of each shape."""
    patterns, before, suffix = SHAPES[request.param]
    with project(patterns()):
        yield lambda ours: before.format(ours.rstrip("/") + suffix if suffix else ours)


def project(patterns: Any) -> Any:
    urlconf: Any = ModuleType("urlconf")
    urlconf.urlpatterns = patterns
    clear_url_caches()
    return override_settings(
        ROOT_URLCONF=urlconf,
        DRF_RATCHET={"SERVICE_SECRETS": {NAME: SECRET}, "COOKIE_SECURE": False},
    )


@pytest.fixture
def client(alice: User) -> APIClient:
    return APIClient()


def story(api: APIClient, url: Callable[[str], str]) -> None:
    """Everything that a client of ours may ask, in an order in which all of it succeeds."""

    def ask(method: str, ours: str, status: int, body: Any = None, **headers: Any) -> Any:
        answer = getattr(api, method)(url(ours), body, **headers)
        assert answer.status_code == status, (url(ours), answer.content)
        return answer

    credentials = {"username": "alice", "password": PASSWORD}
    ask("post", "api/token/", 401, {**credentials, "password": "wrong"})
    tokens = ask("post", "api/token/", 200, credentials).json()
    tokens = ask("post", "api/token/refresh/", 200, {"refresh": tokens["refresh"]}).json()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {tokens['access']}"}
    ask("post", "api/token/verify/", 200, {"token": tokens["access"]})
    body = {"refresh": tokens["refresh"], "password": PASSWORD}
    tokens = ask("post", "api/step-up/", 200, body, **bearer).json()

    browser = ask("post", "api/browser/login/", 200, credentials, **OWN_PAGE).json()
    ask("post", "api/browser/refresh/", 200, **OWN_PAGE)
    header = {"HTTP_AUTHORIZATION": f"Bearer {browser['access']}", **OWN_PAGE}
    ask("post", "api/browser/step-up/", 200, {"password": PASSWORD}, **header)
    assert ask("get", "api/browser/session/", 200).json()["user"]["username"] == "alice"
    ask("post", "api/browser/logout/", 200, **OWN_PAGE)

    other = ask("post", "api/token/", 200, credentials).json()
    listed = ask("get", "api/sessions/", 200, **bearer).json()
    assert [each["current"] for each in listed] == [False, True]
    ask("delete", f"api/sessions/{listed[0]['id']}/", 204, **bearer)
    ask("delete", f"api/sessions/{listed[0]['id']}/", 404, **bearer)
    ask("post", "api/token/refresh/", 401, {"refresh": other["refresh"]})

    service = {**basic(), "content_type": FORM}
    said = ask("post", "api/introspect/", 200, f"token={tokens['access']}", **service).json()
    assert said["active"] is True
    assert ask("get", "api/ended-sessions/", 404, **basic()).json()["code"] == "no_public_key"
    ask("post", "api/revoke/", 200, f"token={quote_plus(tokens['refresh'])}", **service)
    assert ask("get", ".well-known/jwks.json", 200).json() == {"keys": []}

    tokens = ask("post", "api/token/", 200, credentials).json()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {tokens['access']}"}
    ask("post", "api/logout/", 200, {"refresh": tokens["refresh"]})
    ask("post", "api/logout/all/", 401, **bearer)
    tokens = ask("post", "api/token/", 200, credentials).json()
    ask("post", "api/logout/all/", 200, HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    assert not Session.objects.filter(ended_at=None).exists()


def test_the_story(client: APIClient, url: Callable[[str], str]) -> None:
    story(client, url)


def test_the_pages(alice: User, url: Callable[[str], str]) -> None:
    """Sign in by the form as the page says it, and out again."""
    browser = Client(enforce_csrf_checks=True)
    login = url("api-auth/login/")
    page = browser.get(login)
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    text = page.content.decode()
    found = re.search(r'<form action="([^"]*)"', text)
    action = found[1] if found else login
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]*)"', text)

    fields = {"username": "alice", "password": "wrong", "csrfmiddlewaretoken": token}
    assert browser.post(action, fields | {"next": "/x/"}).status_code == 415  # multipart

    def submit(where: str, **changes: str) -> Any:
        body = urlencode({**fields, **changes})
        return browser.post(where, body, content_type=FORM, HTTP_ORIGIN="http://testserver")

    assert submit(action).status_code == 401
    signed_in = submit(action, password=PASSWORD, next="/x/")
    assert (signed_in.status_code, signed_in["Location"]) == (302, "/x/")
    fields["csrfmiddlewaretoken"] = browser.cookies["csrftoken"].value
    out = submit(url("api-auth/logout/"))
    assert out.status_code == 302
    assert browser.get(out["Location"]).status_code == 200  # the form again
    assert Session.objects.get().end_reason == "logout"


# The address of the next page of sessions


def test_the_next_page_is_where_the_list_is(
    client: APIClient, url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drf_ratchet.views.SESSIONS_PER_PAGE", 1)
    for _ in range(2):
        tokens = client.post(url("api/token/"), {"username": "alice", "password": PASSWORD}).json()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {tokens['access']}"}
    first = client.get(url("api/sessions/") + "?a=1", **bearer)
    [link] = re.findall(r'^<http://testserver(.*)>; rel="next"$', first["Link"])
    assert link.startswith(url("api/sessions/") + "?a=1&before=")
    second = client.get(link, **bearer)
    assert first.json() != second.json()
    assert "Link" not in second


# Versionings


@pytest.fixture
def version_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Any]], None]:
    """Set DEFAULT_VERSIONING_CLASS, which DRF reads when it is imported."""

    def version_by(scheme: type[Any]) -> None:
        class Only(scheme):  # type: ignore[misc, valid-type]
            allowed_versions = ("1.0", "v1")

        monkeypatch.setattr(APIView, "versioning_class", Only)

    return version_by


VERSIONINGS: list[tuple[type[Any], str, str, dict[str, Any], dict[str, Any], int]] = [
    # scheme, shape, wrong shape's prefix, headers, wrong headers, status
    (versioning.URLPathVersioning, "a version", "/v/2.0/{}", {}, {}, 404),
    (versioning.NamespaceVersioning, "a namespace", "", {}, {}, 404),
    (
        versioning.AcceptHeaderVersioning,
        "at the root",
        "",
        {"HTTP_ACCEPT": "application/json; version=1.0"},
        {"HTTP_ACCEPT": "application/json; version=2.0"},
        406,
    ),
    (versioning.HostNameVersioning, "at the root", "", {"HTTP_HOST": "v1.example.org"}, {}, 404),
]


@pytest.mark.parametrize(
    ("scheme", "shape", "wrong", "headers", "wrong_headers", "status"),
    VERSIONINGS,
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_versioning(
    scheme: type[Any],
    shape: str,
    wrong: str,
    headers: dict[str, Any],
    wrong_headers: dict[str, Any],
    status: int,
    client: APIClient,
    version_by: Callable[[type[Any]], None],
    settings: Any,
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    patterns, before, _ = SHAPES[shape]
    version_by(scheme)
    with project(patterns()):
        story(APIClient(**headers), before.format)
        if wrong or wrong_headers or scheme is versioning.HostNameVersioning:
            for method, ours in (
                ("post", "api/token/"),
                ("get", "api/sessions/"),
                ("post", "api/browser/login/"),
                ("post", "api/introspect/"),
            ):
                address = (wrong or before).format(ours)
                host = {"HTTP_HOST": "v9.example.org"}
                answer = getattr(client, method)(address, {}, **(wrong_headers or host))
                assert answer.status_code == status, (address, answer.content)
                assert json.loads(answer.content).keys() == {"detail", "code"}
            page = (wrong or before).format("api-auth/login/")
            assert client.get(page, **(wrong_headers or host)).status_code == 200


def test_a_version_in_the_query(client: APIClient, version_by: Callable[[type[Any]], None]) -> None:
    version_by(versioning.QueryParameterVersioning)
    with project(EVERYTHING):
        story(client, lambda ours: f"/{ours}?version=1.0")
        answer = client.post("/api/token/?version=7", {})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# Formats, and a site under a path


def test_a_format_that_is_unknown_is_not_found(client: APIClient) -> None:
    with project(format_suffix_patterns(EVERYTHING)):
        for address in ("/api/sessions.xml", "/api/token.exe", "/api/sessions/?format=xml"):
            answer = client.get(address)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), address


@pytest.mark.parametrize("name", [None, "f"])
def test_another_name_for_the_format(name: str | None, client: APIClient, settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "URL_FORMAT_OVERRIDE": name}
    with project(EVERYTHING):
        assert client.post("/api/token/?format=json", {}).status_code == 400
        assert client.get("/api-auth/login/?f=json").status_code == 200


def test_a_site_under_a_path(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with project(EVERYTHING), override_settings(FORCE_SCRIPT_NAME="/blog"):
        story(client, "/{}".format)
        monkeypatch.setattr("drf_ratchet.views.SESSIONS_PER_PAGE", 1)
        for _ in range(2):
            answer = client.post(
                "/api/browser/login/", {"username": "alice", "password": PASSWORD}, **OWN_PAGE
            )
            client.cookies.clear()
        assert answer.cookies["ratchet-refresh-token"]["path"] == "/"
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {answer.json()['access']}"}
        link = client.get("/api/sessions/", **bearer)["Link"]
        assert link.startswith("<http://testserver/blog/api/sessions/?before=")
        page = Client().get("/api-auth/login/")
        assert f'action="{reverse("rest_framework:login")}"' in page.content.decode()
