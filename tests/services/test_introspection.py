"""Introspection: what a token says while it is good, and nothing at all of any other."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import override_settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.keyring import keyring
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_session, end_sessions_before, open_session, refresh_session
from drf_ratchet.sessions.grant import Grant
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from tests.fixtures import payload
from tests.services.conftest import (
    FORM,
    NAME,
    ODD_SECRET,
    TRANSPORTS,
    Ask,
    basic,
    ratchet,
    refused,
)
from token_tests.forge import claims, key_for

pytestmark = pytest.mark.django_db
EACH_TOKEN = pytest.mark.parametrize("which", ["access", "refresh"])


def inactive(answer: Response) -> bool:
    """Whether it says that the token is no good, and not one thing more."""
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    body: dict[str, Any] = json.loads(answer.content)
    assert body["active"] or answer.content == b'{"active":false}'
    return not body["active"]


@pytest.fixture
def sees_all(settings: Any) -> None:
    """The service is one that may see every token."""
    settings.DRF_RATCHET = ratchet(SERVICES_THAT_SEE_ALL_TOKENS=[NAME])


class TestWhatAServiceMaySee:
    def test_only_header_access_tokens_are_active(self, alice: User, ask: Ask) -> None:
        header, cookies = (open_session(alice, transport=way) for way in TRANSPORTS.values())

        assert not inactive(ask("introspect", header.access))
        for token in (header.refresh, cookies.access, cookies.refresh):
            assert inactive(ask("introspect", token))

    @pytest.mark.parametrize(
        "hint",
        ["access_token", "refresh_token", "rubbish", "", "x" * 100_000, "a&token_type_hint=b"],
    )
    @EACH_TOKEN
    def test_a_hint_makes_nothing_active(
        self, which: str, hint: str, alice: User, api: APIClient
    ) -> None:
        body = f"token={getattr(open_session(alice), which)}&token_type_hint={hint}"

        answer = api.generic("POST", "/api/introspect/", body, content_type=FORM, **basic())

        assert inactive(answer) is (which == "refresh")

    def test_permission_of_one_service_is_not_shared(self, alice: User, ask: Ask) -> None:
        named = ratchet(SERVICES_THAT_SEE_ALL_TOKENS=["shop.example"])
        with override_settings(DRF_RATCHET=named):
            token = open_session(alice).refresh
            assert inactive(ask("introspect", token))
            assert not inactive(ask("introspect", token, **basic("shop.example", ODD_SECRET)))

    @pytest.mark.usefixtures("sees_all")
    def test_a_used_refresh_token_is_inactive(self, grant: Grant, ask: Ask) -> None:
        """Also within the grace period, in which it may be used again."""
        following = refresh_session(grant.refresh or "", transport=_way(grant))

        assert inactive(ask("introspect", grant.refresh))
        assert not inactive(ask("introspect", following.refresh))
        assert Session.objects.get().ended_at is None

    @pytest.mark.usefixtures("sees_all")
    def test_a_refresh_token_ahead_of_its_session_is_inactive(self, grant: Grant, ask: Ask) -> None:
        """It would catch up at a refresh; what is asked here writes nothing."""
        Session.objects.update(generation=0)

        assert inactive(ask("introspect", grant.refresh))

    def test_inactive_kinds_can_be_revoked(self, grant: Grant, ask: Ask) -> None:
        for token in (grant.access, grant.refresh):
            Session.objects.update(ended_at=None, end_reason="")
            assert ask("revoke", token).json() == {}
            assert Session.objects.get().end_reason == "revoked"


@pytest.mark.usefixtures("sees_all")
class TestActive:
    def test_an_access_token(self, grant: Grant, alice: User, ask: Ask) -> None:
        answer = ask("introspect", grant.access)

        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/json"
        assert answer["Cache-Control"] == "no-store"
        said = payload(grant.access)
        assert answer.json() == {
            **said,
            "active": True,
            "token_type": "Bearer",
            "username": "alice",
        }
        assert {"sub", "sid", "exp", "iat", "auth_time", "email", "role"} <= answer.json().keys()
        assert answer.json()["sub"] == str(alice.pk)

    def test_a_refresh_token(self, grant: Grant, alice: User, ask: Ask) -> None:
        said = payload(grant.refresh)

        assert ask("introspect", grant.refresh).json() == {
            "active": True,
            "sub": str(alice.pk),
            "sid": str(grant.session.pk),
            "exp": said["exp"],
            "iat": said["iat"],
            "username": "alice",
        }

    def test_issuer_audience_and_client(self, alice: User, ask: Ask) -> None:
        changes = {"ISSUER": "https://blog.example", "AUDIENCE": ["blog", "shop"]}
        with override_settings(DRF_RATCHET=ratchet(**changes, CLIENT_ID="blog-app")):
            grant = open_session(alice)
            said = ask("introspect", grant.access).json()

        assert (said["iss"], said["aud"]) == ("https://blog.example", ["blog", "shop"])
        assert said["client_id"] == "blog-app"
        assert said["jti"]

    def test_claims_that_have_claims(self, alice: User, ask: Ask) -> None:
        """And one that would say otherwise."""
        given = {"org": {"ids": [1, {"a": None}]}, "active": False, "username": "eve"}
        with override_settings(DRF_RATCHET=ratchet(CLAIMS=lambda user, **_: given)):
            said = ask("introspect", open_session(alice).access).json()

        assert said["org"] == given["org"]
        assert (said["active"], said["username"]) == (True, "alice")

    @EACH_TOKEN
    @pytest.mark.parametrize("hint", ["access_token", "refresh_token", "rubbish", ""])
    def test_a_hint_changes_nothing(
        self, which: str, hint: str, grant: Grant, api: APIClient
    ) -> None:
        body = f"token={getattr(grant, which)}&token_type_hint={hint}"

        answer = api.generic("POST", "/api/introspect/", body, content_type=FORM, **basic())

        assert answer.json()["active"] is True

    @EACH_TOKEN
    def test_one_query_and_no_write(
        self, which: str, grant: Grant, ask: Ask, django_assert_num_queries: Any
    ) -> None:
        before = list(Session.objects.values())
        with django_assert_num_queries(1):
            ask("introspect", getattr(grant, which))
        assert list(Session.objects.values()) == before

    def test_with_keys_derived_from_the_secret_key(self, alice: User, ask: Ask) -> None:
        with override_settings(DRF_RATCHET=ratchet(KEYS=None)):
            assert not inactive(ask("introspect", open_session(alice).access))

    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nothing/at-all"])
    def test_the_form_of_the_answer_is_not_negotiated(
        self, accept: str, grant: Grant, ask: Ask
    ) -> None:
        answer = ask("introspect", grant.access, HTTP_ACCEPT=accept)

        assert answer["Content-Type"] == "application/json"
        assert answer.json()["active"] is True


def _way(grant: Grant) -> Any:
    in_cookie = payload(grant.access)["token_type"] == Kind.COOKIE_ACCESS
    return TRANSPORTS["cookies" if in_cookie else "header"]


def _log_out(grant: Grant) -> None:
    end_session(grant.session)


def _cut_off(grant: Grant) -> None:
    for _ in end_sessions_before(grant.issued_at + timedelta(days=1)):
        pass


OVER: dict[str, Callable[[Grant], Any]] = {
    "logged out": _log_out,
    "cut off": _cut_off,
    "session expired": lambda _: Session.objects.update(expires_at=F("created_at")),
    "session gone": lambda _: Session.objects.all().delete(),
    "inactive": lambda _: User.objects.update(is_active=False),
    "deleted": lambda _: User.objects.all().delete(),
    "another password": lambda _: User.objects.update(password="!"),
}


@pytest.mark.usefixtures("sees_all")
class TestInactive:
    @EACH_TOKEN
    @pytest.mark.parametrize("over", OVER.values(), ids=OVER)
    def test_what_is_over(
        self, which: str, over: Callable[[Grant], Any], grant: Grant, ask: Ask
    ) -> None:
        assert not inactive(ask("introspect", getattr(grant, which)))
        over(grant)
        assert inactive(ask("introspect", getattr(grant, which)))

    @pytest.mark.parametrize("freshness", ["immediate", "bounded", "expiry"])
    def test_at_once_whatever_the_freshness(self, freshness: str, alice: User, ask: Ask) -> None:
        with override_settings(DRF_RATCHET=ratchet(FRESHNESS=freshness)):
            grant = open_session(alice)
            assert not inactive(ask("introspect", grant.access))
            end_session(grant.session)
            assert inactive(ask("introspect", grant.access))

    @pytest.mark.parametrize("kind", list(Kind))
    def test_expired(self, kind: Kind, alice: User, ask: Ask) -> None:
        assert inactive(ask("introspect", _made(alice, kind, iat=1_000, exp=1_001)))

    @pytest.mark.parametrize("kind", list(Kind))
    def test_token_signed_by_an_unknown_key(self, kind: Kind, alice: User, ask: Ask) -> None:
        said = {**claims(kind), **_of(alice)}

        assert inactive(ask("introspect", codec.sign(said, key_for("ES384"), kind)))

    @pytest.mark.parametrize(
        "changes", [{"sub": "999999"}, {"sid": "x"}, {"sid": str(Session().pk)}]
    )
    @pytest.mark.parametrize("kind", list(Kind))
    def test_token_of_an_unknown_session(
        self, kind: Kind, changes: dict[str, Any], alice: User, ask: Ask
    ) -> None:
        assert inactive(ask("introspect", _made(alice, kind, **changes)))

    def test_token_for_another_audience(self, alice: User, ask: Ask) -> None:
        assert inactive(ask("introspect", _made(alice, Kind.ACCESS, aud="another")))

    @pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "\U0001f512" * 9, "x" * 100_000])
    def test_rubbish(self, token: str, ask: Ask) -> None:
        assert inactive(ask("introspect", token))

    def test_the_list_of_ended_sessions_is_no_token(self, feed: Ask, ask: Ask) -> None:
        assert inactive(ask("introspect", feed().content.decode()))

    def test_nothing_of_it_is_in_the_log(
        self, grant: Grant, ask: Ask, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, "drf_ratchet")
        end_session(grant.session)
        for token in (grant.access, grant.refresh):
            ask("introspect", token)

        assert grant.access not in caplog.text
        assert str(grant.refresh) not in caplog.text


def _of(user: User) -> dict[str, str]:
    return {"sub": str(user.pk), "sid": str(open_session(user).session.pk)}


def _made(user: User, kind: Kind, **changes: Any) -> str:
    """A token with a good signature that says whatever is wanted."""
    ring = keyring()
    key = (ring.refresh if kind.is_refresh else ring.access).signing
    return codec.sign({**claims(kind), **_of(user), **changes}, key, kind)


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
class TestHostileBodies:
    @pytest.mark.parametrize(
        "body", [b"", b"token", b"token=", b"token=%20", b"tokens=x", b"&&&", b"=x", b"\xff\xfe"]
    )
    def test_no_token(self, endpoint: str, body: bytes, api: APIClient) -> None:
        answer = api.generic("POST", f"/api/{endpoint}/", body, content_type=FORM, **basic())

        assert answer.status_code == 400
        assert answer.json().keys() == {"token"}

    @pytest.mark.parametrize(
        "body", [b"token=\0", b"token=a%00b", b"token=%ED%A0%80", b"token=%FF", b"token=a&token=b"]
    )
    def test_odd_tokens(self, endpoint: str, body: bytes, api: APIClient) -> None:
        answer = api.generic("POST", f"/api/{endpoint}/", body, content_type=FORM, **basic())

        assert answer.status_code in (200, 400)
        assert b"true" not in answer.content

    @pytest.mark.parametrize(
        "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", "x"]
    )
    def test_forms_only(self, endpoint: str, content_type: str, api: APIClient) -> None:
        answer = api.generic(
            "POST", f"/api/{endpoint}/", b'{"token": "x"}', content_type=content_type, **basic()
        )

        refused(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize("charset", ["nothing", "idna", "utf-7", "base64", "utf-16"])
    def test_charsets(self, endpoint: str, charset: str, api: APIClient) -> None:
        answer = api.generic(
            "POST",
            f"/api/{endpoint}/",
            b"token=\xff",
            content_type=f"{FORM}; charset={charset}",
            **basic(),
        )

        assert answer.status_code < 500
        assert b"true" not in answer.content

    def test_too_long(self, endpoint: str, api: APIClient, settings: Any) -> None:
        body = b"token=" + b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

        answer = api.generic("POST", f"/api/{endpoint}/", body, content_type=FORM, **basic())

        refused(answer, 413, "body_too_large")

    def test_too_many_fields(self, endpoint: str, api: APIClient) -> None:
        answer = api.generic(
            "POST", f"/api/{endpoint}/", b"token=x&" * 2000, content_type=FORM, **basic()
        )

        assert answer.status_code == 400

    def test_get_would_put_tokens_into_logs(self, endpoint: str, api: APIClient) -> None:
        refused(api.get(f"/api/{endpoint}/?token=x", **basic()), 405, "method_not_allowed")
        answer = api.generic("POST", f"/api/{endpoint}/?token=x", b"", content_type=FORM, **basic())
        assert answer.status_code == 400
