"""The three choices, through HTTP: what a request costs and when a logout counts."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import override_settings
from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from drf_ratchet.authentication import ImmediateJWTAuthentication
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_session
from drf_ratchet.sessions import feed as feed_module
from tests.fixtures import Tokens
from tests.test_views import assert_refused

URL = "/api/protected/"


class Payment(APIView):
    authentication_classes = (ImmediateJWTAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response({"paid_by": request.user.get_username()})


class Name(Payment):
    authentication_classes = APIView.authentication_classes


urlpatterns = [path("pay/", Payment.as_view()), path("name/", Name.as_view())]


def choose(freshness: str, interval: float = 3600, **more: Any) -> override_settings:
    chosen = {"FRESHNESS": freshness, "FEED_INTERVAL": timedelta(seconds=interval), **more}
    return override_settings(DRF_RATCHET=chosen)


@pytest.mark.parametrize(("freshness", "cost"), [("immediate", 1), ("bounded", 0), ("expiry", 0)])
def test_costs(
    api: APIClient, tokens: Tokens, freshness: str, cost: int, django_assert_num_queries: Any
) -> None:
    with choose(freshness):
        api.get(URL, **tokens.bearer)  # the feed's first reading
        with django_assert_num_queries(cost):
            assert api.get(URL, **tokens.bearer).status_code == 200


@pytest.mark.parametrize("freshness", ["immediate", "bounded"])
def test_a_logout_counts(api: APIClient, tokens: Tokens, freshness: str) -> None:
    with choose(freshness, interval=0):
        assert api.get(URL, **tokens.bearer).status_code == 200
        end_session(tokens.session)
        assert_refused(api.get(URL, **tokens.bearer), "session_ended")


def test_bounded_sees_it_an_interval_later(api: APIClient, tokens: Tokens) -> None:
    with choose("bounded"):
        assert api.get(URL, **tokens.bearer).status_code == 200
        end_session(tokens.session)
        assert api.get(URL, **tokens.bearer).status_code == 200
    with choose("bounded"):  # a change of the settings starts the feed afresh
        assert_refused(api.get(URL, **tokens.bearer), "session_ended")


def test_expiry_trusts_the_token(api: APIClient, tokens: Tokens) -> None:
    end_session(tokens.session)
    with choose("expiry"):
        assert api.get(URL, **tokens.bearer).status_code == 200
        # The session's own endpoints do not.
        assert_refused(api.get("/api/sessions/", **tokens.bearer), "session_ended")


def test_raised_for_one_view(api: APIClient, tokens: Tokens) -> None:
    with (
        override_settings(ROOT_URLCONF=__name__),
        choose("expiry"),
    ):
        assert api.get("/pay/", **tokens.bearer).json() == {"paid_by": "alice"}
        end_session(tokens.session)
        assert api.get("/name/", **tokens.bearer).status_code == 200
        assert_refused(api.get("/pay/", **tokens.bearer), "session_ended")


def test_a_user_deleted_without_a_signal(api: APIClient, tokens: Tokens) -> None:
    Session.objects.update(user=None)
    User.objects.all()._raw_delete("default")
    with choose("expiry"), override_settings(ROOT_URLCONF=__name__):
        assert_refused(api.get("/name/", **tokens.bearer), "user_inactive")


def test_unreadable_feed_gets_503(
    api: APIClient, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Any:
        raise OperationalError

    monkeypatch.setattr(feed_module, "recent_endings", fail)
    with choose("bounded"):
        answer = api.get(URL, **tokens.bearer)
    assert answer.status_code == 503
    assert answer.json()["code"] == "busy"
    assert answer["Retry-After"] == "1"
