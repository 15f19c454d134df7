"""From sign-in to the end, with each user model and each freshness."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.core.management import call_command
from rest_framework.test import APIClient

from drf_ratchet.keyring import keyring
from drf_ratchet.models import Session
from drf_ratchet.sessions import active_sessions, end_all_sessions, open_session
from drf_ratchet.sessions.grant import HEADER
from ratchet_tokens import codec
from tests.custom_user.looking import answer_to
from tests.custom_user.shapes import Shape
from tests.fixtures import PASSWORD, Tokens, payload

pytestmark = pytest.mark.starts

PROTECTED = "/api/protected/"
Sign = Callable[..., Tokens]


def name_of(user: Any) -> Any:
    return user.get_username()


def assert_refused(answer: Any, reason: str) -> None:
    assert (answer.status_code, answer.json().get("reason")) == (401, reason), answer.content


def has_field(name: str) -> bool:
    try:
        return bool(get_user_model()._meta.get_field(name))
    except FieldDoesNotExist:
        return False


def test_from_sign_in_to_logout(
    api: APIClient, tokens: Tokens, alice: Any, freshness: str, shape: Shape
) -> None:
    claims = payload(tokens.access)
    field = shape.id_field or "pk"
    key = alice.person_id if field == "person" else getattr(alice, field)
    assert (claims["sub"], payload(tokens.refresh)["sub"]) == (str(key), str(key))
    assert tokens.session.user == alice
    assert api.get(PROTECTED, **tokens.bearer).status_code == 200

    refreshed = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
    assert refreshed.status_code == 200
    later = Tokens(**refreshed.json())
    assert api.get(PROTECTED, **later.bearer).status_code == 200
    for token in (later.access, later.refresh):
        assert api.post("/api/token/verify/", {"token": token}).json() == {}

    assert api.post("/api/logout/", {"refresh": later.refresh}).status_code == 200
    assert_refused(api.post("/api/token/refresh/", {"refresh": later.refresh}), "session_ended")
    answer = api.get(PROTECTED, **later.bearer)
    if freshness == "expiry":
        assert answer.status_code == 200
    else:
        assert_refused(answer, "session_ended")


def test_whose_token_it_is(
    tokens: Tokens, alice: Any, bob: Any, sign_in: Sign, freshness: str
) -> None:
    of_bob = sign_in("bob")
    seen: list[Any] = []
    for own in (tokens, of_bob):
        assert answer_to(lambda user: seen.append((user.pk, name_of(user))), own).status_code == 200
    assert seen == [(user.pk, name_of(user)) for user in (alice, bob)]


def test_devices(api: APIClient, tokens: Tokens, sign_in: Sign, freshness: str) -> None:
    other = sign_in()
    listed = api.get("/api/sessions/", **tokens.bearer).json()
    assert [one["current"] for one in listed] == [False, True]
    gone = api.delete(f"/api/sessions/{listed[0]['id']}/", **tokens.bearer)
    assert gone.status_code == 204
    refused = api.post("/api/token/refresh/", {"refresh": other.refresh})
    assert_refused(refused, "session_ended")
    assert api.post("/api/token/refresh/", {"refresh": tokens.refresh}).status_code == 200


def test_log_out_everywhere(
    api: APIClient, tokens: Tokens, bob: Any, sign_in: Sign, freshness: str
) -> None:
    other, of_bob = sign_in(), sign_in("bob")
    assert api.post("/api/logout/all/", **tokens.bearer).status_code == 200
    for own in (tokens, other):
        answer = api.post("/api/token/refresh/", {"refresh": own.refresh})
        assert_refused(answer, "session_ended")
    assert api.post("/api/token/refresh/", {"refresh": of_bob.refresh}).status_code == 200


def test_step_up(api: APIClient, tokens: Tokens, freshness: str) -> None:
    body = {"refresh": tokens.refresh, "password": PASSWORD}
    wrong = api.post("/api/step-up/", {**body, "password": "wrong"}, **tokens.bearer)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "no_active_account")
    answer = api.post("/api/step-up/", body, **tokens.bearer)
    assert answer.status_code == 200, answer.content


def test_what_is_ones_own(
    api: APIClient, tokens: Tokens, alice: Any, bob: Any, sign_in: Sign, freshness: str
) -> None:
    """A post is made by ``serializer.save(author=request.user)``."""
    made = api.post("/api/posts/create/", {"title": "x", "body": "x"}, **tokens.bearer)
    assert made.status_code == 201
    assert made.json()["author"] == str(name_of(alice))
    url = f"/api/posts/{made.json()['id']}/"
    assert api.get(url, **tokens.bearer).status_code == 200
    assert api.get(url).status_code == 401


def test_a_new_password(api: APIClient, tokens: Tokens, alice: Any, freshness: str) -> None:
    if not hasattr(alice, "set_password"):
        return  # BareUser
    alice.set_password("another one")
    alice.save()
    refused = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
    assert_refused(refused, "password_changed")
    answer = answer_to(name_of, tokens)
    if freshness == "expiry":
        assert answer.status_code == 200
    else:
        reasons = {"immediate": "password_changed", "bounded": "session_ended"}
        assert_refused(answer, reasons[freshness])


def test_deactivated_without_a_signal(
    api: APIClient, tokens: Tokens, alice: Any, freshness: str, shape: Shape
) -> None:
    """ "immediate" sees it, and the others where the user is looked at."""
    if not has_field("is_active"):
        return  # NumberUser, BareUser
    get_user_model()._base_manager.filter(pk=alice.pk).update(is_active=False)
    assert_refused(answer_to(name_of, tokens), "user_inactive")
    sees = freshness == "immediate" or shape.asks_whether
    assert api.get(PROTECTED, **tokens.bearer).status_code == (401 if sees else 200)
    refused = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
    assert_refused(refused, "user_inactive")


def test_deleted(api: APIClient, tokens: Tokens, alice: Any, freshness: str, shape: Shape) -> None:
    alice.delete()
    reason = "user_inactive" if freshness == "expiry" else "session_ended"
    assert_refused(answer_to(name_of, tokens), reason)
    sees = freshness != "expiry" or shape.asks_whether
    assert api.get(PROTECTED, **tokens.bearer).status_code == (401 if sees else 200)
    refused = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
    assert_refused(refused, "user_inactive")
    assert tokens.session.ended_at is not None


def test_deleted_without_a_signal(
    api: APIClient, tokens: Tokens, alice: Any, freshness: str, shape: Shape
) -> None:
    Session.objects.update(user=None)
    rows = get_user_model()._base_manager.filter(pk=alice.pk)
    rows._raw_delete(rows.db)  # type: ignore[attr-defined]
    reason = "session_ended" if freshness == "immediate" else "user_inactive"
    assert_refused(answer_to(name_of, tokens), reason)
    sees = freshness == "immediate" or shape.asks_whether
    assert api.get(PROTECTED, **tokens.bearer).status_code == (401 if sees else 200)
    refused = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
    assert_refused(refused, "user_inactive")


STRANGE = (
    *("", " ", "x", "0", "-1", "1.5", "1e9", "9" * 19, "9" * 400, "None", "null", "٣"),
    *("\0", "a\0b", "\ud800", "é", "漢", "1; DROP TABLE", "{}", "[]", "%", "x" * 1000),
    *("00000000-0000-0000-0000-000000000000", "{sub} ", " {sub}", "0{sub}", "{sub}\0"),
)


def test_a_token_of_a_strange_subject_is_refused(tokens: Tokens, freshness: str) -> None:
    """Only our key can sign such a token. It is refused without a server error."""
    claims = payload(tokens.access)
    for subject in STRANGE:
        strange = {**claims, "sub": subject.replace("{sub}", claims["sub"])}
        access = codec.sign(strange, keyring().access.signing, HEADER.access)
        answer = answer_to(name_of, Tokens(access, ""))
        assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid"), subject


def test_our_python_functions(alice: Any, bob: Any, freshness: str) -> None:
    kept, other, of_bob = (open_session(user).session for user in (alice, alice, bob))
    assert [one.pk for one in active_sessions(alice)] == [other.pk, kept.pk]
    assert end_all_sessions(alice, keep=kept.pk) == 1
    assert [one.pk for one in active_sessions(alice)] == [kept.pk]
    assert [one.pk for one in active_sessions(bob)] == [of_bob.pk]


@pytest.mark.django_db(databases="__all__")
def test_checks_and_migrations(shape: Shape) -> None:
    found = [one for one in checks.run_checks() if str(one.id).startswith("ratchet")]
    assert found == []
    if shape.migrates:
        # They name no user model of their own.
        call_command("makemigrations", "drf_ratchet", "--check", "--dry-run", verbosity=0)
