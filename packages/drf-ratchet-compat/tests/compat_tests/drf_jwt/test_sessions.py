"""What the single token is: an access token of a session."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from compat_tests.drf_jwt.calls import forge
from compat_tests.drf_jwt.real import issue
from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session
from drf_ratchet.sessions.ending import end_session
from drf_ratchet_compat.drf_jwt import exceptions
from drf_ratchet_compat.drf_jwt.authentication import JSONWebTokenAuthentication
from drf_ratchet_compat.drf_jwt.blacklist.models import BlacklistedToken
from drf_ratchet_compat.drf_jwt.blacklist.views import BlacklistView
from drf_ratchet_compat.drf_jwt.test import APIJWTClient
from drf_ratchet_compat.drf_jwt.tokens import AccessToken, RefreshToken
from drf_ratchet_compat.drf_jwt.utils import (
    jwt_create_payload,
    jwt_decode_handler,
    jwt_encode_handler,
    jwt_payload_handler,
)
from tests.fixtures import PASSWORD, payload


@pytest.fixture
def token(api: APIClient, alice: User) -> str:
    return sign_in(api)


def sign_in(api: APIClient, name: str = "alice", url: str = "/api-token-auth/") -> str:
    answer = api.post(url, {"username": name, "password": PASSWORD})
    assert answer.status_code in (200, 201), answer.content
    found: str = answer.json()["token"]
    return found


def bearer(token: str, word: str = "Bearer") -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"{word} {token}"}


class TestTheSession:
    def test_is_one_row(self, api: APIClient, token: str) -> None:
        session = Session.objects.get()
        assert payload(token)["sid"] == str(session.pk)
        assert not session.rotates
        assert (session.ends_at - session.created_at).total_seconds() == 7 * 86400 + 300
        assert (session.expires_at - session.created_at).total_seconds() == 300

    @override_settings(JWT_AUTH={"JWT_ALLOW_REFRESH": False})
    def test_without_refresh_it_lives_as_long_as_the_token(
        self, api: APIClient, alice: User
    ) -> None:
        token = sign_in(api)
        session = Session.objects.get()
        assert (session.ends_at - session.created_at).total_seconds() == 300
        assert "orig_iat" not in payload(token)
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 400

    def test_a_refresh_touches_it(
        self, api: APIClient, token: str, django_assert_num_queries: Any
    ) -> None:
        before = Session.objects.get()
        # Alive? Who? As it is; touched.
        with django_assert_num_queries(3):
            answer = api.post("/api-token-refresh/", {"token": token}, HTTP_USER_AGENT="another")
        after, new = Session.objects.get(), payload(answer.json()["token"])
        assert after.rotated_at > before.rotated_at
        assert after.user_agent == "another"
        assert after.generation == before.generation
        assert new["sid"] == str(after.pk)
        assert new["orig_jti"] == payload(token)["jti"]
        assert new["auth_time"] == payload(token)["auth_time"]

    @pytest.mark.parametrize("how", ["logout", "blacklist", "session", "all"])
    def test_logging_out_ends_every_token_of_it(self, api: APIClient, token: str, how: str) -> None:
        other = api.post("/api-token-refresh/", {"token": token}).json()["token"]
        sid = payload(token)["sid"]
        ways = {
            "logout": lambda: api.post("/api/logout/", **bearer(token)),
            "blacklist": lambda: api.post("/blacklist/", **bearer(token)),
            "session": lambda: api.delete(f"/api/sessions/{sid}/", **bearer(token)),
            "all": lambda: api.post("/api/logout/all/", **bearer(token)),
        }
        assert ways[how]().status_code in (200, 201, 204)
        for one in (token, other):
            refused = api.get("/whoami/", **bearer(one))
            assert (refused.status_code, refused.json()["detail"]) == (403, "Token is blacklisted.")
            for url in ("/api-token-refresh/", "/api-token-verify/"):
                answer = api.post(url, {"token": one})
                assert answer.json() == {"non_field_errors": ["Token is blacklisted."]}

    def test_a_new_password_ends_it(self, api: APIClient, token: str, alice: User) -> None:
        alice.set_password("another one")
        alice.save()
        assert api.get("/whoami/", **bearer(token)).status_code == 401
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 400

    def test_cores_access_token_opens_and_is_not_refreshed(
        self, api: APIClient, alice: User
    ) -> None:
        """Its session has a refresh token; whoever stole the access token has not."""
        access = open_session(alice).access
        assert api.get("/whoami/", **bearer(access, "JWT")).status_code == 200
        for one in (access, forge(access, orig_iat=int(time.time()))):
            answer = api.post("/api-token-refresh/", {"token": one})
            assert answer.json() == {"non_field_errors": ["orig_iat field not found in token."]}

    def test_it_is_no_refresh_token(self, api: APIClient, token: str, alice: User) -> None:
        assert api.post("/api/token/refresh/", {"refresh": token}).status_code == 401
        refresh = open_session(alice).refresh
        assert api.get("/whoami/", **bearer(refresh or "")).status_code == 401

    def test_last_login(self, token: str, alice: User) -> None:
        alice.refresh_from_db()
        assert alice.last_login is not None

    def test_nothing_is_cached(self, api: APIClient, token: str) -> None:
        for url in ("auth", "refresh", "verify", "impersonate"):
            assert api.post(f"/api-token-{url}/", {})["Cache-Control"] == "no-store"

    def test_throttled(self, api: APIClient, alice: User, settings: Any) -> None:
        rates = {"DEFAULT_THROTTLE_RATES": {"sign_in": "2/hour"}}
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
        wrong = {"username": "alice", "password": "wrong"}
        codes = [api.post("/api-token-auth/", wrong).status_code for _ in range(3)]
        assert codes == [400, 400, 429]


class TestByHand:
    @pytest.mark.parametrize("handler", [jwt_payload_handler, jwt_create_payload])
    def test_the_recipe(self, api: APIClient, alice: User, handler: Any) -> None:
        token = jwt_encode_handler(handler(alice))
        assert Session.objects.get().user == alice
        assert api.get("/whoami/", **bearer(token, "JWT")).json() == {"username": "alice"}
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 201
        assert jwt_decode_handler(token)["username"] == "alice"

    def test_a_decoded_payload_makes_a_token_of_the_same_session(self, token: str) -> None:
        again = jwt_encode_handler(jwt_decode_handler(token))
        assert payload(again)["sid"] == payload(token)["sid"]
        assert Session.objects.count() == 1

    def test_the_classmethods(self, alice: User) -> None:
        made = JSONWebTokenAuthentication.jwt_create_payload(alice)
        token = JSONWebTokenAuthentication.jwt_encode_payload(made)
        decoded = JSONWebTokenAuthentication.jwt_decode_token(token)
        assert JSONWebTokenAuthentication.jwt_get_username_from_payload(decoded) == "alice"
        assert "alice" not in repr(decoded)

    def test_what_decoding_raises(self, token: str) -> None:
        import jwt

        past = int(time.time()) - 600
        with pytest.raises(exceptions.ExpiredSignatureError) as raised:
            jwt_decode_handler(forge(token, iat=past - 60, exp=past))
        assert isinstance(raised.value, jwt.ExpiredSignatureError)  # PyJWT is there
        with pytest.raises(exceptions.DecodeError):
            jwt_decode_handler("nonsense")
        end_session(Session.objects.get())
        with pytest.raises(exceptions.InvalidTokenError) as ended:
            jwt_decode_handler(token)
        assert token not in str(ended.value)

    @pytest.mark.parametrize("said", [{}, {"username": "nobody"}, {"user_id": "x"}])
    def test_a_payload_of_nobody(self, db: None, said: dict[str, Any]) -> None:
        from django.core.exceptions import ImproperlyConfigured

        with pytest.raises(ImproperlyConfigured, match="names no user"):
            jwt_encode_handler(said)
        assert not Session.objects.exists()

    def test_the_seeds_token_classes(self, alice: User) -> None:
        first = AccessToken.for_user(alice)
        second = RefreshToken(str(first)).refresh()
        assert second["sid"] == first["sid"]
        assert second.user == alice
        assert str(first) not in repr(first)

    def test_the_test_client(self, alice: User) -> None:
        client = APIJWTClient()
        assert not client.login(username="alice", password="wrong")
        assert client.login(username="alice", password=PASSWORD)
        assert client.get("/whoami/").status_code == 200

    def test_obtain_token(self, alice: User, settings: Any, capsys: Any) -> None:
        with pytest.raises(CommandError):
            call_command("obtain_token", str(alice.pk))
        settings.DEBUG = True
        with pytest.raises(CommandError):
            call_command("obtain_token", "x")
        call_command("obtain_token", str(alice.pk))
        assert payload(capsys.readouterr().out.strip())["username"] == "alice"


class TestBlacklist:
    def test_rows_are_ended_sessions(self, api: APIClient, token: str, alice: User) -> None:
        assert not BlacklistedToken.objects.exists()
        assert not BlacklistedToken.is_blocked(token, payload(token))
        BlacklistedToken.objects.create(token=token)
        row = BlacklistedToken.objects.get()
        assert (str(row.token_id), row.user) == (payload(token)["sid"], alice)
        assert BlacklistedToken.is_blocked(token, payload(token))
        call_command("delete_stale_tokens", verbosity=0)
        assert BlacklistedToken.objects.exists()  # not long over

    def test_one_sees_ones_own(self, api: APIClient, token: str) -> None:
        BlacklistedToken.objects.create(token=token)
        User.objects.create_user("bob", password=PASSWORD)
        bob = bearer(sign_in(api, "bob"))
        assert api.get("/blacklist/", **bob).json() == []
        assert len(api.get("/blacklist/", **bearer(sign_in(api))).json()) == 1
        sid = payload(token)["sid"]
        for method in (api.put, api.patch, api.delete):
            assert method(f"/blacklist/{sid}/", {}, **bob).status_code == 405

    def test_nothing_is_posted_to_a_row(self, api: APIClient, token: str) -> None:
        sid = payload(token)["sid"]
        assert api.post(f"/blacklist/{sid}/", {}, **bearer(token)).status_code == 405

    @pytest.mark.django_db(transaction=True)
    def test_in_a_projects_transaction(self, api: APIClient, token: str) -> None:
        with transaction.atomic():
            BlacklistedToken.objects.create(token=token)
            transaction.set_rollback(True)
        assert api.get("/whoami/", **bearer(token)).status_code == 200
        with transaction.atomic():
            BlacklistedToken.objects.create(token=token)
        assert api.get("/whoami/", **bearer(token)).status_code == 403

    @pytest.mark.django_db(transaction=True)
    def test_under_atomic_requests(self, api: APIClient, token: str, monkeypatch: Any) -> None:
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        assert api.post("/blacklist/", {}, **bearer(token)).status_code == 201
        assert api.get("/whoami/", **bearer(token)).status_code == 403

    def test_its_view_is_like_the_others(self) -> None:
        view = BlacklistView.as_view({"post": "create"})
        assert "default" in view._non_atomic_requests
        assert view.csrf_exempt
        assert view.cls is BlacklistView


class TestImpersonation:
    @pytest.fixture
    def root(self, api: APIClient, alice: User) -> str:
        User.objects.create_superuser("root", "", PASSWORD)
        return sign_in(api, "root")

    def test_says_who_acts_and_goes_on_saying_it(
        self, api: APIClient, root: str, alice: User
    ) -> None:
        answer = api.post("/api-token-impersonate/", {"user": alice.pk}, **bearer(root))
        token = answer.json()["token"]
        act = {name: payload(root)[name] for name in ("sub", "sid")}
        assert payload(token)["act"] == act
        assert api.get("/whoami/", **bearer(token)).json() == {"username": "alice"}
        refreshed = api.post("/api-token-refresh/", {"token": token}).json()["token"]
        assert payload(refreshed)["act"] == act
        alice.refresh_from_db()
        assert alice.last_login is None

    def test_whoever_acts_may_still_sign_in(self, api: APIClient, root: str, alice: User) -> None:
        answer = api.post("/api-token-impersonate/", {"user": alice.pk}, **bearer(root))
        User.objects.filter(username="root").update(is_active=False)
        assert api.post("/api-token-refresh/", {"token": answer.json()["token"]}).status_code == 400

    @pytest.mark.parametrize("what", ["demoted", "logged out", "new password", "deleted", "old"])
    def test_ends_with_its_impersonator(
        self, api: APIClient, root: str, alice: User, what: str
    ) -> None:
        user, sid = User.objects.get(username="root"), payload(root)["sid"]
        answer = api.post("/api-token-impersonate/", {"user": alice.pk}, **bearer(root))
        token = answer.json()["token"]
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 201
        if what == "demoted":
            User.objects.filter(pk=user.pk).update(is_superuser=False)
        elif what == "logged out":
            assert api.post("/blacklist/", {}, **bearer(root)).status_code == 201
        elif what == "new password":
            user.set_password("another one")
            user.save()
        elif what == "deleted":
            user.delete()
        else:
            past = timezone.now() - timedelta(seconds=1)
            Session.objects.filter(pk=sid).update(expires_at=past)
        refused = api.post("/api-token-refresh/", {"token": token})
        assert refused.json() == {"non_field_errors": ["User account is disabled."]}

    def test_each_of_several_counts(self, api: APIClient, root: str, alice: User) -> None:
        other = User.objects.create_superuser("other", "", PASSWORD)
        first = api.post("/api-token-impersonate/", {"user": other.pk}, **bearer(root))
        header = bearer(first.json()["token"])
        second = api.post("/api-token-impersonate/", {"user": alice.pk}, **header)
        token = second.json()["token"]
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 201
        User.objects.filter(username="root").update(is_superuser=False)
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 400

    @pytest.mark.parametrize("freshness", ["immediate", "bounded", "expiry"])
    def test_not_after_a_logout(
        self, api: APIClient, root: str, alice: User, settings: Any, freshness: str
    ) -> None:
        settings.DRF_RATCHET = {"FRESHNESS": freshness}
        assert api.post("/blacklist/", {}, **bearer(root)).status_code == 201
        answer = api.post("/api-token-impersonate/", {"user": alice.pk}, **bearer(root))
        assert answer.status_code == 403

    def test_with_an_old_token(self, api: APIClient, root: str, alice: User) -> None:
        """It becomes a session, so that its ending is known."""
        old = issue(User.objects.get(username="root"))
        token = api.post("/api-token-impersonate/", {"user": alice.pk}, **bearer(old)).json()[
            "token"
        ]
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 201
        assert api.post("/blacklist/", {}, **bearer(old)).status_code == 201
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 400

    @pytest.mark.parametrize("act", ["root", ["root"], {"sub": "x"}, {"sub": None}, {"sid": "x"}])
    def test_an_actor_whom_nobody_knows(self, api: APIClient, alice: User, act: Any) -> None:
        token = forge(sign_in(api), act=act)
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 400

    def test_without_a_session(self, api: APIClient, root: str, alice: User) -> None:
        """Who signed in with Django's login, say."""
        user = User.objects.get(username="root")
        api.force_authenticate(user)
        token = api.post("/api-token-impersonate/", {"user": alice.pk}).json()["token"]
        api.force_authenticate()
        assert payload(token)["act"] == {"sub": str(user.pk)}
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 201
        User.objects.filter(pk=user.pk).update(is_superuser=False)
        assert api.post("/api-token-refresh/", {"token": token}).status_code == 400

    @pytest.mark.parametrize(
        "user",
        ["1e400", "-1e400", "[1e400]", '{"a": 1e400}', "9" * 400, "1e308", "true", '"\\u0000"'],
    )
    def test_numbers_that_are_none(self, root: str, user: str) -> None:
        api = APIClient(raise_request_exception=False)
        body = f'{{"user": {user}}}'
        answer = api.post(
            "/api-token-impersonate/", body, content_type="application/json", **bearer(root)
        )
        assert answer.status_code == 400

    def test_twice(self, api: APIClient, root: str, alice: User) -> None:
        other = User.objects.create_superuser("other", "", PASSWORD)
        first = api.post("/api-token-impersonate/", {"user": other.pk}, **bearer(root)).json()
        second = api.post(
            "/api-token-impersonate/", {"user": alice.pk}, **bearer(first["token"])
        ).json()
        assert payload(second["token"])["act"] == {
            "sub": str(other.pk),
            "sid": payload(first["token"])["sid"],
            "act": {name: payload(root)[name] for name in ("sub", "sid")},
        }


class TestOlder:
    """1.11 runs on no Django of today: what it answers was read in its source."""

    @pytest.fixture(autouse=True)
    def _older(self, settings: Any) -> None:
        settings.JWT_AUTH = {"JWT_GENERATION": "1.11", "JWT_ALLOW_REFRESH": True}

    def test_its_shapes(self, api: APIClient, alice: User) -> None:
        for prefix in ("/api-token-{}/", "/older/{}/"):
            answer = api.post(prefix.format("auth"), {"username": "alice", "password": PASSWORD})
            assert answer.status_code == 200
            assert answer.json().keys() == {"token"}
            token = answer.json()["token"]
            said = payload(token)
            assert (said["user_id"], said["email"]) == (alice.pk, alice.email)
            for name in ("refresh", "verify"):
                answer = api.post(prefix.format(name), {"token": token})
                assert (answer.status_code, list(answer.json())) == (200, ["token"])

    def test_its_sentences(self, api: APIClient, alice: User) -> None:
        token, past = sign_in(api), int(time.time()) - 900
        expired = forge(token, iat=past, orig_iat=past, exp=past + 300)
        said = {
            expired: "Signature has expired.",
            "nonsense": "Error decoding signature.",
            forge(token, orig_iat=None): "orig_iat field is required.",
            forge(token, orig_iat=past - 8 * 86400): "Refresh has expired.",
        }
        for bad, text in said.items():
            answer = api.post("/api-token-refresh/", {"token": bad})
            assert (answer.status_code, answer.json()) == (400, {"non_field_errors": [text]})
        answer = api.post("/api-token-auth/", {"username": "alice", "password": "x"})
        assert answer.json() == {
            "non_field_errors": ["Unable to log in with provided credentials."]
        }

    def test_its_door(self, api: APIClient, alice: User) -> None:
        token = sign_in(api)
        assert api.get("/whoami/", **bearer(token, "JWT")).status_code == 200
        alone = api.get("/whoami/", HTTP_AUTHORIZATION="JWT")
        three = api.get("/whoami/", HTTP_AUTHORIZATION="JWT a b")
        assert alone["WWW-Authenticate"] == 'JWT realm="api"'
        assert alone.json()["detail"].endswith("No credentials provided.")
        assert three.json()["detail"].endswith("should not contain spaces.")
        bad = api.get("/whoami/", HTTP_AUTHORIZATION="JWT x.y.z")
        assert bad.json() == {"detail": "Error decoding signature."}


def test_a_class_decides_whatever_the_setting_is(api: APIClient, alice: User) -> None:
    answer = api.post("/older/auth/", {"username": "alice", "password": PASSWORD})
    assert (answer.status_code, list(answer.json())) == (200, ["token"])
    assert "email" in payload(answer.json()["token"])
