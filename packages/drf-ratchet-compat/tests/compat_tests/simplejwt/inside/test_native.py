"""Views and an authentication class of ours, while clients hold tokens of simplejwt; and tools."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import include, path
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken, Token

from compat_tests.simplejwt import urls
from compat_tests.simplejwt.calls import Pair, past_grace, plain_token, refresh, signed_in
from compat_tests.simplejwt.views import Me
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_session
from drf_ratchet_compat.simplejwt.authentication import JWTAuthentication
from drf_ratchet_compat.simplejwt.views import TokenRefreshView

Kept: Any = OutstandingToken
Blacklisted: Any = BlacklistedToken

urlpatterns = [
    path("native/me/", Me.as_view(authentication_classes=[JWTAuthentication])),
    path("native/token/refresh/", TokenRefreshView.as_view()),
    path("native/", include("drf_ratchet.urls")),
    *urls.urlpatterns,
]
pytestmark = pytest.mark.urls(__name__)
REFRESH = "/native/token/refresh/"


def native_status(client: APIClient, access: str) -> int:
    bearer = {"authorization": f"Bearer {access}"}
    return int(client.get("/native/me/", headers=bearer).status_code)


class TestMovingOn:
    def test_a_token_of_the_bridge_goes_on_in_its_session(
        self, client: APIClient, pair: Pair
    ) -> None:
        assert native_status(client, pair.access) == 200
        answer = client.post(REFRESH, {"refresh": pair.refresh})
        assert answer.status_code == 200
        assert native_status(client, answer.data["access"]) == 200
        assert client.post(REFRESH, {"refresh": answer.data["refresh"]}).status_code == 200
        assert Session.objects.get().generation == 3

    def test_a_token_of_before_the_line_goes_on(self, client: APIClient, alice: Any) -> None:
        old = plain_token(alice)
        assert native_status(client, str(old.access_token)) == 200
        first = client.post(REFRESH, {"refresh": str(old)})
        again = client.post(REFRESH, {"refresh": str(old)})
        assert first.data["refresh"] == again.data["refresh"]

    def test_a_used_token_ends_the_session(self, client: APIClient, pair: Pair) -> None:
        client.post(REFRESH, {"refresh": pair.refresh})
        past_grace()
        answer = client.post(REFRESH, {"refresh": pair.refresh})
        assert (answer.status_code, answer.data["reason"]) == (401, "reused")
        assert Session.objects.get().end_reason == "reuse_detected"

    def test_a_revoked_token_is_refused(self, client: APIClient, pair: Pair) -> None:
        Blacklisted.objects.bulk_create([Blacklisted(token=Kept.objects.get())])
        assert client.post(REFRESH, {"refresh": pair.refresh}).status_code == 401

    def test_an_ended_session_is_refused(self, client: APIClient, pair: Pair) -> None:
        end_session(pair.session)
        assert client.post(REFRESH, {"refresh": pair.refresh}).status_code == 401
        assert native_status(client, pair.access) == 401

    @pytest.mark.parametrize("text", ["", "x", "a.b.c", "é" * 9, "x" * 100_000])
    def test_rubbish_is_refused(self, text: str, client: APIClient, db: None) -> None:
        assert client.post(REFRESH, {"refresh": text}).status_code in (400, 401)


class TestDrainTask:
    def test_it_asks_for_its_phase(self, db: None) -> None:
        with pytest.raises(CommandError, match="drain"):
            call_command("ratchet", "drain")

    def test_it_writes_the_sessions_that_ended_before(
        self, client: APIClient, pair: Pair, bridge: Any
    ) -> None:
        newer = refresh(client, pair.refresh)
        end_session(newer.session)
        bridge(PHASE="drain")
        printed = StringIO()
        call_command("ratchet", "drain", stdout=printed)
        assert "1 ended sessions" in printed.getvalue()
        jti = newer.payload["jti"]
        assert Blacklisted.objects.filter(token__jti=jti).exists()


class TestDoctor:
    def test_it_shows_the_bridge(self, pair: Pair) -> None:
        printed = StringIO()
        call_command("ratchet", "doctor", stdout=printed)
        text = printed.getvalue()
        assert "15 methods of simplejwt" in text
        assert "'enforce': the counter decides" in text
        assert "issued with the bridge" in text

    def test_it_names_what_the_bridge_does_not_reach(
        self, alice: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Ticket(Token):
            def verify(self) -> None:
                self.check_exp()

        plain_token(alice)
        monkeypatch.setattr(RefreshToken, "verify", lambda self: None)
        monkeypatch.setattr(Token, "set_jti", lambda self: None)
        printed = StringIO()
        call_command("ratchet", "doctor", stdout=printed)
        text = printed.getvalue()
        assert f"{Ticket.__qualname__} has a verify() of its own" in text
        assert "Token.set_jti was replaced again" in text
        assert "1 of the newest 1 refresh tokens were issued without the bridge" in text


def test_our_sessions_and_simplejwts_are_one_list(client: APIClient, pair: Pair) -> None:
    answer = client.post(REFRESH, {"refresh": pair.refresh})
    bearer = {"authorization": f"Bearer {answer.data['access']}"}
    assert len(client.get("/native/sessions/", headers=bearer).data) == 1
    assert signed_in(client, pair.access)
