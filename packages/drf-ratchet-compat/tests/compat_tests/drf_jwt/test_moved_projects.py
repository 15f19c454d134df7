"""Faults that projects met after the move from drf-jwt, each in the shape of that project."""

import time
from itertools import pairwise, permutations
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from drf_ratchet.sessions import active_sessions, fingerprint, open_session
from drf_ratchet_compat.drf_jwt.utils import (
    jwt_create_payload,
    jwt_decode_token,
    jwt_encode_payload,
)
from tests.fixtures import PASSWORD, payload
from tests.sizes import sized

pytestmark = pytest.mark.any_database

SECRET = "a secret that is long enough for HS256"
RSA = rsa.generate_private_key(65537, 2048)


def sign_in(api: APIClient) -> str:
    answer = api.post("/api-token-auth/", {"username": "alice", "password": PASSWORD})
    token: str = answer.json()["token"]
    return token


def use(api: APIClient, token: str) -> int:
    return int(api.get("/whoami/", HTTP_AUTHORIZATION=f"JWT {token}").status_code)


def refresh(api: APIClient, token: str) -> Any:
    return api.post("/api-token-refresh/", {"token": token})


@pytest.mark.parametrize(
    "keys",
    [
        {"JWT_SECRET_KEY": SECRET * 2},
        {"JWT_SECRET_KEY": {"k1": SECRET * 2, "k2": SECRET}},
        # Long enough for HS256 only, and for none: the key derived from SECRET_KEY signs then.
        {"JWT_SECRET_KEY": SECRET},
        {"JWT_SECRET_KEY": [SECRET, "short"]},
        {"JWT_SECRET_KEY": "short"},
        {},
    ],
)
@pytest.mark.usefixtures("alice")
@pytest.mark.full
def test_reordered_algorithms_keep_every_live_token(
    api: APIClient, settings: Any, keys: dict[str, Any]
) -> None:
    keys = {**keys, "JWT_PRIVATE_KEY": RSA, "JWT_PUBLIC_KEY": RSA.public_key()}
    orders = list(permutations(["HS256", "HS512", "PS256", "RS256"]))[:: sized(5, 11)]
    tokens = []
    for order in orders:
        settings.JWT_AUTH = {**keys, "JWT_ALGORITHM": list(order)}
        tokens.append(sign_in(api))
        if not order[0].startswith("HS"):  # those depend on the length of the secret
            assert jwt.get_unverified_header(tokens[-1])["alg"] == order[0]
    for order in orders:
        settings.JWT_AUTH = {**keys, "JWT_ALGORITHM": list(order)}
        assert [use(api, token) for token in tokens] == [200] * len(orders), order


@pytest.mark.usefixtures("alice")
def test_first_algorithm_signs_with_the_first_key(api: APIClient, settings: Any) -> None:
    keys = {"k1": SECRET * 2, "k2": SECRET * 3}
    for alg, other in (("HS256", "HS512"), ("HS512", "HS256")):
        settings.JWT_AUTH = {"JWT_SECRET_KEY": keys, "JWT_ALGORITHM": [alg, other]}
        token = sign_in(api)
        assert jwt.get_unverified_header(token)["alg"] == alg
        assert jwt.get_unverified_header(token)["kid"].startswith("k1")
        unchecked = {"verify_aud": False}
        assert jwt.decode(token, keys["k1"], algorithms=[alg], options=unchecked)


@pytest.mark.parametrize("alg", ["HS256", "RS256"])
@pytest.mark.usefixtures("alice")
def test_key_that_gets_a_name_keeps_its_tokens(api: APIClient, settings: Any, alg: str) -> None:
    name, key = ("JWT_SECRET_KEY", SECRET) if alg == "HS256" else ("JWT_PRIVATE_KEY", RSA)
    settings.JWT_AUTH = {name: key, "JWT_ALGORITHM": alg}
    token = sign_in(api)
    settings.JWT_AUTH = {name: {"k1": key}, "JWT_ALGORITHM": alg}
    assert use(api, token) == 200
    assert jwt.get_unverified_header(sign_in(api))["kid"] == "k1"


def key_of(user: User) -> str:
    """A key that the project keeps with its users, and changes to sign one of them out."""
    return f"{user.last_name} {SECRET}"


def key_or_nothing(user: User) -> Any:
    return user.last_name or None


class TestKeyPerUser:
    @pytest.fixture(autouse=True)
    def _keys(self, settings: Any, alice: User) -> None:
        User.objects.filter(pk=alice.pk).update(last_name="first")
        alice.refresh_from_db()
        settings.JWT_AUTH = {"JWT_GET_USER_SECRET_KEY": key_of}

    def test_changed_key_ends_the_users_sessions(self, api: APIClient, alice: User) -> None:
        bob = User.objects.create_user("bob", password=PASSWORD)
        other = jwt_encode_payload(jwt_create_payload(bob))
        token, native = sign_in(api), open_session(alice)
        assert use(api, token) == 200

        alice.last_name = "second"
        alice.save()

        assert use(api, token) == 401
        assert refresh(api, token).status_code == 400
        assert not active_sessions(alice).exists()
        assert Session.objects.get(pk=native.session.pk).ended_at
        assert use(api, other) == 200
        assert use(api, sign_in(api)) == 200

    def test_also_where_only_that_field_is_saved(self, api: APIClient, alice: User) -> None:
        sign_in(api)
        alice.last_name = "second"
        alice.save(update_fields=["last_name"])
        assert not active_sessions(alice).exists()

    def test_also_where_no_signal_tells(self, api: APIClient, alice: User) -> None:
        token = sign_in(api)
        User.objects.filter(pk=alice.pk).update(last_name="second")
        assert use(api, token) == 401
        assert refresh(api, token).status_code == 400

    def test_refreshed_session_stays_with_the_same_key(self, api: APIClient) -> None:
        token = sign_in(api)
        for _ in range(3):
            token = refresh(api, token).json()["token"]
        assert use(api, token) == 200

    def test_line_taken_out_or_put_in_signs_nobody_out(
        self, api: APIClient, settings: Any, alice: User
    ) -> None:
        with_key = sign_in(api)
        settings.JWT_AUTH = {}
        without = sign_in(api)
        assert use(api, with_key) == use(api, without) == 200
        settings.JWT_AUTH = {"JWT_GET_USER_SECRET_KEY": key_of}
        without = refresh(api, without).json()["token"]
        assert use(api, with_key) == use(api, without) == 200
        User.objects.filter(pk=alice.pk).update(last_name="second")
        assert use(api, without) == 401

    def test_key_that_is_deleted(self, api: APIClient, settings: Any, alice: User) -> None:
        settings.JWT_AUTH = {"JWT_GET_USER_SECRET_KEY": key_or_nothing}
        token = sign_in(api)
        assert use(api, token) == 200
        User.objects.filter(pk=alice.pk).update(last_name="")
        assert use(api, token) == 401

    def test_new_password_still_ends_them(self, api: APIClient, alice: User) -> None:
        token = sign_in(api)
        alice.set_password("another one")
        alice.save()
        assert use(api, token) == 401

    def test_two_fingerprints_fit_the_column(self, alice: User) -> None:
        one = fingerprint.fingerprint_of(alice)
        column: Any = Session._meta.get_field("fingerprint")
        assert "." in one
        assert len(fingerprint.join_fingerprints(one, one)) <= column.max_length


MIDNIGHT = int(time.time()) // 86400 * 86400 + 2 * 86400


def until_midnight(user: User) -> dict[str, Any]:
    """Everybody signs in once a day. The token also says when the account was made."""
    return {"username": user.username, "exp": MIDNIGHT, "iat": 1_500_000_000}


def without_iat(user: User) -> dict[str, Any]:
    return {"username": user.username, "exp": MIDNIGHT}


def from_tomorrow(user: User) -> dict[str, Any]:
    return {"username": user.username, "exp": MIDNIGHT, "iat": MIDNIGHT - 10}


def for_the_shop(user: User) -> dict[str, Any]:
    return {**jwt_create_payload(user), "aud": "shop"}


def for_several(user: User) -> dict[str, Any]:
    return {**jwt_create_payload(user), "aud": ["shop", "stock"]}


class TestPayloadsOwnClaims:
    @pytest.mark.parametrize("handler", [until_midnight, without_iat])
    def test_exp_is_when_the_token_expires(
        self, api: APIClient, settings: Any, alice: User, handler: Any
    ) -> None:
        settings.JWT_AUTH = {"JWT_PAYLOAD_HANDLER": handler}
        token = sign_in(api)
        assert payload(token)["exp"] == MIDNIGHT
        assert use(api, token) == 200
        assert active_sessions(alice).get().expires_at.timestamp() - MIDNIGHT < 60

    def test_iat_is_what_the_payload_says(self, api: APIClient, settings: Any, alice: User) -> None:
        settings.JWT_AUTH = {"JWT_PAYLOAD_HANDLER": until_midnight}
        assert payload(sign_in(api))["iat"] == 1_500_000_000

    @pytest.mark.usefixtures("alice")
    def test_iat_is_never_in_the_future(self, api: APIClient, settings: Any) -> None:
        settings.JWT_AUTH = {"JWT_PAYLOAD_HANDLER": from_tomorrow}
        token = sign_in(api)
        assert payload(token)["iat"] <= time.time() + 1
        assert use(api, token) == 200

    def test_expired_payload_makes_an_expired_token(self, api: APIClient, alice: User) -> None:
        """A project's own tests make such tokens by hand."""
        token = jwt_encode_payload({**jwt_create_payload(alice), "iat": 0, "exp": 1})
        assert payload(token)["exp"] == 1
        answer = api.get("/whoami/", HTTP_AUTHORIZATION=f"JWT {token}")
        assert (answer.status_code, answer.json()) == (401, {"detail": "Token has expired."})
        assert refresh(api, token).json() == {"non_field_errors": ["Token has expired."]}
        assert not Session.objects.exists()

    def test_decoded_payload_makes_the_same_times(self, alice: User) -> None:
        first = jwt_decode_token(jwt_encode_payload(jwt_create_payload(alice)))
        again = payload(jwt_encode_payload(first))
        assert (again["exp"], again["iat"]) == (first["exp"], first["iat"])

    def test_old_sign_in_cannot_be_refreshed(self, api: APIClient, alice: User) -> None:
        token = jwt_encode_payload({**jwt_create_payload(alice), "orig_iat": 0})
        assert refresh(api, token).json() == {"non_field_errors": ["Refresh has expired."]}

    @pytest.mark.usefixtures("alice")
    def test_aud_of_another_service_is_kept_and_refused_here(
        self, api: APIClient, settings: Any
    ) -> None:
        """As PyJWT does: a token with an audience, and a service that names none."""
        settings.JWT_AUTH = {"JWT_PAYLOAD_HANDLER": for_the_shop}
        token = sign_in(api)
        assert payload(token)["aud"] == "shop"
        assert use(api, token) == 401

    @pytest.mark.parametrize(("handler", "aud"), [(for_the_shop, "shop"), (for_several, None)])
    @pytest.mark.usefixtures("alice")
    def test_aud_among_ours(self, api: APIClient, settings: Any, handler: Any, aud: Any) -> None:
        settings.JWT_AUTH = {"JWT_PAYLOAD_HANDLER": handler, "JWT_AUDIENCE": ["shop", "desk"]}
        token = sign_in(api)
        assert payload(token)["aud"] == (aud or ["shop", "stock"])
        assert use(api, token) == 200
        token = refresh(api, token).json()["token"]
        assert payload(token)["aud"] == (aud or ["shop", "stock"])

    @pytest.mark.usefixtures("alice")
    def test_what_drf_ratchet_says_itself_replaces_the_default(
        self, api: APIClient, settings: Any
    ) -> None:
        settings.JWT_AUTH = {"JWT_AUDIENCE": "theirs"}
        settings.DRF_RATCHET = {"AUDIENCE": "ours"}
        assert payload(sign_in(api))["aud"] == "ours"

    @pytest.mark.usefixtures("alice")
    def test_aud_that_is_none(self, api: APIClient, settings: Any) -> None:
        settings.JWT_AUTH = {"JWT_PAYLOAD_HANDLER": lambda user: {"username": "alice", "aud": 5}}
        with pytest.raises(ImproperlyConfigured, match="'aud'"):
            sign_in(api)
        assert not Session.objects.exists()

    def test_tokens_of_one_second_differ(self, alice: User) -> None:
        tokens = [jwt_encode_payload(jwt_create_payload(alice)) for _ in range(3)]
        assert all(one != other for one, other in pairwise(tokens))
