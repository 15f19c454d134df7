"""Every cell of the table "who looks at a token" in docs/migrating.md."""

from typing import Any

import jwt
import pytest
from django.test import override_settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, UntypedToken

from compat_tests.simplejwt.calls import (
    Pair,
    past_grace,
    refresh,
    refused,
    signed_in,
    verify,
)
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_session
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.signals import reuse_detected, session_ended

Kept: Any = OutstandingToken
Blacklisted: Any = BlacklistedToken


@pytest.fixture
def newer(client: APIClient, pair: Pair) -> Pair:
    """The pair of the next generation."""
    return refresh(client, pair.refresh)


@pytest.fixture
def newest(client: APIClient, newer: Pair) -> Pair:
    """The pair of the generation after that; the first token is used up."""
    return refresh(client, newer.refresh)


@pytest.fixture
def heard() -> Any:
    signals: list[str] = []

    def hear(signal: Any, **kwargs: Any) -> None:
        signals.append("reused" if signal is reuse_detected else "ended")

    for signal in (reuse_detected, session_ended):
        signal.connect(hear)
    yield signals
    for signal in (reuse_detected, session_ended):
        signal.disconnect(hear)


class TestRefreshSerializer:
    def test_the_current_token_rotates(self, client: APIClient, pair: Pair) -> None:
        newer = refresh(client, pair.refresh)

        assert newer.refresh != pair.refresh
        assert newer.payload["jti"] != pair.payload["jti"]
        assert newer.session.generation == 2
        assert signed_in(client, newer.access)
        assert Kept.objects.count() == 1
        assert Blacklisted.objects.count() == 0

    def test_the_previous_token_repeats_within_grace(
        self, client: APIClient, pair: Pair, newer: Pair
    ) -> None:
        assert refresh(client, pair.refresh).refresh == newer.refresh

    def test_the_previous_token_repeats_with_its_key(self, client: APIClient, pair: Pair) -> None:
        newer = refresh(client, pair.refresh, **{"Idempotency-Key": "a"})
        past_grace()

        again = refresh(client, pair.refresh, **{"Idempotency-Key": "a"})
        assert again.payload["jti"] == newer.payload["jti"]

    def test_a_used_token_ends_the_session(
        self, client: APIClient, pair: Pair, newest: Pair, heard: list[str]
    ) -> None:
        assert refused(client, pair.refresh)
        assert newest.session.end_reason == EndReason.REUSE
        assert sorted(heard) == ["ended", "reused"]
        assert refused(client, newest.refresh)
        assert not signed_in(client, newest.access)

    def test_the_previous_token_past_grace_ends_the_session(
        self, client: APIClient, pair: Pair, newer: Pair
    ) -> None:
        past_grace()
        assert refused(client, pair.refresh)
        assert newer.session.end_reason == EndReason.REUSE

    def test_a_token_of_an_ended_session_is_refused(self, client: APIClient, pair: Pair) -> None:
        end_session(pair.session)
        assert refused(client, pair.refresh)

    def test_a_subclass_that_calls_super_rotates(self, client: APIClient, pair: Pair) -> None:
        answer = client.post("/subclass/", {"refresh": pair.refresh})
        assert answer.data["name"] == "added"
        assert pair.session.generation == 2


class TestRefreshTokenByHand:
    def test_the_current_and_the_previous_token_are_valid(self, pair: Pair, newer: Pair) -> None:
        RefreshToken(newer.refresh)
        RefreshToken(pair.refresh)

    def test_a_used_token_is_refused_and_ends_nothing(self, pair: Pair, newest: Pair) -> None:
        with pytest.raises(TokenError, match="blacklisted"):
            RefreshToken(pair.refresh)
        assert newest.session.ended_at is None

    def test_a_token_of_an_ended_session_is_refused(self, pair: Pair) -> None:
        end_session(pair.session)
        with pytest.raises(TokenError, match="blacklisted"):
            RefreshToken(pair.refresh)


class TestLogout:
    @pytest.mark.parametrize("path", ["/token/blacklist/", "/logout/", "/logout/plain/"])
    @pytest.mark.parametrize("which", ["current", "previous"])
    def test_a_valid_token_ends_the_session(
        self, path: str, which: str, client: APIClient, pair: Pair, newer: Pair
    ) -> None:
        token = newer if which == "current" else pair
        answer = client.post(path, {"refresh": token.refresh})

        assert answer.status_code in (200, 205)
        assert newer.session.end_reason == EndReason.LOGOUT
        assert not signed_in(client, newer.access)
        assert refused(client, newer.refresh)
        assert Blacklisted.objects.count() == 1

    def test_a_used_token_ends_the_session_at_the_endpoint(
        self, client: APIClient, pair: Pair, newest: Pair
    ) -> None:
        assert client.post("/token/blacklist/", {"refresh": pair.refresh}).status_code == 200
        assert newest.session.end_reason == EndReason.LOGOUT

    def test_another_token_of_an_ended_session_is_accepted(
        self, client: APIClient, pair: Pair, newer: Pair
    ) -> None:
        client.post("/token/blacklist/", {"refresh": newer.refresh})
        assert client.post("/token/blacklist/", {"refresh": pair.refresh}).status_code == 200

    def test_the_same_token_twice_is_refused_as_there(self, client: APIClient, pair: Pair) -> None:
        client.post("/token/blacklist/", {"refresh": pair.refresh})
        assert refused(client, pair.refresh, "/token/blacklist/")

    def test_a_token_object_that_was_just_issued_ends_its_session(self, alice: Any) -> None:
        token: Any = RefreshToken.for_user(alice)
        _, created = token.blacklist()
        assert created
        assert Session.objects.get().ended_at is not None

    def test_a_forged_token_ends_nothing(self, client: APIClient, pair: Pair) -> None:
        text = jwt.encode(pair.payload, "another key, of somebody else, of full length", "HS256")
        token: Any = RefreshToken(text, verify=False)  # type: ignore[arg-type]
        token.blacklist()

        assert pair.session.ended_at is None
        assert signed_in(client, pair.access)


class TestVerify:
    def test_the_current_and_the_previous_token_are_valid(
        self, client: APIClient, pair: Pair, newer: Pair
    ) -> None:
        for token in (pair.refresh, newer.refresh, pair.access, newer.access):
            assert verify(client, token).status_code == 200
            UntypedToken(token)  # type: ignore[arg-type]

    def test_a_used_token_is_refused(self, client: APIClient, pair: Pair, newest: Pair) -> None:
        assert verify(client, pair.refresh).status_code == 400
        assert verify(client, pair.access).status_code == 200
        with pytest.raises(TokenError):
            UntypedToken(pair.refresh)  # type: ignore[arg-type]
        assert newest.session.ended_at is None

    def test_tokens_of_an_ended_session_are_refused(self, client: APIClient, pair: Pair) -> None:
        end_session(pair.session)
        for token in (pair.refresh, pair.access):
            assert verify(client, token).status_code == 400
            with pytest.raises(TokenError):
                UntypedToken(token)  # type: ignore[arg-type]


class TestAccessToken:
    @pytest.mark.parametrize(
        ("freshness", "counts"), [("immediate", True), ("bounded", True), ("expiry", False)]
    )
    def test_an_ended_session_counts_by_freshness(
        self, freshness: str, counts: bool, client: APIClient, pair: Pair
    ) -> None:
        with override_settings(DRF_RATCHET={"FRESHNESS": freshness}):
            assert signed_in(client, pair.access)
            end_session(pair.session)
            with override_settings(DRF_RATCHET={"FRESHNESS": freshness}):  # a feed read anew
                assert signed_in(client, pair.access) is not counts
                if counts:
                    with pytest.raises(TokenError):
                        AccessToken(pair.access)  # type: ignore[arg-type]

    def test_one_of_an_old_generation_is_valid(
        self, client: APIClient, pair: Pair, newest: Pair
    ) -> None:
        assert signed_in(client, pair.access)

    def test_a_project_may_have_claims_of_our_names(self, client: APIClient, alice: Any) -> None:
        token = RefreshToken.for_user(alice)
        for name in ("sid", "gen", "amr"):
            token[name] = "of the project"
        newer = refresh(client, str(token))
        assert newer.payload["sid"] == "of the project"
        assert signed_in(client, newer.access)


class TestRotationInAProject:
    @pytest.mark.parametrize("path", ["/rotate/", "/rotate/split/"])
    def test_a_copied_rotation_rotates(self, path: str, client: APIClient, pair: Pair) -> None:
        newer = refresh(client, pair.refresh, path)

        assert newer.session.generation == 2
        assert newer.session.ended_at is None
        assert signed_in(client, newer.access)
        assert refresh(client, pair.refresh, path).payload["jti"] == newer.payload["jti"]
        newest = refresh(client, newer.refresh, path)
        assert refused_by_hand(client, pair.refresh, path)
        assert newest.session.ended_at is None
        assert Blacklisted.objects.count() == 0

    def test_a_replaced_token_ends_its_session(self, client: APIClient, pair: Pair) -> None:
        newer = refresh(client, pair.refresh, "/replace/")
        assert newer.session.pk != pair.session.pk
        assert pair.session.ended_at is not None
        assert signed_in(client, newer.access)

    def test_a_rotation_outside_of_a_request_goes_on_in_a_new_session(self, pair: Pair) -> None:
        token: Any = RefreshToken(pair.refresh)  # type: ignore[arg-type]
        token.blacklist()
        token.set_jti()
        token.set_exp()
        again = RefreshToken(str(token))  # type: ignore[arg-type]
        assert again.payload["user_id"] == pair.payload["user_id"]
        assert pair.session.ended_at is not None


def refused_by_hand(client: APIClient, token: str, path: str) -> bool:
    """Check that a project's view gets simplejwt's error for the token."""
    with pytest.raises(TokenError, match="blacklisted"):
        client.post(path, {"refresh": token})
    return True


class TestRevokeAll:
    """Rows that others write into simplejwt's blacklist."""

    @pytest.mark.parametrize("rotations", [0, 1, 3])
    @pytest.mark.parametrize("how", ["bulk", "get_or_create"])
    def test_it_ends_a_session_after_rotations(
        self, how: str, rotations: int, client: APIClient, pair: Pair, alice: Any
    ) -> None:
        last = pair
        for _ in range(rotations):
            last = refresh(client, last.refresh)
        past_grace()
        living = Kept.objects.filter(user=alice, blacklistedtoken__isnull=True)
        if how == "bulk":
            Blacklisted.objects.bulk_create(Blacklisted(token=token) for token in living)
        else:
            for token in living:
                Blacklisted.objects.get_or_create(token=token)
            assert not signed_in(client, last.access)  # a signal ends it at once

        with pytest.raises(TokenError):
            RefreshToken(last.refresh)  # type: ignore[arg-type]
        assert refused(client, last.refresh)
        if rotations or how != "bulk":
            assert last.session.end_reason == EndReason.REVOKED

    def test_a_forged_row_ends_nothing(self, client: APIClient, pair: Pair) -> None:
        forged: Any = RefreshToken()
        forged.payload.update(pair.payload, jti="of-somebody-else")
        row = Kept.objects.create(
            jti="of-somebody-else", token=str(forged), expires_at=Kept.objects.get().expires_at
        )
        Blacklisted.objects.create(token=row)
        assert pair.session.ended_at is None

    def test_the_row_of_a_living_session_is_not_flushed(
        self, client: APIClient, pair: Pair
    ) -> None:
        newer = refresh(client, pair.refresh)
        assert Kept.objects.get().expires_at >= newer.session.expires_at


def test_a_device_can_be_listed_and_ended(client: APIClient, alice: Any) -> None:
    client.post(
        "/token/",
        {"username": "alice", "password": "ratchet-demo-1"},
        headers={"user-agent": "A browser"},
    )
    session = Session.objects.get()
    assert (session.user_agent, session.ip) == ("A browser", "127.0.0.1")
    assert session.user == alice
