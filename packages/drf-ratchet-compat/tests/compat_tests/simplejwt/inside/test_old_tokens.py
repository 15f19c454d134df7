"""Tokens that simplejwt made go on working."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken as TheirAccess
from rest_framework_simplejwt.tokens import RefreshToken as Theirs

from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions import end_sessions_before, store
from drf_ratchet_compat.adopting import adopt
from drf_ratchet_compat.simplejwt import old
from drf_ratchet_compat.simplejwt.tokens import RefreshToken, SlidingToken
from tests.fixtures import PASSWORD, payload

REFRESH = "/token/refresh/"


def refresh(api: APIClient, token: str) -> Any:
    return api.post(REFRESH, {"refresh": token})


def call(api: APIClient, access: str) -> Any:
    return api.get("/protected/", HTTP_AUTHORIZATION=f"Bearer {access}")


def made(claims: dict[str, Any], key: str = "", alg: str = "HS256", **headers: Any) -> str:
    now = int(time.time())
    whole = {"token_type": "refresh", "exp": now + 600, "iat": now, "jti": "old-one", **claims}
    kept = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(kept, key or django_settings.SECRET_KEY, alg, headers=headers or None)


@pytest.fixture
def token(alice: User) -> Any:
    token = Theirs.for_user(alice)
    token["role"] = "reader"
    return token


@pytest.fixture(scope="module", autouse=True)
def _old_tables(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """simplejwt's two tables, as far as they are looked at; outside of every transaction."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {old.OUTSTANDING} (id INTEGER PRIMARY KEY, jti VARCHAR(255))")
        cursor.execute(f"CREATE TABLE {old.BLACKLISTED} (id INTEGER PRIMARY KEY, token_id INTEGER)")
    old._has_blacklist.cache_clear()
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {old.BLACKLISTED}")
        cursor.execute(f"DROP TABLE {old.OUTSTANDING}")
    old._has_blacklist.cache_clear()


@pytest.fixture
def blacklist(db: None) -> Any:
    """Puts a token into simplejwt's lists."""

    def put(number: int, jti: str, *, blacklisted: bool) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {old.OUTSTANDING} VALUES (%s, %s)", [number, jti])
            if blacklisted:
                cursor.execute(f"INSERT INTO {old.BLACKLISTED} VALUES (%s, %s)", [number, number])

    return put


def test_an_access_token_until_it_expires(api: APIClient, token: Any, alice: User) -> None:
    answer = call(api, str(token.access_token))
    assert answer.status_code == 200
    assert answer.json()["user"] == "alice"
    access = token.access_token
    access.set_exp(lifetime=-timedelta(seconds=1))
    assert call(api, str(access)).status_code == 401
    alice.is_active = False
    alice.save()
    assert call(api, str(token.access_token)).json()["code"] == "user_inactive"
    alice.delete()
    assert call(api, str(token.access_token)).json()["code"] == "user_not_found"


def test_a_refresh_token_becomes_a_session(api: APIClient, token: Any) -> None:
    first = refresh(api, str(token))
    assert first.status_code == 200, first.content
    session = Session.objects.get()
    assert (session.generation, session.rotates) == (1, True)
    claims = call(api, first.json()["access"]).json()["claims"]
    assert (claims["role"], claims["sid"]) == ("reader", str(session.pk))
    again = refresh(api, first.json()["refresh"])
    assert again.status_code == 200
    assert call(api, again.json()["access"]).json()["claims"]["role"] == "reader"
    assert Session.objects.count() == 1


def test_a_second_tab_gets_the_same(api: APIClient, token: Any) -> None:
    first, second = refresh(api, str(token)), refresh(api, str(token))
    assert first.json()["refresh"] == second.json()["refresh"]
    assert Session.objects.count() == 1


def test_one_used_up_ends_its_session(api: APIClient, token: Any) -> None:
    newest = refresh(api, refresh(api, str(token)).json()["refresh"]).json()["refresh"]
    reused = refresh(api, str(token))
    assert (reused.status_code, reused.json()["detail"]) == (401, "Token is blacklisted")
    assert refresh(api, newest).status_code == 401


@pytest.mark.parametrize("rotating", [True, False])
def test_how_long_it_lives(api: APIClient, token: Any, settings: Any, *, rotating: bool) -> None:
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "ROTATE_REFRESH_TOKENS": rotating}
    before = datetime.fromtimestamp(token["exp"], tz=UTC)
    answer = refresh(api, str(token)).json()
    session = Session.objects.get()
    assert session.ends_at is None
    assert session.auth_time == datetime.fromtimestamp(token["iat"], tz=UTC)
    assert ("refresh" in answer, session.generation) == (rotating, int(rotating))
    if not rotating:
        assert session.expires_at == before
        assert refresh(api, str(token)).status_code == 200


def test_logout_with_an_old_token(api: APIClient, token: Any) -> None:
    answer = api.post("/token/blacklist/", {"refresh": str(token)})
    assert (answer.status_code, answer.json()) == (200, {})
    assert Session.objects.get().end_reason == "logout"
    assert refresh(api, str(token)).json()["detail"] == "Token is blacklisted"
    assert api.post("/token/verify/", {"token": str(token)}).status_code == 400


def test_the_old_blacklist_counts(api: APIClient, token: Any, blacklist: Any) -> None:
    kept = Theirs.for_user(User.objects.get())
    blacklist(1, token["jti"], blacklisted=True)
    blacklist(2, kept["jti"], blacklisted=False)
    refused = refresh(api, str(token))
    assert (refused.status_code, refused.json()["detail"]) == (401, "Token is blacklisted")
    assert not Session.objects.exists()
    assert refresh(api, str(kept)).status_code == 200


def test_the_old_blacklist_counts_for_what_is_a_session_already(
    api: APIClient, token: Any, blacklist: Any, settings: Any
) -> None:
    """There and back again: what was logged out over there stays so."""
    settings.SIMPLE_JWT = {}
    assert refresh(api, str(token)).status_code == 200
    blacklist(1, token["jti"], blacklisted=True)
    assert refresh(api, str(token)).status_code == 401


@pytest.mark.parametrize("subject", [int, str])
def test_users_by_number_and_by_text(api: APIClient, alice: User, subject: type) -> None:
    assert refresh(api, made({"user_id": subject(alice.pk)})).status_code == 200


def test_without_iat(api: APIClient, alice: User) -> None:
    token = made({"user_id": alice.pk, "iat": None})
    assert refresh(api, token).status_code == 200
    # Nobody knows when they signed in, so it was not recently.
    assert Session.objects.get().auth_time.year == 1970


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"user_id": None},
        {"user_id": True},
        {"user_id": 1.5},
        {"user_id": [1]},
        {"user_id": {"pk": 1}},
        {"user_id": "x"},
        {"user_id": ""},
        {"user_id": 10**40},
        {"user_id": -1},
        {"user_id": "1\x00"},
        {"user_id": "1", "jti": None},
        {"user_id": "1", "jti": 7},
        {"user_id": "1", "jti": ""},
        {"user_id": "1", "exp": None},
        {"user_id": "1", "exp": "soon"},
        {"user_id": "1", "exp": 10**400},
        {"user_id": "1", "exp": True},
        {"user_id": "1", "iat": "now"},
        {"user_id": "1", "iat": -5},
        {"user_id": "1", "nbf": 2**40},
        {"user_id": "1", "token_type": "access"},
        {"user_id": "1", "token_type": None},
        {"user_id": "1", "token_type": ["refresh"]},
    ],
)
def test_claims_that_make_no_session(api: APIClient, alice: User, claims: Any) -> None:
    User.objects.filter(pk=alice.pk).update(id=1)
    answer = refresh(api, made(claims))
    assert answer.status_code == 401, answer.content
    assert not Session.objects.exists()
    assert call(api, made({**claims, "token_type": "access"})).status_code in (200, 401)


@pytest.mark.parametrize(
    ("key", "alg", "headers"),
    [
        ("another key, as long as the right one, 0123456789", "HS256", {}),
        ("", "HS512", {}),
        ("", "HS256", {"typ": "at+jwt"}),
        ("", "HS256", {"typ": "rt+jwt"}),
        ("", "HS256", {"crit": ["b64"], "b64": True}),
        ("", "HS256", {"jku": "https://example.com/keys"}),
    ],
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_signatures_and_headers(
    api: APIClient, alice: User, key: str, alg: str, headers: Any
) -> None:
    token = made({"user_id": alice.pk}, key, alg, **headers)
    assert refresh(api, token).status_code == 401
    assert not Session.objects.exists()


def test_an_algorithm_of_none(api: APIClient, alice: User) -> None:
    token = jwt.encode({"user_id": alice.pk, "exp": 2**33, "jti": "x"}, None, "none")
    assert refresh(api, token).status_code == 401


def test_no_key_no_old_tokens(api: APIClient, token: Any, settings: Any) -> None:
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "LEGACY_KEYS": []}
    assert refresh(api, str(token)).status_code == 401
    assert call(api, str(token.access_token)).status_code == 401


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_short_old_secret(api: APIClient, alice: User, settings: Any) -> None:
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": "short"}
    answer = refresh(api, made({"user_id": alice.pk}, "short"))
    assert answer.status_code == 200
    # What is new is signed with a key that is long enough.
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(answer.json()["access"], "short", ["HS256"])


def test_after_a_change_of_the_secret_key(api: APIClient, alice: User, settings: Any) -> None:
    token = made({"user_id": alice.pk})
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one, 0123456789abcdefghijklmnop, and long"
    assert refresh(api, token).status_code == 200


def test_a_new_password_where_simplejwt_looked(api: APIClient, alice: User, settings: Any) -> None:
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "CHECK_REVOKE_TOKEN": True}
    stamped = {"user_id": alice.pk, "hash_password": old.get_md5_hash_password(alice.password)}
    assert refresh(api, made(stamped)).status_code == 200
    alice.set_password("another")
    alice.save()
    assert refresh(api, made({**stamped, "jti": "old-two"})).status_code == 401


def test_who_is_inactive(api: APIClient, token: Any, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    answer = refresh(api, str(token))
    assert answer.status_code == 401
    assert answer.json() == {"detail": "No active account found for the given token."}
    alice.delete()
    assert refresh(api, str(token)).status_code == 401


def test_when_all_sessions_were_ended_in_the_meantime(api: APIClient, token: Any) -> None:
    list(end_sessions_before(datetime.now(UTC) + timedelta(seconds=2)))
    assert refresh(api, str(token)).status_code == 401
    assert not Session.objects.exists()


def test_when_its_user_was_signed_out_everywhere(api: APIClient, token: Any) -> None:
    elsewhere = refresh(api, str(Theirs.for_user(User.objects.get()))).json()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {elsewhere['access']}"}
    assert api.post("/ours/logout/all/", **bearer).status_code == 200
    Session.objects.update(ended_at=datetime.now(UTC) + timedelta(seconds=2))
    assert refresh(api, str(token)).status_code == 401
    assert Session.objects.count() == 1


def test_pruning_brings_none_back(api: APIClient, token: Any) -> None:
    api.post("/token/blacklist/", {"refresh": str(token)})
    Session.objects.update(ended_at=datetime.now(UTC) - timedelta(days=40))
    call_command("ratchet", "prune", verbosity=0)
    assert refresh(api, str(token)).status_code == 401


def test_pruning_brings_none_back_whatever_lifetimes_are_now(
    api: APIClient, alice: User, settings: Any
) -> None:
    token = made({"user_id": alice.pk, "exp": int(time.time()) + 365 * 86400})
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "REFRESH_TOKEN_LIFETIME": timedelta(days=1)}
    newest = refresh(api, token).json()["refresh"]
    api.post("/token/blacklist/", {"refresh": newest})
    long_ago = datetime.now(UTC) - timedelta(days=40)
    Session.objects.update(ended_at=long_ago, expires_at=long_ago)
    call_command("ratchet", "prune", verbosity=0)
    assert refresh(api, token).status_code == 401


def test_pruning_forgets_no_mass_ending(api: APIClient, token: Any) -> None:
    list(end_sessions_before(datetime.now(UTC) + timedelta(seconds=2)))
    CutOff.objects.update(announced_at=datetime.now(UTC) - timedelta(days=40))
    call_command("ratchet", "prune", verbosity=0)
    assert refresh(api, str(token)).status_code == 401


def test_a_mass_ending_at_the_same_moment(
    api: APIClient, token: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has walked past the row's place, and has not seen it."""
    insert = store.insert_missing

    def later(rows: Any) -> None:
        list(end_sessions_before(datetime.now(UTC) + timedelta(seconds=2)))
        insert(rows)

    monkeypatch.setattr(store, "insert_missing", later)
    assert refresh(api, str(token)).status_code == 401
    monkeypatch.undo()
    assert refresh(api, str(token)).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_the_old_tables_are_dropped_while_we_run(api: APIClient, token: Any) -> None:
    assert old.is_blacklisted("x") is False
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old.BLACKLISTED} RENAME TO elsewhere")
    try:
        assert refresh(api, str(token)).status_code == 200
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {old.BLACKLISTED}")
        old._has_blacklist.cache_clear()


def test_sliding_tokens_of_one_sign_in(api: APIClient, alice: User) -> None:
    now = int(time.time())
    family = {"token_type": "sliding", "user_id": alice.pk, "refresh_exp": now + 86400 - 600}
    first = made({**family, "iat": now - 600, "exp": now + 200})
    second = made({**family, "iat": now - 60, "exp": now + 290})
    refreshed = api.post("/token/sliding/refresh/", {"token": second})
    assert refreshed.status_code == 200, refreshed.content
    new = payload(refreshed.json()["token"])
    assert new["exp"] - new["iat"] == 300
    SlidingToken(refreshed.json()["token"]).blacklist()
    for token in (first, second, refreshed.json()["token"]):
        assert api.post("/token/sliding/refresh/", {"token": token}).status_code == 401


def test_adopting_twice_is_adopting_once(api: APIClient, token: Any) -> None:
    was = old.old_session(Theirs(str(token)).payload)
    assert adopt(was) == adopt(was)
    assert Session.objects.count() == 1


def test_neither_passes_for_the_other(api: APIClient, alice: User, token: Any) -> None:
    """The same key would sign both, if a project names it."""
    ours = RefreshToken.for_user(alice)
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(str(ours), django_settings.SECRET_KEY, ["HS256"])
    access = TheirAccess.for_user(alice)
    assert refresh(api, str(access)).json()["detail"] == "Token has wrong type"
    assert call(api, str(token)).status_code == 401
    assert api.post("/ours/token/refresh/", {"refresh": str(token)}).status_code == 401


def test_a_password_is_not_asked_for(api: APIClient, token: Any) -> None:
    """And signing in anew gives a session of its own."""
    refresh(api, str(token))
    answer = api.post("/token/", {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 200
    assert Session.objects.count() == 2
