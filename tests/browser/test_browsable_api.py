"""DRF's browsable API: signed in by our form, kept so by our cookies, signed out for real."""

import re
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.core.signals import got_request_exception
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.views.debug import ExceptionReporter
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.test import APIClient

from blog.models import Post
from blog.views import PostListView
from drf_ratchet import throttling
from drf_ratchet.browser.authentication import (
    BrowsableAPIAuthentication,
    CookieJWTAuthentication,
)
from drf_ratchet.browser.cookies import cookie_name
from drf_ratchet.browser.page_views import LoginPage
from drf_ratchet.models import Session
from drf_ratchet.serializers import TokenObtainPairSerializer
from drf_ratchet.sessions import EndReason, end_session
from ratchet_tokens.claims import Kind
from tests.fixtures import PASSWORD, Tokens

pytestmark = pytest.mark.django_db

LOGIN, LOGOUT, CREATE = "/api-auth/login/", "/api-auth/logout/", "/api/posts/create/"
FORM = "application/x-www-form-urlencoded"
OPTIONS = {"CLAIMS": "blog.claims.access_claims"}
REFRESH, ACCESS = Kind.COOKIE_REFRESH, Kind.COOKIE_ACCESS


@pytest.fixture(autouse=True)
def _https_cookies(settings: Any) -> None:
    settings.DRF_RATCHET = OPTIONS


class Browser:
    """A browser at the browsable API: asks for pages, keeps cookies, and knows what a form says."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {"HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8"}

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **{**self.headers, **more})

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """As the page's form does, with the token that the form has."""
        csrf = self.client.cookies.get("csrftoken")
        fields = {"csrfmiddlewaretoken": csrf.value if csrf else "", **(body or {})}
        # As from a host that browsers trust, where Secure cookies are kept.
        own = {"HTTP_ORIGIN": "http://testserver", "HTTP_SEC_FETCH_SITE": "same-origin"}
        headers = {**self.headers, **own, **more}
        return self.client.post(path, urlencode(fields), content_type=FORM, **headers)

    def sign_in(self, username: str = "alice", password: str = PASSWORD, **more: Any) -> Any:
        self.get(LOGIN)
        return self.post(LOGIN, {"username": username, "password": password, **more})

    def cookie(self, kind: Kind) -> str:
        morsel = self.client.cookies.get(cookie_name(kind))
        return morsel.value if morsel else ""

    def put(self, kind: Kind, token: str) -> None:
        self.client.cookies[cookie_name(kind)] = token

    def forget_access(self) -> None:
        """As browsers do with a cookie whose time has come."""
        self.client.cookies.pop(cookie_name(ACCESS), None)


@pytest.fixture
def browser(alice: User) -> Browser:
    return Browser()


@pytest.fixture
def later(browser: Browser) -> Browser:
    """Signed in, and five minutes later."""
    assert browser.sign_in().status_code == 302
    browser.forget_access()
    return browser


def username_on(answer: Any) -> str | None:
    """Who a page of DRF says is signed in."""
    found = re.search(r'data-toggle="dropdown">\s*(\w+)\s*<b', answer.content.decode())
    return found[1] if found else None


def generation() -> int:
    return Session.objects.get().generation


# Signing in


def test_the_form_signs_in(browser: Browser) -> None:
    page = browser.get("/api/posts/")
    assert f"href='{LOGIN}?next=/api/posts/'" in page.content.decode()
    form = browser.get(LOGIN + "?next=/api/posts/")
    assert 'name="next" value="/api/posts/"' in form.content.decode()
    assert "Username" in form.content.decode()

    answer = browser.sign_in(next="/api/posts/")

    assert (answer.status_code, answer["Location"]) == (302, "/api/posts/")
    assert answer["Cache-Control"] == "no-store"
    for kind, same_site in ((REFRESH, "Strict"), (ACCESS, "Lax")):
        morsel = answer.cookies[cookie_name(kind)]
        assert morsel.key.startswith("__Host-")
        assert (morsel["httponly"], morsel["secure"], morsel["samesite"]) == (True, True, same_site)
        assert morsel["path"] == "/"
        assert not morsel["domain"]
    assert username_on(browser.get("/api/posts/")) == "alice"
    assert Session.objects.get().user.username == "alice"


def test_a_post_by_the_html_form(browser: Browser) -> None:
    browser.sign_in()
    answer = browser.post(CREATE, {"title": "By a form", "body": "In a browser."})
    assert answer.status_code == 201
    assert Post.objects.get().author.username == "alice"


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://testserver.evil.example/",
        "",
    ],
)
def test_it_leads_to_no_other_site(browser: Browser, where: str) -> None:
    assert "evil" not in browser.get(LOGIN, data={"next": where}).content.decode()
    assert browser.sign_in(next=where)["Location"] == "/api/posts/"
    answer = browser.post(LOGOUT, {"next": where})
    assert (answer.status_code, answer["Location"]) == (302, LOGIN)


def test_wrong_unknown_and_inactive_look_the_same(browser: Browser) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    pages = []
    for username, password in (("alice", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD)):
        answer = browser.sign_in(username, password)
        assert answer.status_code == 401
        assert not any(name.startswith("__Host-") for name in answer.cookies)
        page = re.sub(r'value="[^"]*"', "", answer.content.decode())
        pages.append(re.sub(r'"csrfToken": "[^"]*"', "", page))
        assert password not in answer.content.decode()
    assert "No active account was found" in pages[0]
    assert pages[0] == pages[1] == pages[2]
    assert not Session.objects.exists()


@pytest.mark.parametrize("accept", ["application/json", "image/png", ""])
def test_the_form_is_a_page_whatever_is_asked_for(browser: Browser, accept: str) -> None:
    browser.headers["HTTP_ACCEPT"] = accept
    for answer, status in ((browser.get(LOGIN), 200), (browser.sign_in(password="wrong"), 401)):
        assert answer.status_code == status
        assert answer["Content-Type"].startswith("text/html")


def test_a_field_that_is_missing_is_named(browser: Browser) -> None:
    answer = browser.sign_in("", "x")
    assert answer.status_code == 400
    assert "This field may not be blank." in answer.content.decode()
    assert browser.post(LOGIN).status_code == 400


TICK = "Tick the box."


@pytest.mark.parametrize("said", [TICK, [TICK], {"box": [TICK]}, {"box": {"inner": [TICK]}}])
@pytest.mark.parametrize("by", ["serializer", "view"])
def test_what_a_projects_own_login_says_is_said_in_words(alice: User, said: Any, by: str) -> None:
    class Serializer(TokenObtainPairSerializer):
        def validate(self, attrs: Any) -> Any:
            raise ValidationError(said)

    class View(LoginPage):
        serializer_class = Serializer

        def get_data(self, request: Any) -> Any:
            if by == "view":
                raise ValidationError(said)
            return super().get_data(request)

    body = urlencode({"username": "alice", "password": PASSWORD})
    request = RequestFactory().post(LOGIN, body, content_type=FORM)
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    answer = View.as_view()(request)
    page = answer.render().content.decode()
    assert answer.status_code == 400
    assert f">{TICK}<" in page
    assert "ErrorDetail" not in page


def test_its_failures_count_with_those_of_the_endpoint(browser: Browser, api: APIClient) -> None:
    rates = {"DEFAULT_THROTTLE_RATES": {"sign_in": "3/hour"}}
    with override_settings(REST_FRAMEWORK=rates):
        for _ in range(2):
            assert browser.sign_in(password="wrong").status_code == 401
        wrong = {"username": "alice", "password": "wrong"}
        assert api.post("/api/token/", wrong).status_code == 401
        answer = browser.sign_in()
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "throttled" in answer.content.decode()


def test_signing_in_again_ends_the_session_before(browser: Browser) -> None:
    browser.sign_in()
    first = Session.objects.get()
    browser.sign_in()
    first.refresh_from_db()
    assert first.end_reason == EndReason.REPLACED


@pytest.mark.parametrize("path", [LOGIN, LOGOUT])
def test_another_sites_form_is_refused(browser: Browser, path: str) -> None:
    browser.sign_in()
    before = Session.objects.values().get()
    body = {"username": "alice", "password": PASSWORD}
    refused = [
        browser.client.post(path, urlencode(body), content_type=FORM, **browser.headers),
        browser.post(path, {**body, "csrfmiddlewaretoken": "x" * 32}),
        browser.post(path, body, HTTP_ORIGIN="https://evil.example"),
    ]
    for answer in refused:
        assert answer.status_code == 403
        assert not any(name.startswith("__Host-") for name in answer.cookies)
    assert Session.objects.values().get() == before


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_what_is_no_form_is_refused(browser: Browser, kind: str) -> None:
    browser.get(LOGIN)
    token = {"HTTP_X_CSRFTOKEN": browser.client.cookies["csrftoken"].value}
    answer = browser.client.post(LOGIN, b"{", content_type=kind, **browser.headers, **token)
    assert answer.status_code in (400, 403, 415)


def test_the_password_is_on_no_page(browser: Browser) -> None:
    assert PASSWORD not in browser.sign_in("nobody").content.decode()


# Signing out


def test_logging_out_ends_the_session(browser: Browser) -> None:
    browser.sign_in()
    refresh, access = browser.cookie(REFRESH), browser.cookie(ACCESS)

    answer = browser.post(LOGOUT + "?next=/api/posts/")

    assert (answer.status_code, answer["Location"]) == (302, "/api/posts/")
    assert browser.cookie(REFRESH) == browser.cookie(ACCESS) == ""
    assert Session.objects.get().end_reason == EndReason.LOGOUT
    browser.put(REFRESH, refresh)
    browser.put(ACCESS, access)
    assert username_on(browser.get("/api/posts/")) is None
    assert browser.get("/api/protected/").status_code == 401


def test_logging_out_takes_a_post(browser: Browser) -> None:
    browser.sign_in()
    assert browser.get(LOGOUT).status_code == 405
    assert Session.objects.get().ended_at is None


def test_redirects_from_https_only_to_https(browser: Browser) -> None:
    secure = {
        "secure": True,
        "HTTP_ORIGIN": "https://testserver",
        "HTTP_REFERER": "https://testserver/",
    }
    browser.get(LOGIN)
    for where, onward in (
        ("http://testserver/x", "/api/posts/"),
        ("https://testserver/x", "https://testserver/x"),
    ):
        body = {"username": "alice", "password": PASSWORD, "next": where}
        assert browser.post(LOGIN, body, **secure)["Location"] == onward


@pytest.mark.parametrize("where", ["posts", "?page=2", "sign_in", "post_list"])
def test_where_to_go_on_is_an_address_and_no_name(browser: Browser, where: str) -> None:
    assert browser.sign_in(next=where)["Location"] == where
    assert browser.post(LOGOUT, {"next": where})["Location"] == where


# What others keep


@pytest.mark.parametrize("path", ["/api/protected/", "/api/protected/?format=json"])
def test_djangos_cache_never_shares_a_users_page(
    browser: Browser, settings: Any, path: str
) -> None:
    *others, last = settings.MIDDLEWARE
    where = "django.middleware.cache."
    settings.MIDDLEWARE = [
        where + "UpdateCacheMiddleware",
        *others,
        where + "FetchFromCacheMiddleware",
        last,
    ]
    browser.sign_in()

    answer = browser.get(path)

    assert answer.status_code == 200
    assert {"Accept", "Cookie"} <= set(answer["Vary"].split(", "))
    assert Browser().get(path).status_code == 401


@pytest.mark.parametrize("way", [CookieJWTAuthentication, BrowsableAPIAuthentication])
def test_response_varies_by_cookie_without_sign_in(way: Any) -> None:
    view = PostListView.as_view(authentication_classes=(way,), renderer_classes=(JSONRenderer,))
    varies = view(RequestFactory().get("/"))["Vary"].split(", ")
    assert varies == (["Cookie"] if way is CookieJWTAuthentication else ["Accept", "Cookie"])


def test_answers_with_tokens_are_no_caches(later: Browser) -> None:
    # Django's own middleware looked at "private" alone in the first releases of 5.2.
    assert later.get("/api/posts/?format=json")["Cache-Control"] == "no-store, private"
    assert generation() == 2


# Staying signed in


def test_an_expired_access_token_is_refreshed_by_the_page_itself(later: Browser) -> None:
    before = later.cookie(REFRESH)

    page = later.get("/api/posts/?page=1")

    assert page.status_code == 200
    assert username_on(page) == "alice"
    assert generation() == 2
    assert later.cookie(REFRESH) != before
    assert later.cookie(ACCESS)
    # And then not again.
    assert username_on(later.get("/api/posts/")) == "alice"
    assert generation() == 2


def test_form_is_accepted_after_the_access_token_expired(later: Browser) -> None:
    answer = later.post(CREATE, {"title": "Late", "body": "Very."})
    assert answer.status_code == 201
    assert Post.objects.count() == 1


@pytest.mark.parametrize("ways", ["page page", "page script", "script page"])
def test_lost_response_can_be_retried_for_an_hour(later: Browser, ways: str) -> None:
    """The key belongs to the browser, so page and script can retry for each other."""
    ask = {"page": lambda: later.get("/api/posts/"), "script": lambda: script(later, "refresh")}
    first, second = ways.split()
    kept = {name: morsel.value for name, morsel in later.client.cookies.items()}
    assert ask[first]().status_code == 200
    Session.objects.update(rotated_at=Session.objects.get().rotated_at - timedelta(minutes=59))

    # The browser never saw that answer: it has what it had.
    later.client.cookies.clear()
    later.client.cookies.load(kept)
    assert ask[second]().status_code == 200

    assert generation() == 2
    assert Session.objects.get().ended_at is None
    assert username_on(later.get("/api/posts/")) == "alice"


def test_after_that_hour_it_counts_as_theft(later: Browser) -> None:
    kept = {name: morsel.value for name, morsel in later.client.cookies.items()}
    later.get("/api/posts/")
    Session.objects.update(rotated_at=Session.objects.get().rotated_at - timedelta(hours=1))
    later.client.cookies.clear()
    later.client.cookies.load(kept)

    assert username_on(later.get("/api/posts/")) is None

    assert Session.objects.get().end_reason == EndReason.REUSE


def script(browser: Browser, endpoint: str) -> Any:
    """What the page's own script sends."""
    return browser.client.post(
        f"/api/browser/{endpoint}/",
        {"username": "alice", "password": PASSWORD},
        content_type="application/json",
        HTTP_SEC_FETCH_SITE="same-origin",
    )


def test_two_tabs_at_once(later: Browser) -> None:
    kept = {name: morsel.value for name, morsel in later.client.cookies.items()}
    assert username_on(later.get("/api/posts/")) == "alice"
    later.client.cookies.clear()
    later.client.cookies.load(kept)
    assert username_on(later.get("/api/posts/")) == "alice"
    assert generation() == 2


def test_key_cookie_has_the_scope_and_lifetime_of_the_token(later: Browser) -> None:
    key = later.get("/api/posts/").cookies["__Host-ratchet-refresh-key"]
    assert (key["httponly"], key["secure"], key["samesite"]) == (True, True, "Strict")
    assert (key["path"], key["domain"], key["max-age"]) == ("/", "", 7 * 24 * 3600)
    assert later.post(LOGOUT).cookies[key.key]["max-age"] == 0


def test_a_key_that_is_too_long_is_replaced(later: Browser) -> None:
    later.client.cookies["__Host-ratchet-refresh-key"] = "x" * 129
    assert username_on(later.get("/api/posts/")) == "alice"
    assert len(later.client.cookies["__Host-ratchet-refresh-key"].value) < 129


def test_an_error_report_shows_no_token(later: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError

    def report(sender: Any, request: Any, **kwargs: Any) -> None:
        seen.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())

    monkeypatch.setattr("drf_ratchet.browser.middleware.read_refresh", fail)
    later.client.raise_request_exception = False
    got_request_exception.connect(report)
    try:
        assert later.get("/api/posts/").status_code == 500
    finally:
        got_request_exception.disconnect(report)
    assert len(seen) == 1
    assert later.cookie(REFRESH).rpartition(".")[2] not in seen[0]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Lima"])
def test_the_cookies_live_as_long_as_their_tokens_in_every_time_zone(
    browser: Browser, settings: Any, zone: str
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    morsels = browser.sign_in().cookies
    assert 290 <= morsels[cookie_name(ACCESS)]["max-age"] <= 300
    assert 604790 <= morsels[cookie_name(REFRESH)]["max-age"] <= 604800


def test_reused_token_ends_the_session(later: Browser) -> None:
    stolen = later.cookie(REFRESH)
    later.get("/api/posts/")
    Session.objects.update(rotated_at=Session.objects.get().rotated_at - timedelta(minutes=1))

    thief = Browser()
    thief.put(REFRESH, stolen)
    answer = thief.get("/api/posts/")

    assert username_on(answer) is None
    assert Session.objects.get().end_reason == EndReason.REUSE
    assert username_on(later.get("/api/posts/")) is None


def test_ended_session_is_not_refreshed(later: Browser) -> None:
    end_session(Session.objects.get())
    answer = later.get("/api/protected/")
    assert answer.status_code == 401
    assert "Log in" in answer.content.decode()
    assert later.get("/api/posts/").status_code == 200


def test_an_access_token_of_another_session_does_not_count(browser: Browser) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    browser.sign_in()
    access = browser.cookie(ACCESS)
    browser.client.cookies.clear()
    browser.sign_in("bob")
    browser.put(ACCESS, access)
    assert username_on(browser.get("/api/posts/")) == "bob"


def test_signed_in_by_the_clients_script_signed_in_here(browser: Browser) -> None:
    assert script(browser, "login").status_code == 200
    assert username_on(browser.get("/api/posts/")) == "alice"


def test_too_many_refreshes(later: Browser) -> None:
    with override_settings(REST_FRAMEWORK={"DEFAULT_THROTTLE_RATES": {"refresh": "0/min"}}):
        answer = later.get("/api/posts/")
    assert answer.status_code == 429
    assert answer["Retry-After"]
    assert generation() == 1


def test_a_cache_that_is_down_is_said_in_words(
    later: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "caches", {})
    answer = later.get("/api/posts/")
    assert answer.status_code == 503
    assert answer.content.decode() == "The server is busy. Try again in a moment."
    assert generation() == 1


def _logs_out(browser: Browser) -> None:
    browser.post(LOGOUT)


def _turns_again(browser: Browser) -> None:
    browser.forget_access()
    browser.get("/api/posts/")


@pytest.mark.parametrize("freshness", ["immediate", "expiry"])
@pytest.mark.parametrize("meanwhile", [_logs_out, _turns_again])
def test_late_page_does_not_restore_old_cookies(
    later: Browser,
    settings: Any,
    freshness: str,
    meanwhile: Callable[[Browser], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.DRF_RATCHET = {**OPTIONS, "FRESHNESS": freshness}
    tab = Browser()
    tab.client.cookies.load({name: one.value for name, one in later.client.cookies.items()})
    slow_view = PostListView.list

    def slow(view: PostListView, *args: Any, **kwargs: Any) -> Any:
        monkeypatch.undo()
        # Its own answer is not there yet. The other tab has the same tokens by the same key.
        tab.get("/api/posts/")
        meanwhile(tab)
        return slow_view(view, *args, **kwargs)

    monkeypatch.setattr(PostListView, "list", slow)
    answer = later.get("/api/posts/")

    assert answer.status_code == 200
    assert not any("ratchet" in name for name in answer.cookies)
    assert Session.objects.get().end_reason in ("", EndReason.LOGOUT)


@pytest.mark.django_db(transaction=True)
def test_under_atomic_requests(later: Browser) -> None:
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert username_on(later.get(CREATE)) == "alice"
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert generation() == 2


# Whom it lets in


def test_calls_of_the_api_stay_as_they_are(browser: Browser, api: APIClient) -> None:
    browser.sign_in()
    for accept in ("application/json", "*/*"):
        answer = browser.get("/api/protected/", HTTP_ACCEPT=accept)
        assert answer.status_code == 401
        assert answer.json() == {"detail": "Authentication credentials were not provided."}
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    body = {"username": "alice", "password": PASSWORD}
    bearer = Tokens(**api.post("/api/token/", body).json()).bearer
    assert api.get("/api/protected/", **bearer).status_code == 200
    wrong = {"HTTP_AUTHORIZATION": "Bearer x"}
    assert (
        browser.get("/api/protected/", HTTP_ACCEPT="application/json", **wrong).status_code == 401
    )


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/api/protected/", "application/json"),
        ("/api/posts/", "*/*"),
        ("/api/posts/", ""),
        ("/", "text/html"),
        (LOGIN, "text/html"),
        (LOGOUT, "text/html"),
        ("/api/token/", "text/html"),
        ("/admin/login/", "text/html"),
        ("/nowhere/", "text/html"),
    ],
)
def test_only_a_browsable_page_refreshes(later: Browser, path: str, accept: str) -> None:
    answer = later.get(path, HTTP_ACCEPT=accept)
    assert not any("ratchet" in name for name in answer.cookies)
    assert generation() == 1


def test_a_header_that_is_there_is_what_counts(later: Browser) -> None:
    answer = later.get("/api/protected/", HTTP_AUTHORIZATION="Bearer x")
    assert answer.status_code == 401
    assert generation() == 1


FORGED: dict[str, Callable[[Browser], Any]] = {
    "no token": lambda browser: browser.post(CREATE, {"csrfmiddlewaretoken": "", "title": "x"}),
    "another origin": lambda browser: browser.post(
        CREATE, {"title": "x"}, HTTP_ORIGIN="https://evil.example"
    ),
    "a sandboxed frame": lambda browser: browser.post(CREATE, {"title": "x"}, HTTP_ORIGIN="null"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_another_sites_form_changes_nothing(browser: Browser, forge: Any) -> None:
    browser.sign_in()
    assert forge(browser).status_code == 403
    assert not Post.objects.exists()


@pytest.mark.parametrize("origin", ["https://evil.example", "http://evil.testserver", "null"])
def test_form_of_another_origin_refreshes_nothing(later: Browser, origin: str) -> None:
    answer = later.post(CREATE, {"title": "x"}, HTTP_ORIGIN=origin)
    assert answer.status_code == 401
    assert not answer.cookies.get("__Host-ratchet-refresh-key")


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "eyJhbGciOiJub25lIn0.e30."])
def test_a_cookie_that_is_no_token_is_as_if_it_were_not_there(browser: Browser, token: str) -> None:
    for kind in (REFRESH, ACCESS):
        browser.put(kind, token)
    assert browser.get("/api/posts/").status_code == 200
    assert browser.get("/api/protected/").status_code == 401


def test_app_token_in_a_cookie_is_refused(browser: Browser, api: APIClient) -> None:
    body = {"username": "alice", "password": PASSWORD}
    tokens = Tokens(**api.post("/api/token/", body).json())
    browser.put(ACCESS, tokens.access)
    browser.put(REFRESH, tokens.refresh)
    assert browser.get("/api/protected/").status_code == 401
    assert generation() == 1
