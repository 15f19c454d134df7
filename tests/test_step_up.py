"""Proving again who one is, and views that ask for it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import override_settings
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from drf_ratchet.models import Session
from drf_ratchet.permissions import RecentSignIn
from tests.fixtures import PASSWORD, Tokens, payload
from tests.test_views import REALM, assert_refused

URL = "/api/step-up/"
LONG_AGO = timedelta(hours=1)
Refresh = Callable[..., Response]


class Danger(APIView):
    permission_classes = (IsAuthenticated, RecentSignIn(minutes=5))

    def get(self, request: Request) -> Response:
        return Response({"done": True})


urlpatterns = [path("danger/", Danger.as_view()), path("api/", include("drf_ratchet.urls"))]


@pytest.fixture
def old(tokens: Tokens, refresh: Refresh) -> Tokens:
    """Alice's, refreshed an hour after she signed in; that was an hour ago as well."""
    Session.objects.update(auth_time=F("auth_time") - 2 * LONG_AGO)
    pair = Tokens(**refresh(tokens.refresh).json())
    Session.objects.update(rotated_at=F("rotated_at") - LONG_AGO)
    return pair


@pytest.fixture
def step_up(api: APIClient) -> Callable[..., Response]:
    def step_up(
        tokens: Tokens, password: str = PASSWORD, key: str = "", refresh: str = ""
    ) -> Response:
        headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        body = {"refresh": refresh or tokens.refresh, "password": password}
        return api.post(URL, body, **tokens.bearer, **headers)

    return step_up


StepUp = Callable[..., Response]


def age(token: str) -> float:
    return time.time() - payload(token)["auth_time"]


@override_settings(ROOT_URLCONF=__name__)
def test_a_view_that_asks_for_it(api: APIClient, old: Tokens, step_up: StepUp) -> None:
    refused = api.get("/danger/", **old.bearer)
    assert refused.status_code == 401
    assert refused.json()["code"] == "reauthentication_required"
    assert refused["WWW-Authenticate"] == (
        'Bearer error="insufficient_user_authentication", max_age="300"'
    )
    new = Tokens(**step_up(old).json())
    assert api.get("/danger/", **new.bearer).json() == {"done": True}
    nobody = api.get("/danger/")
    assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, REALM)


def test_a_request_signed_in_by_other_means(alice: User) -> None:
    request = Request(APIRequestFactory().get("/"))
    request.user, request.auth = alice, None
    with pytest.raises(Exception, match="recent sign-in"):
        RecentSignIn(minutes=5)().has_permission(request, APIView())


def test_a_new_pair_with_a_new_auth_time(old: Tokens, step_up: StepUp, refresh: Refresh) -> None:
    assert age(old.access) > 7000
    answer = step_up(old)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert age(answer.json()["access"]) < 60
    assert payload(answer.json()["refresh"])["gen"] == 3
    # It stays with the session, and grows old there.
    again = refresh(answer.json()["refresh"]).json()
    assert payload(again["access"])["auth_time"] == payload(answer.json()["access"])["auth_time"]


def test_a_wrong_password(old: Tokens, step_up: StepUp) -> None:
    answer = step_up(old, password="wrong")
    assert (answer.status_code, answer.json()["code"]) == (401, "no_active_account")
    assert old.session.generation == 2
    assert step_up(old).status_code == 200


def test_under_the_sign_ins_throttle(api: APIClient, old: Tokens, step_up: StepUp) -> None:
    answers = [step_up(old, password="wrong").status_code for _ in range(31)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_what_is_missing(api: APIClient, old: Tokens) -> None:
    assert api.post(URL, {}, **old.bearer).json().keys() == {"refresh", "password"}


def test_a_refresh_token_of_another_session(
    old: Tokens, step_up: StepUp, sign_in: Callable[..., Tokens]
) -> None:
    answer = step_up(old, refresh=sign_in().refresh)
    assert (answer.status_code, answer.json()["code"]) == (400, "different_sessions")
    assert_refused(step_up(old, refresh=old.access), "wrong_type")


def test_a_retry_with_the_key(old: Tokens, step_up: StepUp) -> None:
    first = step_up(old, key="k").json()
    Session.objects.update(rotated_at=F("rotated_at"))
    again = step_up(old, key="k").json()
    assert again["refresh"] == first["refresh"]
    assert age(again["access"]) < 60


def test_the_grace_period_hands_out_no_elevation(
    old: Tokens, step_up: StepUp, refresh: Refresh
) -> None:
    """A thief uses the same old token a moment later, at either endpoint."""
    elevated = step_up(old, key="k").json()
    assert_refused(refresh(old.refresh), "reused")
    assert_refused(refresh(old.refresh, key="another"), "reused")
    # Nor does it log out an owner's other tab that was only slow.
    assert Session.objects.get().ended_at is None
    assert refresh(elevated["refresh"]).status_code == 200


def test_a_step_up_is_no_repeat_of_a_refresh(
    old: Tokens, step_up: StepUp, refresh: Refresh
) -> None:
    assert refresh(old.refresh).status_code == 200
    assert_refused(step_up(old), "reused")
    assert Session.objects.get().ended_at is None


def test_after_the_grace_period_it_is_reuse(old: Tokens, step_up: StepUp) -> None:
    assert step_up(old).status_code == 200
    Session.objects.update(
        rotated_at=F("rotated_at") - LONG_AGO, auth_time=F("auth_time") - LONG_AGO
    )
    assert_refused(step_up(old), "reused")
    assert Session.objects.get().end_reason == "reuse_detected"


def test_a_session_that_does_not_rotate(
    alice: User, sign_in: Callable[..., Tokens], step_up: StepUp, refresh: Refresh
) -> None:
    """Its refresh token never changes, so the row stores no elevation."""
    with override_settings(DRF_RATCHET={"ROTATE_REFRESH_TOKENS": False}):
        tokens = sign_in()
    Session.objects.update(auth_time=F("auth_time") - LONG_AGO)
    row: Any = Session.objects.values().get()
    answer = step_up(tokens).json()
    assert answer.keys() == {"access"}
    assert age(answer["access"]) < 60
    assert age(refresh(tokens.refresh).json()["access"]) > 3000
    assert Session.objects.values().get() == row
