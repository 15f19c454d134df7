"""Names and attributes of the cookies, and both tokens in them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from drf_ratchet.browser.authentication import CookieJWTAuthentication
from drf_ratchet.models import Session
from drf_ratchet.sessions.ending import end_session
from ratchet_tokens.claims import Kind
from tests.browser.conftest import SAME_ORIGIN, cookie_in, put_cookie
from tests.fixtures import PASSWORD, Tokens, payload
from tests.test_views import INVALID, REALM, assert_refused

pytestmark = pytest.mark.any_database

Ask = Callable[..., Response]


def test_plain_names_for_plain_http(alice: User, login: Ask) -> None:
    with override_settings(DRF_RATCHET={"COOKIE_SECURE": False}):
        answer = login()

    cookie: Any = answer.cookies["ratchet-refresh-token"]
    assert not cookie["secure"]
    assert cookie["httponly"]


def test_two_projects_on_one_host(alice: User, login: Ask) -> None:
    with override_settings(DRF_RATCHET={"COOKIE_NAME": "shop"}):
        assert "__Host-shop-refresh-token" in login().cookies


class Whoami(APIView):
    authentication_classes = (CookieJWTAuthentication,)

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})

    post = get


urlpatterns = [path("whoami/", Whoami.as_view()), path("", include("config.urls"))]


@pytest.mark.urls(__name__)
class TestBothInCookies:
    @pytest.fixture(autouse=True)
    def _both(self, _https_cookies: None) -> Iterator[None]:
        with override_settings(DRF_RATCHET={"ACCESS_TOKEN_COOKIE": True}):
            yield

    def test_no_token_in_the_body(self, signed_in: Response, ask: Ask) -> None:
        assert signed_in.json() == {"expires_in": 300}
        assert ask("refresh").json() == {"expires_in": 300}

    def test_cookie(self, signed_in: Response) -> None:
        cookie: Any = signed_in.cookies["__Host-ratchet-access-token"]
        assert cookie["httponly"]
        assert cookie["secure"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert 295 <= cookie["max-age"] <= 300
        assert payload(cookie.value)["token_type"] == "cookie_access"

    def test_reading(self, signed_in: Response, api: APIClient) -> None:
        assert api.get("/whoami/").json() == {"user": "alice"}

    def test_writing_needs_the_csrf_token(self, alice: User) -> None:
        api = APIClient(enforce_csrf_checks=True)
        credentials = {"username": "alice", "password": PASSWORD}
        api.post("/api/browser/login/", credentials, **SAME_ORIGIN)
        token = api.cookies["csrftoken"].value

        without = api.post("/whoami/")
        with_it = api.post("/whoami/", HTTP_X_CSRFTOKEN=token)

        assert (without.status_code, with_it.status_code) == (403, 200)
        assert "CSRF" in without.json()["detail"]

    def test_anonymous_request_gets_401(self, db: None, api: APIClient) -> None:
        answer = api.get("/whoami/")

        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == REALM

    def test_an_ended_session(self, signed_in: Response, api: APIClient) -> None:
        end_session(Session.objects.get())

        answer = api.get("/whoami/")

        assert_refused(answer, "session_ended")
        assert answer["WWW-Authenticate"] == INVALID

    def test_the_headers_token_in_the_cookie(self, tokens: Tokens, api: APIClient) -> None:
        put_cookie(api, tokens.access, Kind.COOKIE_ACCESS)

        assert_refused(api.get("/whoami/"), "wrong_type")

    def test_the_refresh_token_in_its_place(self, signed_in: Response, api: APIClient) -> None:
        put_cookie(api, cookie_in(api), Kind.COOKIE_ACCESS)

        assert_refused(api.get("/whoami/"), "wrong_type")

    def test_the_cookies_token_in_the_header(self, signed_in: Response, api: APIClient) -> None:
        token = cookie_in(api, Kind.COOKIE_ACCESS)
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {token}"}

        assert_refused(api.get("/api/protected/", **bearer), "wrong_type")
        assert_refused(api.post("/api/token/verify/", {"token": token}), "wrong_type")

    def test_the_header_does_not_count_here(self, tokens: Tokens, api: APIClient) -> None:
        assert api.get("/whoami/", **tokens.bearer).status_code == 401

    def test_logout_takes_both_back(self, signed_in: Response, ask: Ask) -> None:
        answer = ask("logout")

        gone = {name for name, cookie in answer.cookies.items() if not cookie.value}
        names = ("refresh-token", "refresh-key", "access-token")
        assert gone == {f"__Host-ratchet-{name}" for name in names}

    def test_step_up(self, signed_in: Response, ask: Ask) -> None:
        answer = ask("step-up", {"password": PASSWORD})

        assert (answer.status_code, answer.json()) == (200, {"expires_in": 300})
        assert "__Host-ratchet-access-token" in answer.cookies
