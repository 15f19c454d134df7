"""Sign in, refresh, log out: with the refresh token in a cookie and never in a body."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db.models import F
from django.test import override_settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.browser.views import BrowserLoginView
from drf_ratchet.models import Session
from drf_ratchet.serializers import TokenObtainPairSerializer
from drf_ratchet.sessions.ending import end_session
from drf_ratchet.sessions.opening import open_session
from ratchet_tokens.claims import Kind
from tests.browser.conftest import BROWSER, SAME_ORIGIN, cookie_in, put_cookie
from tests.fixtures import PASSWORD, Tokens, payload
from tests.test_views import assert_refused

pytestmark = pytest.mark.any_database

Ask = Callable[..., Response]
NAME = "__Host-ratchet-refresh-token"
KEY = "__Host-ratchet-refresh-key"


class TestLogin:
    def test_answer(self, signed_in: Response) -> None:
        body = signed_in.json()

        assert body.keys() == {"access", "expires_in"}
        assert body["expires_in"] == 300
        assert payload(body["access"])["token_type"] == "access"
        assert signed_in["Cache-Control"] == "no-store"

    def test_cookie(self, signed_in: Response) -> None:
        assert signed_in.cookies.keys() - {"csrftoken"} == {NAME, KEY}
        cookie: Any = signed_in.cookies[NAME]
        assert cookie["httponly"]
        assert cookie["secure"]
        assert cookie["samesite"] == "Strict"
        assert cookie["path"] == "/"
        assert cookie["domain"] == ""
        assert 7 * 86400 - 5 <= cookie["max-age"] <= 7 * 86400

    def test_access_token_is_accepted_in_the_header(
        self, signed_in: Response, api: APIClient
    ) -> None:
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {signed_in.json()['access']}"}

        assert api.get("/api/protected/", **bearer).status_code == 200
        (device,) = api.get("/api/sessions/", **bearer).json()
        assert device["current"]

    def test_a_wrong_password(self, alice: User, login: Ask) -> None:
        answer = login(password="wrong")

        assert answer.status_code == 401
        assert answer.json()["code"] == "no_active_account"
        assert NAME not in answer.cookies

    def test_it_ends_the_session_the_browser_had(
        self, signed_in: Response, login: Ask, django_user_model: Any
    ) -> None:
        django_user_model.objects.create_user("bob", "", PASSWORD)

        assert login("bob").status_code == 200

        first, second = Session.objects.order_by("created_at")
        assert (first.end_reason, second.end_reason) == ("replaced", "")

    def test_a_failed_one_ends_nothing(self, signed_in: Response, login: Ask) -> None:
        login(password="wrong")

        assert Session.objects.get().ended_at is None

    def test_it_rotates_the_csrf_token(self, signed_in: Response, login: Ask) -> None:
        before = signed_in.cookies["csrftoken"].value

        assert login().cookies["csrftoken"].value != before

    def test_it_is_throttled(self, alice: User, login: Ask) -> None:
        answers = [login(password="wrong").status_code for _ in range(21)]

        assert answers == [401] * 20 + [429]

    def test_what_the_project_adds_to_the_body(
        self, alice: User, login: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class WithUser(TokenObtainPairSerializer):
            def get_response_data(self, grant: Any) -> dict[str, Any]:
                return {**super().get_response_data(grant), "email": grant.session.user.email}

        monkeypatch.setattr(BrowserLoginView, "serializer_class", WithUser)

        assert login().json().keys() == {"access", "expires_in", "email"}

    def test_a_serializer_that_returns_no_grant_is_told(
        self, alice: User, login: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class ByItself(TokenObtainPairSerializer):
            def create(self, validated_data: dict[str, Any]) -> Any:
                return {"refresh": open_session(alice).refresh}

        monkeypatch.setattr(BrowserLoginView, "serializer_class", ByItself)

        with pytest.raises(ImproperlyConfigured, match="open_session"):
            login()


class TestRefresh:
    def test_a_new_pair(self, signed_in: Response, ask: Ask, api: APIClient) -> None:
        before = cookie_in(api)

        answer = ask("refresh")

        assert answer.status_code == 200
        assert answer.json().keys() == {"access", "expires_in"}
        assert cookie_in(api) != before
        assert payload(cookie_in(api))["gen"] == payload(before)["gen"] + 1

    def test_a_lost_answer(self, signed_in: Response, ask: Ask, api: APIClient) -> None:
        before = cookie_in(api)
        ask("refresh", key="k1")
        after = cookie_in(api)
        Session.objects.update(rotated_at=F("rotated_at") - timedelta(minutes=59))
        put_cookie(api, before)

        again = ask("refresh", key="k1")

        assert again.status_code == 200
        assert payload(cookie_in(api))["gen"] == payload(after)["gen"]

    def test_a_replay_ends_the_session(self, signed_in: Response, ask: Ask, api: APIClient) -> None:
        stolen = cookie_in(api)
        ask("refresh")
        ask("refresh")
        put_cookie(api, stolen)

        assert_refused(ask("refresh"), "reused")
        assert Session.objects.get().end_reason == "reuse_detected"

    def test_refused_cookie_is_not_deleted(
        self, signed_in: Response, ask: Ask, api: APIClient
    ) -> None:
        """The refusal of a late request must not delete what a new sign-in has put there."""
        end_session(Session.objects.get())

        answer = ask("refresh")

        assert_refused(answer, "session_ended")
        assert NAME not in answer.cookies

    def test_without_a_cookie(self, db: None, ask: Ask) -> None:
        answer = ask("refresh")

        assert answer.status_code == 401
        assert answer.json()["code"] == "not_authenticated"

    def test_a_session_that_does_not_rotate(self, alice: User, login: Ask, ask: Ask) -> None:
        with override_settings(DRF_RATCHET={"ROTATE_REFRESH_TOKENS": False}):
            login()
            answer = ask("refresh")

        assert answer.status_code == 200
        assert NAME not in answer.cookies

    def test_it_costs_two_queries(
        self, signed_in: Response, ask: Ask, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(2):
            ask("refresh")


class TestLogout:
    def test_it_ends_the_session_and_takes_the_cookie_back(
        self, signed_in: Response, ask: Ask
    ) -> None:
        answer = ask("logout")

        assert (answer.status_code, answer.json()) == (200, {"detail": "Logout successful."})
        cookie: Any = answer.cookies[NAME]
        assert (cookie.value, cookie["max-age"]) == ("", 0)
        # As it was set, or browsers keep it.
        assert cookie["secure"]
        assert cookie["path"] == "/"
        assert cookie["httponly"]
        assert Session.objects.get().end_reason == "logout"

    @pytest.mark.parametrize("cookie", ["", "rubbish", "a.b.c", "ü"])
    def test_log_out_without_a_session_succeeds(
        self, db: None, ask: Ask, api: APIClient, cookie: str
    ) -> None:
        if cookie:
            put_cookie(api, cookie)

        assert ask("logout").status_code == 200

    def test_with_an_old_cookie(self, signed_in: Response, ask: Ask, api: APIClient) -> None:
        old = cookie_in(api)
        ask("refresh")
        put_cookie(api, old)

        assert ask("logout").status_code == 200
        assert Session.objects.get().end_reason == "logout"


class TestSession:
    def test_who_is_signed_in(self, signed_in: Response, api: APIClient, alice: User) -> None:
        answer = api.get(f"{BROWSER}session/")

        session = Session.objects.get()
        assert answer.json() == {
            "user": {"id": str(alice.pk), "username": "alice"},
            "session": str(session.pk),
            "expires_at": session.expires_at.isoformat().replace("+00:00", "Z"),
        }
        assert answer["Cache-Control"] == "no-store"

    def test_anonymous_session_is_null(self, db: None, api: APIClient) -> None:
        nobody = {"user": None, "session": None, "expires_at": None}

        assert api.get(f"{BROWSER}session/").json() == nobody

    def test_after_the_session_has_ended(self, signed_in: Response, api: APIClient) -> None:
        end_session(Session.objects.get())

        assert api.get(f"{BROWSER}session/").json()["user"] is None

    def test_it_writes_nothing(
        self, signed_in: Response, api: APIClient, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            api.get(f"{BROWSER}session/")


class TestStepUp:
    def test_a_new_auth_time(self, signed_in: Response, ask: Ask, api: APIClient) -> None:
        Session.objects.update(auth_time=F("auth_time") - timedelta(hours=1))
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {signed_in.json()['access']}"}

        answer = ask("step-up", {"password": PASSWORD}, **bearer)

        assert answer.status_code == 200
        assert answer.json().keys() == {"access", "expires_in"}
        assert NAME in answer.cookies
        old, new = (payload(r.json()["access"])["auth_time"] for r in (signed_in, answer))
        assert new >= old

    def test_a_wrong_password(self, signed_in: Response, ask: Ask) -> None:
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {signed_in.json()['access']}"}

        assert ask("step-up", {"password": "wrong"}, **bearer).status_code == 401

    def test_without_a_bearer(self, signed_in: Response, ask: Ask) -> None:
        assert ask("step-up", {"password": PASSWORD}).status_code == 401

    def test_without_a_cookie(self, signed_in: Response, ask: Ask, api: APIClient) -> None:
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {signed_in.json()['access']}"}
        api.cookies.clear()

        assert ask("step-up", {"password": PASSWORD}, **bearer).status_code == 401


class TestOneWayForTheOther:
    """A cookie's token is never accepted in a body or a header, nor the other way round."""

    def test_a_bodys_token_in_the_cookie(self, tokens: Tokens, ask: Ask, api: APIClient) -> None:
        put_cookie(api, tokens.refresh)

        assert_refused(ask("refresh"), "wrong_type")
        assert api.get(f"{BROWSER}session/").json()["user"] is None
        ask("logout")
        assert tokens.session.ended_at is None

    def test_a_cookies_token_in_a_body(self, signed_in: Response, api: APIClient) -> None:
        token = cookie_in(api)

        assert_refused(api.post("/api/token/refresh/", {"refresh": token}), "wrong_type")
        assert_refused(api.post("/api/token/verify/", {"token": token}), "wrong_type")
        assert api.post("/api/logout/", {"refresh": token}).status_code == 400
        assert Session.objects.get().ended_at is None

    def test_a_cookies_token_in_the_header(self, signed_in: Response, api: APIClient) -> None:
        for kind in (Kind.COOKIE_REFRESH, Kind.COOKIE_ACCESS):
            bearer = {"HTTP_AUTHORIZATION": f"Bearer {cookie_in(api, kind) or 'none'}"}
            assert api.get("/api/protected/", **bearer).status_code == 401


@pytest.mark.parametrize("endpoint", ["login", "refresh", "logout", "step-up"])
class TestJSONOnly:
    FORMS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain")

    @pytest.mark.parametrize("content_type", FORMS)
    def test_forms(
        self, signed_in: Response, api: APIClient, endpoint: str, content_type: str
    ) -> None:
        answer = api.generic(
            "POST",
            f"{BROWSER}{endpoint}/",
            b'{"username": "alice", "password": "ratchet-demo-1"}',
            content_type=content_type,
            HTTP_AUTHORIZATION=f"Bearer {signed_in.json()['access']}",
            **SAME_ORIGIN,
        )

        assert answer.status_code == 415
        assert Session.objects.get().ended_at is None

    @pytest.mark.parametrize("body", ["[]", "null", '"x"', "1", "{", "[[[["])
    def test_no_object(self, signed_in: Response, api: APIClient, endpoint: str, body: str) -> None:
        answer = api.generic(
            "POST",
            f"{BROWSER}{endpoint}/",
            body,
            content_type="application/json",
            HTTP_AUTHORIZATION=f"Bearer {signed_in.json()['access']}",
            **SAME_ORIGIN,
        )

        assert answer.status_code == 400, answer.content
        assert Session.objects.get().ended_at is None
