"""The key by which a browser retries a refresh: a cookie of its own, beside the token."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import override_settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from tests.browser.conftest import BROWSER, SAME_ORIGIN, cookie_in, put_cookie
from tests.fixtures import PASSWORD, payload
from tests.test_views import assert_refused

pytestmark = pytest.mark.any_database

Ask = Callable[..., Response]
TOKEN = "__Host-ratchet-refresh-token"
KEY = "__Host-ratchet-refresh-key"
JSON = {"format": "json"}


def jar_of(api: APIClient) -> dict[str, str]:
    """What somebody gets who copies the browser's cookies."""
    return {name: morsel.value for name, morsel in api.cookies.items()}


def put_jar(api: APIClient, jar: dict[str, str]) -> None:
    api.cookies.clear()
    api.cookies.load(jar)


def wait(**duration: float) -> None:
    """Let that much time pass since the last refresh."""
    Session.objects.update(rotated_at=F("rotated_at") - timedelta(**duration))


def generation(api: APIClient) -> int:
    return int(payload(cookie_in(api))["gen"])


class TestTheCookie:
    @pytest.mark.parametrize("endpoint", ["login", "refresh", "step-up"])
    def test_is_set_with_each_token(self, signed_in: Response, ask: Ask, endpoint: str) -> None:
        body = {"username": "alice", "password": PASSWORD}
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {signed_in.json()['access']}"}

        answer = ask(endpoint, body, **(bearer if endpoint == "step-up" else {}))

        token, key = answer.cookies[TOKEN], answer.cookies[KEY]
        for attribute in ("max-age", "path", "domain", "secure", "httponly", "samesite"):
            assert key[attribute] == token[attribute], attribute
        assert (key["httponly"], key["secure"], key["samesite"]) == (True, True, "Strict")
        assert key.value not in answer.content.decode()

    def test_it_is_random(self, signed_in: Response, ask: Ask, api: APIClient) -> None:
        before = jar_of(api)
        seen = {before[KEY]}
        for _ in range(5):
            # The same token by the same key, and it never is the same key that comes back.
            put_jar(api, before)
            assert ask("refresh").status_code == 200
            assert generation(api) == 2
            seen.add(jar_of(api)[KEY])
        assert len(seen) == 6
        for key in seen:
            assert len(key) >= 22  # 128 bits
            assert key not in before[TOKEN]

    def test_a_session_that_does_not_rotate_keeps_both(
        self, alice: User, login: Ask, ask: Ask
    ) -> None:
        with override_settings(DRF_RATCHET={"ROTATE_REFRESH_TOKENS": False}):
            login()
            answer = ask("refresh")

        assert not {TOKEN, KEY} & answer.cookies.keys()

    def test_a_refusal_leaves_both(self, signed_in: Response, ask: Ask, api: APIClient) -> None:
        Session.objects.update(ended_at=F("rotated_at"))

        answer = ask("refresh")

        assert answer.status_code == 401
        assert not {TOKEN, KEY} & answer.cookies.keys()

    def test_a_logout_takes_both_back(self, signed_in: Response, ask: Ask) -> None:
        answer = ask("logout")

        for name in (TOKEN, KEY):
            assert (answer.cookies[name].value, answer.cookies[name]["max-age"]) == ("", 0)


class TestARetry:
    def test_a_lost_answer_is_given_again(
        self, signed_in: Response, ask: Ask, api: APIClient
    ) -> None:
        before = jar_of(api)
        ask("refresh")
        put_jar(api, before)
        wait(minutes=59)

        assert ask("refresh").status_code == 200

        assert generation(api) == 2
        assert ask("refresh").status_code == 200
        assert generation(api) == 3

    def test_after_an_hour_it_counts_as_theft(
        self, signed_in: Response, ask: Ask, api: APIClient
    ) -> None:
        before = jar_of(api)
        ask("refresh")
        put_jar(api, before)
        wait(hours=1)

        assert_refused(ask("refresh"), "reused")
        assert Session.objects.get().end_reason == "reuse_detected"

    @pytest.mark.parametrize(("window", "status"), [(0, 401), (60, 401), (7200, 200)])
    def test_the_window_is_a_setting(
        self, signed_in: Response, ask: Ask, api: APIClient, window: int, status: int
    ) -> None:
        before = jar_of(api)
        ask("refresh")
        put_jar(api, before)
        wait(hours=1)

        with override_settings(DRF_RATCHET={"COOKIE_RETRY_WINDOW": timedelta(seconds=window)}):
            assert ask("refresh").status_code == status

    @pytest.mark.parametrize("key", ["", "x", "x" * 129, "x" * 10_000, "ü", '"a b"', "\x00"])
    def test_without_the_key_the_token_is_not_enough(
        self, signed_in: Response, ask: Ask, api: APIClient, key: str
    ) -> None:
        stolen = cookie_in(api)
        ask("refresh")
        api.cookies.clear()
        put_cookie(api, stolen)
        if key:
            api.cookies[KEY] = key
        wait(seconds=11)

        assert_refused(ask("refresh"), "reused")

    @pytest.mark.parametrize("key", ["", "x" * 129, "ü", "\x00"])
    def test_invalid_key_does_not_prevent_a_refresh(
        self, signed_in: Response, ask: Ask, api: APIClient, key: str
    ) -> None:
        api.cookies[KEY] = key

        assert ask("refresh").status_code == 200
        assert Session.objects.get().idempotency_key_hash == ""

    def test_a_key_in_the_header_counts_instead(
        self, signed_in: Response, ask: Ask, api: APIClient
    ) -> None:
        before = jar_of(api)
        ask("refresh", key="k1")
        wait(minutes=59)
        put_jar(api, before)

        assert ask("refresh", key="k1").status_code == 200
        put_jar(api, before)
        assert_refused(ask("refresh"), "reused")

    @pytest.mark.parametrize("first", ["cookie", "header"])
    def test_the_header_is_no_way_around_the_window(
        self, signed_in: Response, ask: Ask, api: APIClient, first: str
    ) -> None:
        """Who copies the cookies can send the key in either place."""
        before = jar_of(api)
        ask("refresh", key="k1" if first == "header" else "")
        wait(hours=1)
        put_jar(api, before)

        assert_refused(ask("refresh", key="k1" if first == "header" else before[KEY]), "reused")
        assert Session.objects.get().end_reason == "reuse_detected"

    def test_apps_have_no_window(self, alice: User, api: APIClient) -> None:
        """They keep their keys where they keep their tokens, as before."""
        body = {"username": "alice", "password": PASSWORD}
        refresh = api.post("/api/token/", body, **JSON).json()["refresh"]
        given: Any = {"data": {"refresh": refresh}, "HTTP_IDEMPOTENCY_KEY": "k1", **JSON}
        api.post("/api/token/refresh/", **given)
        wait(days=2)

        again = api.post("/api/token/refresh/", **given)

        assert payload(again.json()["refresh"])["gen"] == 2

    def test_two_requests_at_once_leave_one_session(
        self, signed_in: Response, ask: Ask, api: APIClient
    ) -> None:
        before = jar_of(api)
        ask("refresh")
        first = jar_of(api)
        put_jar(api, before)
        ask("refresh")

        # Whichever answer comes last is what the browser has, and goes on with.
        for jar in (first, jar_of(api)):
            put_jar(api, jar)
            wait(minutes=5)
            assert ask("refresh").status_code == 200
            assert generation(api) == 3
            put_jar(api, jar)
            Session.objects.update(generation=2)

    def test_an_old_answer_that_comes_late_is_within_the_grace_period(
        self, signed_in: Response, ask: Ask, api: APIClient
    ) -> None:
        """It restores a used token together with an unused key."""
        before = jar_of(api)
        ask("refresh")
        newer = jar_of(api)
        put_jar(api, before)
        ask("refresh")
        late = jar_of(api)
        put_jar(api, newer)
        ask("refresh")
        assert generation(api) == 3

        put_jar(api, late)

        assert ask("refresh").status_code == 200
        assert generation(api) == 3


class TestWhoCopiesTheJar:
    def test_is_detected_at_the_next_refresh(
        self, signed_in: Response, ask: Ask, api: APIClient
    ) -> None:
        stolen = jar_of(api)
        ask("refresh")
        owners = jar_of(api)
        put_jar(api, stolen)
        assert ask("refresh").status_code == 200, "in time, a retry and a theft are the same"
        thiefs = jar_of(api)
        assert thiefs[KEY] != owners[KEY]

        put_jar(api, owners)
        assert ask("refresh").status_code == 200
        wait(minutes=5)
        put_jar(api, thiefs)

        assert_refused(ask("refresh"), "reused")
        assert Session.objects.get().end_reason == "reuse_detected"

    @pytest.mark.parametrize("header", ["", "k1"])
    def test_gets_no_step_up(
        self, signed_in: Response, ask: Ask, api: APIClient, header: str
    ) -> None:
        """The key of a step up is the script's, and in no cookie."""
        stolen = jar_of(api)
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {signed_in.json()['access']}"}
        assert ask("step-up", {"password": PASSWORD}, key=header, **bearer).status_code == 200
        put_jar(api, stolen)

        assert_refused(ask("refresh"), "reused")
        assert Session.objects.get().ended_at is None
        wait(seconds=11)
        assert_refused(ask("refresh"), "reused")
        assert Session.objects.get().end_reason == "reuse_detected"


def test_a_body_or_an_app_has_no_use_for_it(api: APIClient, alice: User) -> None:
    """The key in the cookie counts for the token in the cookie alone."""
    body = {"username": "alice", "password": PASSWORD}
    refresh = api.post("/api/token/", body, **JSON).json()["refresh"]
    api.cookies[KEY] = "k1"
    assert api.post("/api/token/refresh/", {"refresh": refresh}, **JSON).status_code == 200
    wait(seconds=11)

    answer: Any = api.post("/api/token/refresh/", {"refresh": refresh}, **JSON)

    assert_refused(answer, "reused")


def test_cross_site_refresh_gets_no_cookies(signed_in: Response, api: APIClient) -> None:
    answer = api.post(f"{BROWSER}refresh/", **{**SAME_ORIGIN, "HTTP_ORIGIN": "https://evil.test"})

    assert answer.status_code == 403
    assert not {TOKEN, KEY} & answer.cookies.keys()
