"""Tokens that the real drf-jwt issued go on working."""

import hmac
import json
import time
from base64 import urlsafe_b64encode as b64
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from rest_framework.test import APIClient

from compat_tests.drf_jwt.real import issue
from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions import end_all_sessions, end_sessions_before, open_session
from drf_ratchet_compat.drf_jwt.models import OldBlacklistedToken, _columns
from tests.fixtures import payload

SHORT = "a short one"
SECRET = "a secret of the old package that is long enough"


def use(api: APIClient, token: str) -> int:
    return int(api.get("/whoami/", HTTP_AUTHORIZATION=f"JWT {token}").status_code)


def refresh(api: APIClient, token: str) -> Any:
    return api.post("/api-token-refresh/", {"token": token})


def secret_of(user: User) -> str:
    return f"{user.pk} {SECRET}"


RSA = rsa.generate_private_key(65537, 2048)
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "SECRET_KEY": ({}, {}),
    "a short secret": ({"JWT_SECRET_KEY": SHORT}, {}),
    "a secret": ({"JWT_SECRET_KEY": SECRET}, {}),
    "HS512": ({"JWT_SECRET_KEY": SECRET * 2, "JWT_ALGORITHM": "HS512"}, {}),
    "named secrets": ({"JWT_SECRET_KEY": {"k1": SECRET, "k2": SHORT}}, {}),
    "a list of secrets": ({"JWT_SECRET_KEY": [SHORT, SECRET]}, {}),
    "RSA": (
        {
            "JWT_PRIVATE_KEY": RSA,
            "JWT_PUBLIC_KEY": RSA.public_key(),
            "JWT_ALGORITHM": "RS256",
        },
        {},
    ),
    "a user's own": ({"JWT_GET_USER_SECRET_KEY": secret_of}, {}),
    "issuer and audience": ({"JWT_ISSUER": "us", "JWT_AUDIENCE": "here"}, {}),
    "no ids": ({"JWT_TOKEN_ID": "off"}, {}),
    "a legacy key": ({"JWT_SECRET_KEY": SHORT}, {"JWT_LEGACY_KEYS": [SECRET, SHORT]}),
}


@pytest.mark.parametrize("way", WAYS)
def test_until_it_expires(api: APIClient, alice: User, settings: Any, way: str) -> None:
    there, here = WAYS[way]
    token = issue(alice, there)
    expired = issue(alice, there, exp=int(time.time()) - 60)
    settings.JWT_AUTH = {"JWT_SECRET_KEY": SECRET, **here} if here else there
    assert use(api, token) == 200
    assert use(api, expired) == 401
    assert not Session.objects.exists()  # looking at it makes none

    new = refresh(api, token)
    assert new.status_code == 201, new.content
    again = refresh(api, token)
    session = Session.objects.get()
    for answer in (new, again):
        assert payload(answer.json()["token"])["sid"] == str(session.pk)
        assert use(api, answer.json()["token"]) == 200
    assert payload(new.json()["token"])["orig_iat"] == payload(token)["orig_iat"]
    assert payload(new.json()["token"]).get("orig_jti") == payload(token).get("jti")
    assert (session.ends_at - session.created_at).total_seconds() == 7 * 86400 + 300
    assert use(api, token) == 200


@pytest.mark.parametrize(
    ("here", "signed_with"),
    [
        ({"JWT_LEGACY_KEYS": ()}, {}),
        ({"JWT_SECRET_KEY": "b" * 40}, {}),
        ({"JWT_SECRET_KEY": {"k9": SECRET}}, {"JWT_SECRET_KEY": {"k1": SECRET}}),
        ({"JWT_INSIST_ON_KID": True, "JWT_SECRET_KEY": {"k1": SECRET}}, {"JWT_SECRET_KEY": SECRET}),
        ({"JWT_ISSUER": "us"}, {}),
        ({"JWT_AUDIENCE": "us"}, {}),
        ({}, {"JWT_AUDIENCE": "them"}),
        ({}, {"JWT_ALGORITHM": "HS512"}),
        ({"JWT_TOKEN_ID": "require"}, {"JWT_TOKEN_ID": "off"}),
    ],
)
def test_not_with_other_keys_or_names(
    api: APIClient, alice: User, settings: Any, here: Any, signed_with: Any
) -> None:
    token = issue(alice, signed_with)
    settings.JWT_AUTH = here
    assert refresh(api, token).status_code == 400
    assert not Session.objects.exists()


def test_a_public_key_is_no_secret(api: APIClient, alice: User, settings: Any) -> None:
    """The confusion of algorithms: HS256 with the public key's text (RFC 8725 section 2.1)."""
    from drf_ratchet_compat.drf_jwt.key_material import as_text

    pem = as_text(RSA.public_key())
    settings.JWT_AUTH = {
        "JWT_ALGORITHM": ["RS256", "HS256"],
        "JWT_PUBLIC_KEY": pem,
        "JWT_LEGACY_KEYS": [pem],
    }
    head = b64(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    body = b64(b'{"username":"alice","exp":4000000000}').rstrip(b"=")
    mac = hmac.new(pem if isinstance(pem, bytes) else pem.encode(), head + b"." + body, "sha256")
    forged = b".".join([head, body, b64(mac.digest()).rstrip(b"=")]).decode()
    assert use(api, forged) == 401


NO_KEYS: dict[str, Any] = {
    "None": None,
    "": "",
    "0": 0,
    "1": 1,
    "1.5": 1.5,
    "True": True,
    "False": False,
    "[None]": [None],
    "{'k': None}": {"k": None},
    "set()": set(),
}


@pytest.mark.parametrize("text", NO_KEYS)
def test_what_is_no_key_of_a_users_is_none(
    api: APIClient, alice: User, settings: Any, text: str
) -> None:
    """A user who has no key has none that anybody can guess."""
    settings.JWT_AUTH = {"JWT_GET_USER_SECRET_KEY": lambda user: NO_KEYS[text]}
    for guessed in {text, "None"}:
        token = _signed(guessed.encode(), username="alice", orig_iat=int(time.time()), jti="x")
        assert use(api, token) == 401
        assert refresh(api, token).status_code == 400
    assert not Session.objects.exists()


def test_a_uuid_is_a_key(api: APIClient, alice: User, settings: Any) -> None:
    key = uuid4()
    settings.JWT_AUTH = {"JWT_GET_USER_SECRET_KEY": lambda user: key}
    assert use(api, _signed(str(key).encode(), username="alice")) == 200


def _signed(key: bytes, **claims: Any) -> str:
    """By hand: no library takes an empty key."""
    head = b64(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    body = b64(json.dumps({"exp": int(time.time()) + 99, **claims}).encode()).rstrip(b"=")
    mac = hmac.new(key, head + b"." + body, "sha256").digest()
    return b".".join([head, body, b64(mac).rstrip(b"=")]).decode()


def _raising(error: Exception) -> Any:
    def handler(payload: Any) -> Any:
        raise error

    return handler


@pytest.mark.parametrize(
    "handler",
    [
        lambda payload: payload["email"].partition("@")[0],
        lambda payload: payload.get("email").lower(),
        lambda payload: int(payload.get("username")),
        _raising(User.DoesNotExist()),
        _raising(User.MultipleObjectsReturned()),
        _raising(ValidationError("no")),
        _raising(OverflowError()),
    ],
    ids=range(7),
)
@pytest.mark.parametrize("per_user", [True, False])
def test_a_handler_that_fails_names_nobody(
    api: APIClient, alice: User, settings: Any, handler: Any, per_user: bool
) -> None:
    """It is asked before any signature is known to be good."""
    settings.JWT_AUTH = {"JWT_PAYLOAD_GET_USERNAME_HANDLER": handler}
    if per_user:
        settings.JWT_AUTH = {**settings.JWT_AUTH, "JWT_GET_USER_SECRET_KEY": secret_of}
    token = _signed(settings.SECRET_KEY.encode(), username="alice")
    assert use(api, token) == 401
    assert refresh(api, token).status_code == 400


@pytest.mark.parametrize("error", [User.MultipleObjectsReturned, ValidationError, KeyError])
def test_a_query_that_fails_finds_nobody(
    api: APIClient, alice: User, monkeypatch: Any, error: Any
) -> None:
    def fails(self: Any, name: Any) -> Any:
        raise error("no")

    token = issue(alice)
    monkeypatch.setattr(type(User.objects), "get_by_natural_key", fails)
    assert use(api, token) == 401


def test_never_simplejwts(api: APIClient, alice: User, settings: Any) -> None:
    claims = {"username": "alice", "user_id": alice.pk, "orig_iat": int(time.time())}
    for kind in ("access", "refresh", "sliding"):
        token = jwt.encode(
            {**claims, "exp": int(time.time()) + 99, "token_type": kind},
            settings.SECRET_KEY,
            "HS256",
        )
        assert use(api, token) == 401
        assert refresh(api, token).status_code == 400


@pytest.mark.parametrize("number", [int, str])
def test_integer_and_string_ids(api: APIClient, alice: User, number: Any) -> None:
    assert refresh(api, issue(alice, user_id=number(alice.pk))).status_code == 201


def test_a_name_that_has_gone_to_somebody_else(api: APIClient, alice: User) -> None:
    token = issue(alice)
    User.objects.filter(pk=alice.pk).update(username="formerly")
    User.objects.create_user("alice")
    assert use(api, token) == 401
    assert refresh(api, token).json() == {"non_field_errors": ["User doesn't exist."]}


@pytest.mark.parametrize(
    "changes",
    [
        {"username": None},
        {"username": ["alice"]},
        {"username": {"a": 1}},
        {"username": "a\0"},
        {"username": True},
        {"username": 1.5},
        {"exp": None},
        {"orig_iat": None},
        {"orig_iat": "x"},
        {"orig_iat": -1},
        {"orig_iat": 1e300},
        {"user_id": {}},
    ],
    ids=str,
)
def test_signed_nonsense(api: APIClient, alice: User, settings: Any, changes: Any) -> None:
    claims = {"username": "alice", "exp": int(time.time()) + 99, "orig_iat": int(time.time())}
    claims = {k: v for k, v in {**claims, **changes}.items() if v is not None}
    token = jwt.api_jws.encode(json.dumps(claims).encode(), settings.SECRET_KEY, "HS256")
    assert refresh(api, token).status_code == 400
    assert use(api, token) in (200, 401)
    assert not Session.objects.exists()


def test_the_family_is_one_session(api: APIClient, alice: User) -> None:
    """What the old server refreshed to, and what it was refreshed from."""
    first = issue(alice)
    second = issue(
        alice, orig_iat=payload(first)["orig_iat"], orig_jti=payload(first)["jti"], jti=uuid4()
    )
    for token in (first, second):
        assert refresh(api, token).status_code == 201
    assert Session.objects.count() == 1


def test_two_sign_ins_are_two_sessions(api: APIClient, alice: User) -> None:
    for _ in range(2):
        assert refresh(api, issue(alice)).status_code == 201
    assert Session.objects.count() == 2


@pytest.mark.parametrize("with_what", ["old", "new"])
def test_logging_out(api: APIClient, alice: User, with_what: str) -> None:
    token = issue(alice)
    new = refresh(api, token).json()["token"]
    end = token if with_what == "old" else new
    assert api.post("/blacklist/", {}, HTTP_AUTHORIZATION=f"JWT {end}").status_code == 201
    assert {use(api, token), use(api, new)} == {403}
    assert refresh(api, token).json() == {"non_field_errors": ["Token is blacklisted."]}


def test_logging_out_before_any_refresh(api: APIClient, alice: User) -> None:
    token = issue(alice)
    assert api.post("/blacklist/", {}, HTTP_AUTHORIZATION=f"JWT {token}").status_code == 201
    assert use(api, token) == 403
    assert refresh(api, token).status_code == 400


def test_a_cut_off_counts(api: APIClient, alice: User) -> None:
    from django.utils import timezone

    token = issue(alice, orig_iat=int(time.time()) - 60)
    list(end_sessions_before(timezone.now()))
    assert CutOff.objects.exists()
    assert use(api, token) == 403
    assert refresh(api, token).status_code == 400
    assert not Session.objects.exists()


def test_logging_out_everywhere_counts(api: APIClient, alice: User) -> None:
    """Also for what is no session yet."""
    token = issue(alice, orig_iat=int(time.time()) - 60)
    open_session(alice)
    assert use(api, token) == 200
    end_all_sessions(alice)
    assert use(api, token) == 403
    assert refresh(api, token).status_code == 400
    assert api.post("/api-token-verify/", {"token": token}).status_code == 400


def test_cores_logout_knows_no_old_token(api: APIClient, alice: User) -> None:
    """As docs/migrating.md says: the first refresh makes it a session."""
    assert api.post("/api/logout/", {"refresh": issue(alice)}).status_code == 400


def test_a_window_longer_than_our_sessions(api: APIClient, alice: User, settings: Any) -> None:
    settings.JWT_AUTH = {"JWT_REFRESH_EXPIRATION_DELTA": timedelta(days=365)}
    token = issue(alice, orig_iat=int(time.time()) - 200 * 86400)
    answer = refresh(api, token)
    assert answer.status_code == 201
    assert use(api, answer.json()["token"]) == 200


class TestTheOldBlacklist:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _table(cls, django_db_setup: None, django_db_blocker: Any) -> Any:
        """Its table, as drf-jwt's migrations leave it behind; made outside of every transaction."""
        # By hand: a schema editor of SQLite's works in no transaction.
        kind = "uuid" if connection.features.has_native_uuid_field else "char(32)"
        number = "serial" if connection.vendor == "postgresql" else "integer"
        if connection.vendor == "mysql":
            number = "integer auto_increment"
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE blacklist_blacklistedtoken "
                f"(id {number} PRIMARY KEY, token text NULL, token_id {kind} NULL)"
            )
        _columns.cache_clear()
        yield
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("DROP TABLE blacklist_blacklistedtoken")
        _columns.cache_clear()

    @pytest.fixture
    def table(self, db: None) -> Any:
        """Its rows."""
        return OldBlacklistedToken.objects

    @pytest.mark.parametrize("by", ["token", "token_id", "family"])
    def test_counts(self, api: APIClient, alice: User, table: Any, by: str) -> None:
        token, other = issue(alice), issue(alice)
        row = {"token": token} if by == "token" else {"token_id": payload(token)["jti"]}
        table.create(**row)
        if by == "family":
            token = issue(alice, orig_jti=payload(token)["jti"])
        assert use(api, token) == 403
        assert refresh(api, token).json() == {"non_field_errors": ["Token is blacklisted."]}
        assert refresh(api, other).status_code == 201

    def test_a_token_without_ids(self, api: APIClient, alice: User, table: Any) -> None:
        token = issue(alice, jti="no uuid")
        assert refresh(api, token).status_code == 201
        table.create(token=token)
        assert use(api, token) == 403
