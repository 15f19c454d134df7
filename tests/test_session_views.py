"""Managing one's devices, and logging out everywhere."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import override_settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.test import APIClient

from drf_ratchet.ids import uuid7
from drf_ratchet.models import Session
from tests.fixtures import PASSWORD, Tokens, payload
from tests.test_views import REALM, assert_refused

SignIn = Callable[..., Tokens]
LIST = "/api/sessions/"


def detail(tokens: Tokens) -> str:
    return f"{LIST}{tokens.session.pk}/"


@pytest.fixture
def phone(tokens: Tokens, api: APIClient) -> Tokens:
    """A second device of alice's."""
    answer = api.post(
        "/api/token/",
        {"username": "alice", "password": PASSWORD},
        HTTP_USER_AGENT="Phone",
        REMOTE_ADDR="192.0.2.9",
    )
    return Tokens(**answer.json())


def test_the_list(
    api: APIClient, tokens: Tokens, phone: Tokens, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        answer = api.get(LIST, **tokens.bearer)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    first, second = answer.json()
    assert first.keys() == {
        *("id", "current", "created_at", "last_used_at", "expires_at", "user_agent", "ip")
    }
    assert (first["id"], first["current"]) == (str(phone.session.pk), False)
    assert (second["id"], second["current"]) == (str(tokens.session.pk), True)
    assert (first["user_agent"], first["ip"]) == ("Phone", "192.0.2.9")
    assert parse_datetime(first["last_used_at"]) == phone.session.rotated_at


def test_list_has_only_the_users_active_sessions(
    api: APIClient, tokens: Tokens, phone: Tokens, sign_in: SignIn
) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    sign_in("bob")
    api.post("/api/logout/", {"refresh": phone.refresh})
    sign_in()
    idle = Session.objects.filter(user__username="alice").latest("id")
    Session.objects.filter(pk=idle.pk).update(expires_at=F("created_at"))
    listed = api.get(LIST, **tokens.bearer).json()
    assert [session["id"] for session in listed] == [str(tokens.session.pk)]


@pytest.fixture
def many(tokens: Tokens, alice: User) -> list[str]:
    """250 sessions of alice's, with that of her tokens, newest first."""
    now = timezone.now()
    later = now + timedelta(days=1)
    Session.objects.bulk_create(Session(user=alice, expires_at=later) for _ in range(249))
    ids = Session.objects.order_by("-pk").values_list("pk", flat=True)
    return [str(pk) for pk in ids]


def pages(api: APIClient, tokens: Tokens, url: str = LIST) -> Iterator[list[str]]:
    """Follow the links."""
    following: str | None = url
    while following:
        answer = api.get(following, **tokens.bearer)
        assert answer.status_code == 200
        yield [session["id"] for session in answer.json()]
        link = answer.headers.get("Link")
        found = re.fullmatch(r'<(http://testserver/[^<>]*)>; rel="next"', link) if link else None
        assert bool(found) is bool(link)
        following = found and found[1]


def test_the_list_comes_in_pages(
    api: APIClient, tokens: Tokens, many: list[str], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(6):
        found = list(pages(api, tokens))
    assert [len(page) for page in found] == [100, 100, 50]
    assert [each for page in found for each in page] == many


def test_a_page_reads_no_more_rows_than_it_shows(
    api: APIClient, tokens: Tokens, many: list[str], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2) as queries:
        api.get(LIST, **tokens.bearer)
    assert "LIMIT 101" in queries[-1]["sql"]


def test_a_page_that_is_just_full_is_the_last(
    api: APIClient, tokens: Tokens, many: list[str]
) -> None:
    assert [len(page) for page in pages(api, tokens, f"{LIST}?before={many[149]}")] == [100]


def test_sessions_that_end_between_two_pages_move_nothing(
    api: APIClient, tokens: Tokens, many: list[str]
) -> None:
    following = pages(api, tokens)
    first = next(following)
    Session.objects.filter(pk__in=[many[0], many[120]]).update(ended_at=timezone.now())
    second = next(following)
    assert second[0] == many[100]
    assert len(second) == 100
    assert not {*first} & {*second}


def test_head_says_the_same_of_the_next_page(
    api: APIClient, tokens: Tokens, many: list[str]
) -> None:
    head, got = api.head(LIST, **tokens.bearer), api.get(LIST, **tokens.bearer)
    assert (head.status_code, head.content) == (200, b"")
    assert head["Link"] == got["Link"]


@pytest.mark.parametrize("before", ["x", "1", "%00", "0" * 33, "{}", "\u00b2" * 32])
def test_a_bad_cursor_is_refused(api: APIClient, tokens: Tokens, before: str) -> None:
    answer = api.get(f"{LIST}?before={before}", **tokens.bearer)
    assert answer.status_code == 400
    assert answer.json().keys() == {"before"}


def test_empty_cursor_is_ignored(api: APIClient, tokens: Tokens) -> None:
    assert len(api.get(f"{LIST}?before=", **tokens.bearer).json()) == 1


def test_cursor_of_another_users_session_reveals_nothing(
    api: APIClient, tokens: Tokens, sign_in: SignIn
) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    bob = sign_in("bob").session.pk
    unknown = uuid7()
    mine = [str(tokens.session.pk)]
    for before in (bob, unknown):
        answer = api.get(f"{LIST}?before={before}", **tokens.bearer)
        assert [session["id"] for session in answer.json()] == mine
        assert "Link" not in answer


def test_ending_one(api: APIClient, tokens: Tokens, phone: Tokens) -> None:
    answer = api.delete(detail(phone), **tokens.bearer)
    assert (answer.status_code, answer.content) == (204, b"")
    assert phone.session.end_reason == "revoked"
    assert_refused(api.get(LIST, **phone.bearer), "session_ended")
    assert api.delete(detail(phone), **tokens.bearer).status_code == 404
    assert api.get(LIST, **tokens.bearer).status_code == 200


def test_user_can_end_their_own_session(api: APIClient, tokens: Tokens) -> None:
    assert api.delete(detail(tokens), **tokens.bearer).status_code == 204
    assert_refused(api.get(LIST, **tokens.bearer), "session_ended")


@pytest.mark.parametrize("name", ["1", "x" * 300, "01a2009a-b9d1-76a6-a5f8-6cb3d192eb20", "\x00"])
def test_ending_what_is_not_there(api: APIClient, tokens: Tokens, name: str) -> None:
    answer = api.delete(f"{LIST}{name}/", **tokens.bearer)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_session_of_another_user_gets_404(api: APIClient, tokens: Tokens, sign_in: SignIn) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    bob = sign_in("bob")
    assert api.delete(detail(tokens), **bob.bearer).status_code == 404
    assert tokens.session.ended_at is None


def test_logging_out_everywhere(
    api: APIClient, tokens: Tokens, phone: Tokens, sign_in: SignIn
) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    bob = sign_in("bob")
    answer = api.post("/api/logout/all/", **phone.bearer)
    assert (answer.status_code, answer.json()) == (200, {"detail": "Logout successful."})
    for mine in (tokens, phone):
        assert mine.session.end_reason == "logout_all"
        assert_refused(api.get(LIST, **mine.bearer), "session_ended")
    assert api.get(LIST, **bob.bearer).status_code == 200


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("get", LIST),
        ("delete", f"{LIST}01a2009a-b9d1-76a6-a5f8-6cb3d192eb20/"),
        ("post", "/api/logout/all/"),
        ("post", "/api/step-up/"),
    ],
)
def test_all_want_a_bearer(api: APIClient, tokens: Tokens, method: str, url: str) -> None:
    call = getattr(api, method)
    answer = call(url)
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
    assert answer["WWW-Authenticate"] == REALM
    assert_refused(call(url, HTTP_AUTHORIZATION="Bearer x.y.z"), "malformed")
    assert_refused(call(url, HTTP_AUTHORIZATION=f"Bearer {tokens.refresh}"), "wrong_type")


def test_a_limit_ends_the_oldest(api: APIClient, alice: User, sign_in: SignIn) -> None:
    with override_settings(DRF_RATCHET={"MAX_SESSIONS_PER_USER": 2}):
        first, second, third = sign_in(), sign_in(), sign_in()
    assert first.session.end_reason == "session_limit"
    assert second.session.ended_at is None
    assert third.session.ended_at is None
    assert payload(third.refresh)["gen"] == 1


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (None, "203.0.113.1", "192.0.2.1"),
        (0, "203.0.113.1", "192.0.2.1"),
        (1, "198.51.100.7, 203.0.113.1", "203.0.113.1"),
        (2, "198.51.100.7, 203.0.113.1", "198.51.100.7"),
        (1, "rubbish", None),
        (1, "203.0.113.1:8080", "203.0.113.1"),
    ],
)
def test_the_address(
    api: APIClient, alice: User, settings: Any, proxies: Any, forwarded: str, expected: Any
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    api.post(
        "/api/token/",
        {"username": "alice", "password": PASSWORD},
        REMOTE_ADDR="192.0.2.1",
        HTTP_X_FORWARDED_FOR=forwarded,
    )
    assert Session.objects.get().ip == expected
