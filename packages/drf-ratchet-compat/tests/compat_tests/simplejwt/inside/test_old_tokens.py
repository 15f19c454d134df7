"""Tokens that plain simplejwt made: before the line, and in processes without it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, UntypedToken

from compat_tests.simplejwt.calls import (
    Pair,
    past_grace,
    plain_token,
    refresh,
    refused,
    signed_in,
)
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_session
from drf_ratchet.sessions.end_reasons import EndReason

Kept: Any = OutstandingToken
Blacklisted: Any = BlacklistedToken


@pytest.fixture
def old(alice: Any) -> RefreshToken:
    """A refresh token from before the line."""
    return plain_token(alice)


def test_a_living_token_becomes_a_session(client: APIClient, old: RefreshToken, alice: Any) -> None:
    assert signed_in(client, str(old.access_token))
    newer = refresh(client, str(old))

    session = Session.objects.get()
    assert newer.session == session
    assert (session.user, session.generation) == (alice, 1)
    assert refresh(client, newer.refresh).session == session
    assert Kept.objects.count() == 2  # its own, and one for all that follow


@pytest.mark.parametrize("how", ["logout", "device"])
def test_the_access_token_of_the_first_refresh_is_of_the_session(
    client: APIClient, old: RefreshToken, how: str
) -> None:
    """simplejwt signs it before it rotates the refresh token."""
    newer = refresh(client, str(old))
    again = refresh(client, str(old))
    assert signed_in(client, newer.access)
    if how == "logout":
        client.post("/logout/", {"refresh": newer.refresh})
    else:
        end_session(newer.session)
    assert not signed_in(client, newer.access)
    assert not signed_in(client, again.access)


def test_the_same_token_again_repeats(client: APIClient, old: RefreshToken) -> None:
    first = refresh(client, str(old))
    assert refresh(client, str(old)).refresh == first.refresh


def test_a_used_token_ends_the_session(client: APIClient, old: RefreshToken) -> None:
    newer = refresh(client, str(old))
    past_grace()
    with pytest.raises(TokenError):
        RefreshToken(str(old))  # type: ignore[arg-type]
    with pytest.raises(TokenError):
        UntypedToken(str(old))  # type: ignore[arg-type]
    assert newer.session.ended_at is None
    assert refused(client, str(old))
    assert newer.session.end_reason == EndReason.REUSE
    assert refused(client, newer.refresh)


def test_a_revoked_token_is_refused(client: APIClient, old: RefreshToken) -> None:
    Blacklisted.objects.create(token=Kept.objects.get())
    assert refused(client, str(old))
    assert not Session.objects.exists()


def test_an_expired_token_is_refused(client: APIClient, alice: Any) -> None:
    old = plain_token(alice, exp=datetime.now(UTC) - timedelta(seconds=1))
    answer = client.post("/token/refresh/", {"refresh": str(old)})
    assert (answer.status_code, answer.data["detail"]) == (401, "Token is expired")


def test_revoking_all_rows_ends_the_session(client: APIClient, old: RefreshToken) -> None:
    newer = refresh(client, refresh(client, str(old)).refresh)
    past_grace()
    Blacklisted.objects.bulk_create(Blacklisted(token=token) for token in Kept.objects.all())
    assert refused(client, newer.refresh)
    assert newer.session.end_reason == EndReason.REVOKED


def test_revoking_the_row_of_the_old_token_ends_its_session(
    client: APIClient, old: RefreshToken
) -> None:
    row = Kept.objects.get()
    newer = refresh(client, refresh(client, str(old)).refresh)
    Blacklisted.objects.create(token=row)
    assert newer.session.end_reason == EndReason.REVOKED
    assert refused(client, newer.refresh)


@pytest.mark.parametrize("claims", [{"iat": "x"}, {"iat": 1e300}, {"exp": None}, {"user_id": {}}])
def test_the_row_of_a_strange_token_can_be_revoked(alice: Any, claims: dict[str, Any]) -> None:
    plain_token(alice, **claims)
    Blacklisted.objects.create(token=Kept.objects.get())


@pytest.mark.parametrize("path", ["/logout/", "/token/blacklist/"])
def test_a_logout_with_an_old_token(path: str, client: APIClient, old: RefreshToken) -> None:
    client.post(path, {"refresh": str(old)})
    assert refused(client, str(old))


def test_a_logout_with_a_newer_token_refuses_the_old_one(
    client: APIClient, old: RefreshToken
) -> None:
    newer = refresh(client, str(old))
    client.post("/logout/", {"refresh": newer.refresh})
    assert refused(client, str(old))


def test_a_token_without_a_user_rotates_as_there(client: APIClient, db: None) -> None:
    token: Any = RefreshToken()
    newer = refresh(client, str(token))
    assert refused(client, str(token))
    assert refresh(client, newer.refresh)
    assert not Session.objects.exists()


def test_a_token_of_a_deleted_user_is_no_server_error_by_hand(
    client: APIClient, old: RefreshToken, alice: Any
) -> None:
    alice.delete()
    newer = refresh(client, str(old), "/rotate/")
    assert refused(client, str(old))
    assert "drf_ratchet" not in newer.payload


class TestBesideAProcessWithoutTheLine:
    """It rotates our tokens: the claims stay, the jti is another."""

    def rotated(self, pair: Pair, alice: Any) -> str:
        """Rotate a token as plain simplejwt does."""
        Blacklisted.objects.create(
            token=Kept.objects.get_or_create(
                jti=pair.payload["jti"],
                defaults={
                    "token": pair.refresh,
                    "expires_at": datetime.now(UTC) + timedelta(days=7),
                },
            )[0]
        )
        claims = {name: pair.payload[name] for name in ("drf_ratchet",)}
        return str(plain_token(alice, **claims))

    @pytest.fixture
    def marks(self, bridge: Callable[..., None]) -> None:
        bridge(PHASE="mark")

    def test_its_token_goes_on(
        self, client: APIClient, marks: None, pair: Pair, alice: Any, bridge: Callable[..., None]
    ) -> None:
        theirs = self.rotated(pair, alice)
        bridge(PHASE="enforce")
        newer = refresh(client, theirs)
        assert refresh(client, theirs).refresh == newer.refresh
        assert newer.session.pk != pair.session.pk
        # Its access tokens go on too; in the list of devices it is about to disappear.
        assert signed_in(client, pair.access)
        soon = datetime.now(UTC) + timedelta(minutes=7)
        assert pair.session.expires_at < soon < newer.session.expires_at
        assert refused(client, pair.refresh)

    def test_siblings_of_a_fork_both_go_on(
        self, client: APIClient, marks: None, pair: Pair, alice: Any, bridge: Callable[..., None]
    ) -> None:
        claims = {"drf_ratchet": pair.payload["drf_ratchet"]}
        one, other = (str(plain_token(alice, **claims)) for _ in range(2))
        bridge(PHASE="enforce")
        refresh(client, refresh(client, one).refresh)
        past_grace()
        refresh(client, refresh(client, other).refresh)

    def test_its_token_is_refused_once_the_session_has_ended(
        self, client: APIClient, marks: None, pair: Pair, alice: Any, bridge: Callable[..., None]
    ) -> None:
        theirs = self.rotated(pair, alice)
        bridge(PHASE="enforce")
        end_session(pair.session)
        assert refused(client, theirs)
        with pytest.raises(TokenError):
            AccessToken(pair.access)  # type: ignore[arg-type]
