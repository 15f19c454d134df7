"""The settings of simplejwt: each keeps its meaning, or the start is refused."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import TransactionTestCase, override_settings
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import TokenBlacklistSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import (
    AccessToken,
    BlacklistMixin,
    RefreshToken,
    SlidingToken,
    Token,
)

from compat_tests.simplejwt.calls import (
    Pair,
    past_grace,
    refresh,
    refused,
    sign_in,
    signed_in,
)
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_session
from drf_ratchet_compat.simplejwt import blacklist, seams
from drf_ratchet_compat.simplejwt.settings import demand_usable

Kept: Any = OutstandingToken
Blacklisted: Any = BlacklistedToken
LIFETIMES = {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=5)}


@pytest.fixture
def simplejwt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set keys of SIMPLE_JWT. simplejwt's own modules keep the object that they imported."""

    def change(**keys: Any) -> None:
        for name, value in keys.items():
            monkeypatch.setattr(api_settings, name, value)
        ratchet_settings.cache_clear()

    yield change
    ratchet_settings.cache_clear()


class TestRotationAndBlacklist:
    """ROTATE_REFRESH_TOKENS × BLACKLIST_AFTER_ROTATION × whether the blacklist app is there."""

    @pytest.mark.parametrize("blacklists", [True, False])
    def test_without_rotation_the_token_stays(
        self, blacklists: bool, client: APIClient, alice: Any, simplejwt: Callable[..., None]
    ) -> None:
        simplejwt(ROTATE_REFRESH_TOKENS=False, BLACKLIST_AFTER_ROTATION=blacklists)
        pair = sign_in(client)
        for _ in range(3):
            answer = client.post("/token/refresh/", {"refresh": pair.refresh})
            assert list(answer.data) == ["access"]
            assert signed_in(client, answer.data["access"])
        assert pair.session.generation == 1
        end_session(pair.session)
        assert refused(client, pair.refresh)

    def test_rotation_alone_holds(
        self, client: APIClient, alice: Any, simplejwt: Callable[..., None]
    ) -> None:
        simplejwt(BLACKLIST_AFTER_ROTATION=False)
        pair = sign_in(client)
        first = refresh(client, pair.refresh)
        second = refresh(client, pair.refresh)
        past_grace()
        for token in (pair, first, second):
            again = refresh(client, token.refresh)
            assert again.session == pair.session
        assert pair.session.generation == 1
        client.post("/logout/", {"refresh": first.refresh})
        for token in (pair, first, second):
            assert refused(client, token.refresh)

    def test_a_held_session_lives_as_long_as_its_newest_token(
        self, client: APIClient, alice: Any, simplejwt: Callable[..., None]
    ) -> None:
        simplejwt(BLACKLIST_AFTER_ROTATION=False)
        pair = sign_in(client)
        Session.objects.update(expires_at=datetime.now(UTC) + timedelta(hours=1))
        newer = refresh(client, pair.refresh)
        assert newer.session.expires_at > datetime.now(UTC) + timedelta(days=6)

    def test_both_rotate(self, client: APIClient, pair: Pair) -> None:
        newer = refresh(client, pair.refresh)
        past_grace()
        assert refused(client, pair.refresh)
        assert refused(client, newer.refresh)

    def test_switching_from_holding_to_rotating_goes_on(
        self, client: APIClient, alice: Any, simplejwt: Callable[..., None]
    ) -> None:
        simplejwt(BLACKLIST_AFTER_ROTATION=False)
        pair = sign_in(client)
        held = refresh(client, pair.refresh)
        simplejwt(BLACKLIST_AFTER_ROTATION=True)
        for token in (pair, held):
            assert refresh(client, refresh(client, token.refresh).refresh)

    def test_without_the_blacklist_app_both_rotate(
        self, client: APIClient, pair: Pair, without_blacklist_app: None
    ) -> None:
        newer = refresh(client, pair.refresh)
        assert refresh(client, pair.refresh).refresh == newer.refresh
        past_grace()
        assert refused(client, pair.refresh)

    def test_without_the_blacklist_app_the_endpoint_logs_out(
        self, pair: Pair, without_blacklist_app: None
    ) -> None:
        serializer = TokenBlacklistSerializer(data={"refresh": pair.refresh})
        serializer.is_valid(raise_exception=True)
        assert pair.session.ended_at is not None


@pytest.fixture
def without_blacklist_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what simplejwt's classes lack without its blacklist app."""
    for name in ("verify", "check_blacklist", "blacklist", "outstand", "for_user"):
        if name in vars(BlacklistMixin):
            monkeypatch.delattr(BlacklistMixin, name)
    monkeypatch.setattr(blacklist, "is_installed", lambda: False)


class TestRefusedAtTheStart:
    @pytest.mark.parametrize("name", ["JTI_CLAIM", "TOKEN_TYPE_CLAIM"])
    def test_a_claim_that_the_bridge_needs(self, name: str, simplejwt: Callable[..., None]) -> None:
        simplejwt(**{name: None})
        with pytest.raises(ImproperlyConfigured, match=name):
            demand_usable()

    @pytest.mark.parametrize(
        "given", [[], {"PHASE": "two"}, {"PHASES": "mark"}, {"PHASE": None}, {1: 2}]
    )
    def test_a_wrong_setting(self, given: Any, settings: Any) -> None:
        settings.SIMPLE_JWT_BRIDGE = given
        with pytest.raises(ImproperlyConfigured, match="SIMPLE_JWT_BRIDGE"):
            demand_usable()

    @pytest.mark.parametrize("version", ["5.2.2", "5.6.0", "6.0", "", None])
    def test_an_unknown_version(self, version: str | None) -> None:
        with pytest.raises(ImproperlyConfigured, match="was not checked"):
            seams.demand_version(version)

    def test_an_unknown_version_can_be_accepted(self, bridge: Callable[..., None]) -> None:
        bridge(ACCEPT_VERSION="5.6.0")
        seams.demand_version("5.6.0")
        with pytest.raises(ImproperlyConfigured):
            seams.demand_version("5.6.1")

    def test_a_method_with_other_arguments(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seams.uninstall()
        try:
            with monkeypatch.context() as patch:
                patch.setattr(Token, "set_jti", lambda self, more: None)
                with pytest.raises(ImproperlyConfigured, match="set_jti"):
                    seams.install()
                assert not seams.installed()
        finally:
            seams.install()

    def test_all_methods_are_replaced(self) -> None:
        assert seams.installed() == list(seams.SEAMS)


class TestSlidingTokens:
    @pytest.fixture
    def sliding(self, client: APIClient, alice: Any, simplejwt: Callable[..., None]) -> str:
        simplejwt(AUTH_TOKEN_CLASSES=(SlidingToken,))
        answer = client.post("/sliding/", {"username": "alice", "password": "ratchet-demo-1"})
        return str(answer.data["token"])

    def test_they_hold(self, client: APIClient, sliding: str) -> None:
        first = client.post("/sliding/refresh/", {"token": sliding}).data["token"]
        for token in (sliding, first):
            assert signed_in(client, token)
            assert client.post("/sliding/refresh/", {"token": token}).status_code == 200
        assert Session.objects.get().generation == 1

    def test_their_session_ends_them(self, client: APIClient, sliding: str) -> None:
        end_session(Session.objects.get())
        assert not signed_in(client, sliding)
        assert client.post("/sliding/refresh/", {"token": sliding}).status_code == 401

    def test_their_session_lives_until_refresh_exp(self, client: APIClient, sliding: str) -> None:
        token = SlidingToken(sliding)  # type: ignore[arg-type]
        expires_at = Session.objects.get().expires_at.timestamp()
        assert abs(expires_at - token["refresh_exp"]) < 2


class TestTokensWithoutASession:
    """As there: nothing of ours may fail where simplejwt did not."""

    def test_a_user_that_is_no_row(self, django_user_model: Any, db: None) -> None:
        for user in (django_user_model(pk=7, username="x"), object_with_id()):
            if not isinstance(user, django_user_model):
                token = Token.for_user.__func__(RefreshToken, user)  # type: ignore[attr-defined]
                assert "drf_ratchet" not in token.payload
        assert not Session.objects.exists()

    def test_a_token_class_of_the_project(self, alice: Any) -> None:
        class Invitation(Token):
            token_type = "invitation"
            lifetime = timedelta(days=1)

        token = Invitation.for_user(alice)
        Invitation(str(token))  # type: ignore[arg-type]
        AccessToken(str(AccessToken.for_user(alice)))  # type: ignore[arg-type]
        assert not Session.objects.exists()

    def test_a_refresh_token_of_another_type_has_a_session(self, alice: Any) -> None:
        class Kiosk(RefreshToken):
            token_type = "kiosk"

        token = Kiosk.for_user(alice)
        Kiosk(str(token))  # type: ignore[arg-type]
        AccessToken(str(token.access_token))  # type: ignore[arg-type]
        end_session(Session.objects.get())
        with pytest.raises(TokenError):
            Kiosk(str(token))  # type: ignore[arg-type]

    def test_a_database_that_must_not_be_used(
        self, alice: Any, monkeypatch: pytest.MonkeyPatch, without_blacklist_app: None
    ) -> None:
        from drf_ratchet.sessions import store

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError("Database access not allowed")

        monkeypatch.setattr(store, "insert", refuse)
        token = RefreshToken.for_user(alice)
        assert RefreshToken(str(token)).payload["user_id"] == str(alice.pk)  # type: ignore[arg-type]


def object_with_id() -> Any:
    """A user of somebody's own, with what simplejwt reads of one."""

    class Person:
        id = pk = 7
        is_active = True

    return Person()


class TestWhatIsNewIsOff:
    def test_a_new_password_and_a_deactivation_end_nothing(
        self, client: APIClient, pair: Pair, alice: Any
    ) -> None:
        alice.set_password("another-password-1")
        alice.save()
        assert signed_in(client, pair.access)
        alice.is_active = False
        alice.save()
        assert not signed_in(client, pair.access)
        alice.is_active = True
        alice.save()
        assert signed_in(client, refresh(client, pair.refresh).access)

    def test_a_setting_turns_them_on(
        self, client: APIClient, pair: Pair, alice: Any, settings: Any
    ) -> None:
        settings.DRF_RATCHET = {"USER_CHANGES_END_SESSIONS": True}
        alice.set_password("another-password-1")
        alice.save()
        assert pair.session.end_reason == "password_changed"
        assert refused(client, pair.refresh)

    def test_a_setting_limits_the_lifetime(
        self, client: APIClient, alice: Any, settings: Any
    ) -> None:
        assert sign_in(client).session.ends_at is None
        settings.DRF_RATCHET = {"SESSION_LIFETIME": timedelta(days=1)}
        pair = sign_in(client)
        assert pair.session.ends_at is not None
        Session.objects.update(ends_at=datetime.now(UTC) - timedelta(seconds=1))
        assert refused(client, pair.refresh)

    def test_a_setting_limits_the_sessions(
        self, client: APIClient, alice: Any, settings: Any
    ) -> None:
        settings.DRF_RATCHET = {"MAX_SESSIONS_PER_USER": 1}
        first, second = sign_in(client), sign_in(client)
        assert refused(client, first.refresh)
        assert refresh(client, second.refresh)

    def test_a_setting_limits_the_refreshes(
        self, client: APIClient, pair: Pair, settings: Any
    ) -> None:
        settings.SIMPLE_JWT_BRIDGE = {"LIMIT_REFRESHES": True}
        rates = {"refresh": "2/hour"}
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
        last = refresh(client, refresh(client, pair.refresh).refresh).refresh
        assert client.post("/token/refresh/", {"refresh": last}).status_code == 429

    def test_simplejwt_gives_the_defaults(self) -> None:
        settings = ratchet_settings()
        assert settings.REFRESH_TOKEN_LIFETIME == timedelta(days=7)
        assert settings.SESSION_LIFETIME is None
        assert settings.USER_CHANGES_END_SESSIONS is False


def test_a_longer_lifetime_of_one_token_is_kept(client: APIClient, alice: Any) -> None:
    token = RefreshToken.for_user(alice)
    token.set_exp(lifetime=timedelta(days=90))
    text = str(token)
    assert Session.objects.get().expires_at > datetime.now(UTC) + timedelta(days=89)
    assert refresh(client, text)


def test_the_row_of_a_longer_token_is_kept_as_long(client: APIClient, alice: Any) -> None:
    token = RefreshToken.for_user(alice)
    token.set_exp(lifetime=timedelta(days=90))
    str(token)
    assert Kept.objects.get().expires_at >= Session.objects.get().expires_at


@pytest.mark.parametrize("phase", ["enforce", "drain"])
def test_the_row_of_a_held_session_is_kept_as_long(
    phase: str,
    client: APIClient,
    alice: Any,
    simplejwt: Callable[..., None],
    bridge: Callable[..., None],
) -> None:
    """On the way back all its texts have the id of this row: it revokes them all."""
    simplejwt(BLACKLIST_AFTER_ROTATION=False)
    pair = sign_in(client)
    soon = datetime.now(UTC) + timedelta(hours=1)
    Session.objects.update(expires_at=soon)
    Kept.objects.update(expires_at=soon)
    bridge(PHASE=phase)
    newer = refresh(client, pair.refresh)
    row = Kept.objects.get(jti=pair.payload["jti"])
    assert row.expires_at >= datetime.fromtimestamp(newer.payload["exp"], UTC)


def test_another_user_id_claim_and_field(
    client: APIClient, alice: Any, simplejwt: Callable[..., None]
) -> None:
    simplejwt(USER_ID_FIELD="username", USER_ID_CLAIM="name")
    pair = sign_in(client)
    assert pair.payload["name"] == "alice"
    newer = refresh(client, pair.refresh)
    assert signed_in(client, newer.access)
    past_grace()
    assert refused(client, pair.refresh)


class TestInAnEventLoop:
    """A Channels middleware makes an AccessToken in the loop."""

    def make(self, text: str) -> Any:
        async def middleware() -> Any:
            return AccessToken(text)  # type: ignore[arg-type]

        return asyncio.run(middleware())

    def test_immediate_says_what_to_call(self, pair: Pair) -> None:
        with pytest.raises(RuntimeError, match="sync_to_async"):
            self.make(pair.access)

    def test_expiry_needs_nothing(self, pair: Pair, settings: Any) -> None:
        settings.DRF_RATCHET = {"FRESHNESS": "expiry"}
        assert self.make(pair.access)["user_id"]


class TestInAnEventLoopBounded(TransactionTestCase):
    def test_bounded_answers_from_memory(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db import connection

        if connection.vendor == "sqlite":
            return  # a thread of its own has another database in memory
        alice = get_user_model().objects.create_user("alice", password="ratchet-demo-1")
        with override_settings(DRF_RATCHET={"FRESHNESS": "bounded"}):
            token = RefreshToken.for_user(alice)
            text = str(token.access_token)
            assert TestInAnEventLoop().make(text)["user_id"]
            end_session(Session.objects.get())
        with (
            override_settings(DRF_RATCHET={"FRESHNESS": "bounded"}),
            pytest.raises(TokenError),
        ):
            TestInAnEventLoop().make(text)


def test_drf_spectacular_describes_the_endpoints_as_before() -> None:
    generated = SchemaGenerator().get_schema(public=True)
    schemas = generated["components"]["schemas"]
    assert set(schemas["TokenRefresh"]["properties"]) == {"access", "refresh"}
    assert "jwtAuth" in generated["components"]["securitySchemes"]
