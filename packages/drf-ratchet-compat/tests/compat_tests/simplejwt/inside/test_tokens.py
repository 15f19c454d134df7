"""simplejwt's token classes, as projects use them."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import override_settings
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session, refresh_session
from drf_ratchet_compat.simplejwt.backends import TokenBackend
from drf_ratchet_compat.simplejwt.exceptions import (
    ExpiredTokenError,
    TokenBackendError,
    TokenBackendExpiredToken,
    TokenError,
)
from drf_ratchet_compat.simplejwt.models import TokenUser
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.state import token_backend
from drf_ratchet_compat.simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from drf_ratchet_compat.simplejwt.tokens import (
    AccessToken,
    RefreshToken,
    SlidingToken,
    Token,
    UntypedToken,
)
from tests.fixtures import PASSWORD, payload


class EmailToken(AccessToken):
    token_type = "email"
    lifetime = timedelta(hours=1)


class LongRefreshToken(RefreshToken):
    lifetime = timedelta(days=90)


class Encoder(json.JSONEncoder):
    def default(self, o: Any) -> Any:
        return str(o) if isinstance(o, Decimal) else super().default(o)


def test_claims_are_items(alice: User) -> None:
    token = RefreshToken.for_user(alice)
    token["role"] = "admin"
    assert ("role" in token, token["role"], token.get("x", 1)) == (True, "admin", 1)
    assert token["user_id"] == str(alice.pk)
    read = RefreshToken(str(token))
    assert read["role"] == "admin"
    assert (read["jti"], read["exp"]) == (token["jti"], token["exp"])
    access = AccessToken(str(read.access_token))
    assert (access["role"], access["token_type"]) == ("admin", "access")
    del token["role"]
    assert "role" not in token
    assert "role" not in RefreshToken(str(token))


def test_a_session_is_opened_when_it_is_needed(alice: User) -> None:
    token = RefreshToken.for_user(alice)
    assert not Session.objects.exists()
    both = str(token), str(token.access_token)
    assert Session.objects.count() == 1
    assert str(Session.objects.get().pk).replace("-", "") == token["jti"]
    assert all(alice.get_username() not in text for text in (repr(token), *both))


def test_by_the_claim_alone(alice: User) -> None:
    token = RefreshToken()
    token["user_id"] = alice.pk
    assert RefreshToken(str(token))["sub"] == str(alice.pk)


def test_an_access_token_by_itself(api: APIClient, alice: User) -> None:
    token = AccessToken.for_user(alice)
    token.set_exp(lifetime=timedelta(days=300))
    answer = api.get("/protected/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.status_code == 200
    assert Session.objects.get().expires_at > datetime.now(UTC) + timedelta(days=299)


def test_remember_me(alice: User) -> None:
    token = RefreshToken.for_user(alice)
    token.set_exp(lifetime=timedelta(days=60))
    assert RefreshToken(str(token))["exp"] == pytest.approx(time.time() + 60 * 86400, abs=5)
    token.set_exp(lifetime=timedelta(days=2))  # and changed once more, when it is a session already
    assert RefreshToken(str(token))["exp"] == pytest.approx(time.time() + 2 * 86400, abs=5)
    assert Session.objects.get().expires_at < datetime.now(UTC) + timedelta(days=3)


def test_a_class_with_a_lifetime_of_its_own(alice: User) -> None:
    assert LongRefreshToken(str(LongRefreshToken.for_user(alice)))["exp"] > time.time() + 89 * 86400


@pytest.mark.parametrize("kind", [RefreshToken, AccessToken, SlidingToken])
def test_expired(alice: User, kind: Any) -> None:
    token = kind.for_user(alice)
    token.set_exp(lifetime=-timedelta(minutes=1))
    with pytest.raises(ExpiredTokenError, match="Token is expired"):
        kind(str(token))
    with pytest.raises(TokenError, match="claim has expired"):
        token.check_exp()
    assert kind(str(token), verify=False)["user_id"] == str(alice.pk)


def test_check_exp(alice: User) -> None:
    token = RefreshToken.for_user(alice)
    token.check_exp()
    with pytest.raises(TokenError, match="Token has no 'other' claim"):
        token.check_exp("other")
    token["other"] = "x"
    with pytest.raises(TokenError, match="Token is invalid"):
        token.check_exp("other")
    with pytest.raises(TokenError, match="Token 'exp' claim has expired"):
        token.check_exp(current_time=token.current_time + timedelta(days=30))


def test_types(alice: User) -> None:
    refresh = RefreshToken.for_user(alice)
    texts = {
        RefreshToken: str(refresh),
        AccessToken: str(refresh.access_token),
        SlidingToken: str(SlidingToken.for_user(alice)),
        EmailToken: str(EmailToken.for_user(alice)),
    }
    for kind, text in texts.items():
        for other in texts:
            if other is kind:
                assert other(text)["token_type"] == kind.token_type
            else:
                with pytest.raises(TokenError, match="Token has wrong type"):
                    other(text)
        assert UntypedToken(text)["user_id"] == str(alice.pk)
    with pytest.raises(TokenError, match="no type or lifetime"):
        Token()


def test_a_kind_of_ones_own_has_no_session(api: APIClient, alice: User) -> None:
    token = EmailToken.for_user(alice)
    token["email"] = alice.email
    assert EmailToken(str(token))["email"] == alice.email
    assert not Session.objects.exists()
    answer = api.get("/protected/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.status_code == 401


def test_a_kind_of_ones_own_may_not_pass_for_ours(alice: User) -> None:
    class Fake(Token):
        token_type = "access"
        lifetime = timedelta(hours=1)

    with pytest.raises(ImproperlyConfigured, match="token_type 'access'"):
        str(Fake.for_user(alice))


@pytest.mark.parametrize("claim", ["iss", "aud", "nbf", "act", "cnf", "client_id"])
def test_claims_that_are_ours(alice: User, claim: str) -> None:
    token = RefreshToken.for_user(alice)
    token[claim] = "mine"
    with pytest.raises(ImproperlyConfigured, match=claim):
        str(token)
    assert not Session.objects.exists()


def test_claims_that_are_not_json(alice: User, settings: Any) -> None:
    token = RefreshToken.for_user(alice)
    token["price"] = Decimal("1.5")
    with pytest.raises(ImproperlyConfigured, match="make no token"):
        str(token)
    settings.SIMPLE_JWT = {"JSON_ENCODER": f"{__name__}.Encoder"}
    token = RefreshToken.for_user(alice)
    token["price"] = Decimal("1.5")
    assert RefreshToken(str(token))["price"] == "1.5"
    assert AccessToken(str(token.access_token))["price"] == "1.5"


def test_blacklist(alice: User) -> None:
    token = RefreshToken.for_user(alice)
    access = str(token.access_token)
    row, created = RefreshToken(str(token)).blacklist()
    assert created
    assert (row.token.jti, row.token.user) == (token["jti"], alice)
    with pytest.raises(TokenError, match="Token is blacklisted"):
        RefreshToken(str(RefreshToken(str(token), verify=False)))
    AccessToken(access)  # its signature is good; whether its session is alive is for views


@pytest.mark.django_db(transaction=True)
def test_blacklist_inside_a_transaction(api: APIClient, alice: User) -> None:
    token = RefreshToken.for_user(alice)
    text = str(token)
    with transaction.atomic():
        RefreshToken(text).blacklist()
        transaction.set_rollback(True)
    RefreshToken(text)
    with transaction.atomic():
        RefreshToken(text).blacklist()
    with pytest.raises(TokenError):
        RefreshToken(text)


def test_rotation_by_hand(api: APIClient, alice: User) -> None:
    """What simplejwt's own serializer does, copied into a project."""
    given = str(RefreshToken.for_user(alice))
    refresh = RefreshToken(given)
    access = str(refresh.access_token)
    refresh.blacklist()
    refresh.set_jti()
    refresh.set_exp()
    refresh.set_iat()
    refresh.outstand()
    new = str(refresh)
    with pytest.raises(TokenError):
        RefreshToken(given)
    assert RefreshToken(new)["user_id"] == str(alice.pk)
    assert Session.objects.filter(ended_at=None).count() == 1
    assert api.get("/protected/", HTTP_AUTHORIZATION=f"Bearer {access}").status_code == 401
    assert api.post("/token/refresh/", {"refresh": new}).status_code == 200


def test_tokens_of_our_own_endpoints(alice: User) -> None:
    grant = open_session(alice)
    read = RefreshToken(grant.refresh)
    assert read["jti"] == grant.session.pk.hex
    assert read.access_token["user_id"] == str(alice.pk)
    read.blacklist()
    assert BlacklistedToken.objects.count() == 1


def test_the_backend(alice: User) -> None:
    access = str(AccessToken.for_user(alice))
    assert token_backend.decode(access)["user_id"] == str(alice.pk)
    assert token_backend.decode(access.encode())["user_id"] == str(alice.pk)
    with pytest.raises(TokenBackendError):
        token_backend.decode(access[:-4] + "AAAA")
    assert token_backend.decode(access[:-4] + "AAAA", verify=False)["user_id"] == str(alice.pk)
    assert token_backend.decode(token_backend.encode({"token_type": "x", "exp": 2**33}))["exp"]
    with pytest.raises(TokenBackendError, match="has a session"):
        token_backend.encode({"token_type": "refresh"})
    assert TokenBackend("HS256").decode(access, verify=False)["user_id"] == str(alice.pk)


def test_a_backend_of_ones_own() -> None:
    backend = TokenBackend("HS256", "a secret, long enough: 0123456789abc", issuer="me", leeway=1)
    text = backend.encode({"exp": time.time() + 60})
    assert backend.decode(text)["iss"] == "me"
    with pytest.raises(TokenBackendExpiredToken):
        backend.decode(backend.encode({"exp": time.time() - 60}))
    with pytest.raises(TokenBackendError):
        TokenBackend("HS256", "another secret, 0123456789abcdefghijkl").decode(text)
    for unusable in ({"algorithm": "none"}, {"algorithm": "HS256", "jwk_url": "https://x/"}):
        with pytest.raises(TokenBackendError):
            TokenBackend(**unusable)


def test_token_user(alice: User) -> None:
    token = AccessToken.for_user(alice)
    token["role"] = "admin"
    user = TokenUser(AccessToken(str(token)))
    assert (user.pk, user.role, user.nothing) == (str(alice.pk), "admin", None)
    assert (user.is_staff, user.is_authenticated, user.is_anonymous) == (False, True, False)
    assert user == TokenUser(token)
    assert len({user, TokenUser(token)}) == 1
    assert (list(user.groups.all()), user.has_perm("x"), user.get_all_permissions()) == (
        [],
        False,
        set(),
    )
    with pytest.raises(NotImplementedError):
        user.save()


def test_the_lists(alice: User) -> None:
    first, second = RefreshToken.for_user(alice), RefreshToken.for_user(alice)
    texts = str(first), str(second)
    rows = OutstandingToken.objects.filter(user=alice)
    assert {row.jti for row in rows} == {first["jti"], second["jti"]}
    assert alice.outstandingtoken_set.count() == 2
    assert OutstandingToken.objects.get(jti=first["jti"]).user == alice
    assert not OutstandingToken.objects.filter(jti="somebody else's").exists()
    assert not BlacklistedToken.objects.exists()
    BlacklistedToken.objects.get_or_create(token=OutstandingToken.objects.get(jti=first["jti"]))
    assert BlacklistedToken.objects.filter(token__jti=first["jti"]).exists()
    assert BlacklistedToken.objects.filter(token__user=alice).count() == 1
    assert RefreshToken(rows.get(jti=second["jti"]).token)["jti"] == second["jti"]
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=row) for row in rows])
    for text in texts:
        with pytest.raises(TokenError):
            RefreshToken(text)
    with pytest.raises(NotImplementedError):
        OutstandingToken(jti=first["jti"]).save()
    with pytest.raises(NotImplementedError):
        BlacklistedToken.objects.first().delete()


def test_deleting_from_the_list_signs_out(alice: User) -> None:
    text = str(RefreshToken.for_user(alice))
    assert OutstandingToken.objects.filter(user=alice).delete()[0] == 1
    with pytest.raises(TokenError):
        RefreshToken(text)
    assert Session.objects.count() == 1


def test_the_admin(client: Any, alice: User) -> None:
    RefreshToken.for_user(alice).blacklist()
    text = str(RefreshToken.for_user(alice))
    client.force_login(User.objects.create_superuser("root"))
    for model in ("outstandingtoken", "blacklistedtoken"):
        page = client.get(f"/admin/ratchet_token_blacklist/{model}/")
        assert page.status_code == 200
        assert text not in page.content.decode()
        jti = Session.objects.exclude(ended_at=None).get().pk.hex
        page = client.get(f"/admin/ratchet_token_blacklist/{model}/{jti}/change/", follow=True)
        assert page.status_code == 200
        assert client.post(f"/admin/ratchet_token_blacklist/{model}/add/").status_code == 403


def test_deleting_a_user(alice: User) -> None:
    str(RefreshToken.for_user(alice))
    alice.delete()
    assert OutstandingToken.objects.get().user is None


def test_lifetimes_follow_the_settings() -> None:
    assert AccessToken.lifetime == timedelta(minutes=5)
    with override_settings(SIMPLE_JWT={"ACCESS_TOKEN_LIFETIME": timedelta(minutes=1)}):
        assert AccessToken.lifetime == api_settings.ACCESS_TOKEN_LIFETIME == timedelta(minutes=1)


def used_up(alice: User) -> str:
    """A refresh token whose session has turned twice since, an hour ago."""
    token = str(RefreshToken.for_user(alice))
    newest = refresh_session(refresh_session(token).refresh).refresh
    assert newest is not None
    Session.objects.update(rotated_at=datetime.now(UTC) - timedelta(hours=1))
    return token


def rotate_by_hand(token: RefreshToken) -> str:
    token.set_jti()
    token.set_exp()
    return str(token)


def prolong(token: RefreshToken) -> str:
    token.set_exp(lifetime=timedelta(days=99))
    return str(token)


@pytest.mark.parametrize("make", [lambda token: str(token.access_token), prolong, rotate_by_hand])
def test_a_used_token_makes_no_other(alice: User, make: Any) -> None:
    token = RefreshToken(used_up(alice))
    with pytest.raises(TokenError, match="Token is blacklisted"):
        make(token)
    assert Session.objects.get().end_reason == "reuse_detected"


def test_a_used_token_still_logs_out(alice: User) -> None:
    RefreshToken(used_up(alice)).blacklist()
    assert Session.objects.get().end_reason == "logout"


@pytest.mark.parametrize("freshness", ["immediate", "bounded", "expiry"])
@pytest.mark.parametrize("saved", [True, False])
def test_a_sliding_token_of_somebody_inactive(
    api: APIClient, alice: User, settings: Any, freshness: str, *, saved: bool
) -> None:
    settings.DRF_RATCHET = {"FRESHNESS": freshness}
    token = str(SlidingToken.for_user(alice))
    if saved:
        alice.is_active = False
        alice.save()
    else:
        User.objects.update(is_active=False)
    assert api.post("/token/sliding/refresh/", {"token": token}).status_code == 401


def test_verifying_what_ended_with_its_user(api: APIClient, alice: User) -> None:
    token = str(RefreshToken.for_user(alice))
    alice.is_active = False
    alice.save()
    assert api.post("/token/verify/", {"token": token}).status_code == 400


def test_kinds_without_a_claim_for_them(api: APIClient, alice: User, settings: Any) -> None:
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "TOKEN_TYPE_CLAIM": None}
    refresh = RefreshToken.for_user(alice)
    texts = {
        RefreshToken: str(refresh),
        AccessToken: str(refresh.access_token),
        SlidingToken: str(SlidingToken.for_user(alice)),
        EmailToken: str(EmailToken.for_user(alice)),
    }
    for kind, text in texts.items():
        kind(text)
        for other in set(texts) - {kind}:
            with pytest.raises(TokenError, match="Token has wrong type"):
                other(text)
    assert api.post("/token/refresh/", {"refresh": texts[AccessToken]}).status_code == 401


def test_rotation_by_hand_with_a_check_of_the_password(alice: User, settings: Any) -> None:
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "CHECK_REVOKE_TOKEN": True}
    RefreshToken(rotate_by_hand(RefreshToken(str(RefreshToken.for_user(alice)))))


def auth_time(token: object) -> int:
    return int(payload(str(token))["auth_time"])


def test_copied_rotation_proves_nothing(api: APIClient, alice: User) -> None:
    """The rotation that people copy out of simplejwt: its session is new, the proof is not."""
    first = RefreshToken.for_user(alice)
    proved = auth_time(first.access_token) - 3600
    Session.objects.update(auth_time=datetime.fromtimestamp(proved, tz=UTC))

    copied = RefreshToken(str(first))
    copied.blacklist()
    copied.set_jti()
    copied.set_exp()
    copied.set_iat()
    again = RefreshToken(str(copied))
    assert again["sid"] != RefreshToken(str(first), verify=False)["sid"]
    assert auth_time(again.access_token) == proved

    Session.objects.all().delete()
    again.set_jti()
    assert auth_time(again.access_token) == 0
    assert abs(auth_time(RefreshToken.for_user(alice).access_token) - time.time()) < 5


@pytest.mark.parametrize(
    "settings_of_ours", [{}, {"SIGN_IN_POLICY": lambda user, **_: user.username == "bob"}]
)
def test_the_rule_is_asked_by_our_own_endpoints(
    settings_of_ours: dict[str, Any], api: APIClient, alice: User
) -> None:
    rule = f"{__name__}.only_bob"
    right = {"username": "alice", "password": PASSWORD}
    theirs = {} if settings_of_ours else {"USER_AUTHENTICATION_RULE": rule}
    with override_settings(SIMPLE_JWT=theirs, DRF_RATCHET=settings_of_ours):
        assert api.post("/ours/token/", right).status_code == 401
        with pytest.raises(TokenError):
            str(RefreshToken.for_user(alice))
    assert not Session.objects.exists()


def only_bob(user: Any) -> bool:
    return user is not None and user.username == "bob"
