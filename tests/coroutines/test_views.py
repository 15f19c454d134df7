"""Asynchronous views of plain Django, adrf and Django Ninja, under each ``FRESHNESS``."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, async_to_sync
from django.contrib.auth.models import User
from django.core.exceptions import SynchronousOnlyOperation
from django.db import OperationalError, connection
from django.test import AsyncClient, AsyncRequestFactory
from django.test.utils import CaptureQueriesContext

from drf_ratchet.authentication import REALM, JWTAuthentication, aauthenticate
from drf_ratchet.browser.cookies import IN_COOKIES, cookie_name
from drf_ratchet.exceptions import Busy, RequestRefused
from drf_ratchet.sessions import (
    aend_all_sessions,
    aend_session,
    aopen_session,
    arefresh_session,
    end_session,
    feed,
    open_session,
)
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import TokenRefused

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

FRESHNESS = ("immediate", "bounded", "expiry")
VIEWS = (
    *("/plain/", "/plain/immediate/", "/adrf/"),
    *("/ninja/async", "/ninja/immediate", "/ninja/sync"),
)


@pytest.fixture(autouse=True)
def _project(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.coroutines.urls"


@pytest.fixture(params=FRESHNESS)
def freshness(request: pytest.FixtureRequest, settings: Any) -> str:
    more = {"FRESHNESS": request.param, "FEED_INTERVAL": timedelta(0)}
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, **more}
    return str(request.param)


def get(path: str, access: str = "", **headers: str) -> Any:
    bearer = {"Authorization": f"Bearer {access}"} if access else {}
    return async_to_sync(AsyncClient().get)(path, headers={**bearer, **headers})


@pytest.mark.parametrize("path", VIEWS)
class TestViews:
    def test_signed_in(self, path: str, freshness: str, alice: User) -> None:
        answer = get(path, open_session(alice).access)
        assert answer.status_code == 200, answer.content
        assert answer.json()["who"] == "alice"
        assert str(answer.json()["pk"]) == str(alice.pk)

    def test_nobody(self, path: str, freshness: str) -> None:
        answer = get(path)
        assert answer.status_code == 401
        if "adrf" not in path:  # there it is DRF's own body
            assert answer.json()["code"] == "not_authenticated"
        if "plain" not in path:
            assert answer["WWW-Authenticate"] == REALM

    def test_no_token_of_ours(self, path: str, freshness: str) -> None:
        answer = get(path, "a.b.c")
        assert answer.status_code == 401
        assert answer.json()["code"] == "token_not_valid"
        if "plain" not in path:
            assert 'error="invalid_token"' in answer["WWW-Authenticate"]

    def test_an_ended_session(self, path: str, freshness: str, alice: User) -> None:
        grant = open_session(alice)
        end_session(grant.session)
        answer = get(path, grant.access)
        trusts = freshness == "expiry" and "immediate" not in path
        assert answer.status_code == (200 if trusts else 401)
        if not trusts:
            assert answer.json()["reason"] == "session_ended"

    def test_a_user_deleted_meanwhile(self, path: str, freshness: str, alice: User) -> None:
        grant = open_session(alice)
        alice.delete()
        answer = get(path, grant.access)
        assert answer.status_code == 401
        assert answer.json()["code"] == "token_not_valid"


def test_a_look_in_a_coroutine_says_what_to_do(alice: User, settings: Any) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "FRESHNESS": "expiry"}
    with pytest.raises(SynchronousOnlyOperation, match=r"await request\.auser\(\)"):
        get("/adrf/looks/", open_session(alice).access)


def test_a_cookie_needs_its_csrf_token(alice: User) -> None:
    client, name = AsyncClient(enforce_csrf_checks=True), cookie_name(Kind.COOKIE_ACCESS)
    client.cookies[name] = open_session(alice, transport=IN_COOKIES).access
    assert async_to_sync(client.get)("/plain/cookie/").json()["who"] == "alice"
    refused = async_to_sync(client.post)("/plain/cookie/")
    assert refused.status_code == 403


class Costs:
    """What a coroutine has used: threads, and queries."""

    threads = queries = 0


@contextmanager
def costs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Costs]:
    found, call = Costs(), SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        found.threads += 1
        return await call(self, *args, **kwargs)

    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as seen:
        patch.setattr(SyncToAsync, "__call__", counted)
        yield found
    found.queries = len(seen)


def request_of(access: str) -> Any:
    return AsyncRequestFactory().get("/", headers={"Authorization": f"Bearer {access}"})


@pytest.mark.parametrize(
    ("freshness", "threads", "queries"),
    [("immediate", 1, 1), ("bounded", 0, 0), ("expiry", 0, 0)],
    indirect=["freshness"],
)
def test_what_the_way_to_the_view_costs(
    freshness: str,
    threads: int,
    queries: int,
    alice: User,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    more = {"FEED_INTERVAL": timedelta(seconds=60)}
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, **more}
    access = open_session(alice).access
    async_to_sync(aauthenticate)(request_of(access))  # reads the feed

    with costs(monkeypatch) as found:
        request = request_of(access)
        signed_in = async_to_sync(aauthenticate)(request)
        assert signed_in is not None
        assert request.user.pk == alice.pk
        assert request.user.is_authenticated

    assert (found.threads, found.queries) == (threads, queries)


@pytest.mark.django_db(transaction=True)
def test_a_reading_of_the_feed_holds_up_no_other_coroutine(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"FRESHNESS": "bounded", "FEED_INTERVAL": timedelta(seconds=0.4)}
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, **more}
    access, read = open_session(alice).access, feed.Feed._read

    def slow(self: feed.Feed) -> None:
        time.sleep(0.2)
        read(self)

    monkeypatch.setattr(feed.Feed, "_read", slow)
    took: list[float] = []

    async def longest_gap() -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(0.002)
            took.append(time.monotonic() - before)
            before = time.monotonic()

    async def story() -> None:
        watchdog = asyncio.create_task(longest_gap())
        for _ in range(60):
            await asyncio.gather(*(aauthenticate(request_of(access)) for _ in range(3)))
            await asyncio.sleep(0.02)
        watchdog.cancel()

    async_to_sync(story)()
    assert max(took) < 0.15, max(took)


def test_a_database_that_does_not_answer(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"FRESHNESS": "bounded", "FEED_MAX_AGE": timedelta(0), "FEED_INTERVAL": timedelta(0)}
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, **more}
    access = open_session(alice).access

    def broken() -> Any:
        raise OperationalError

    monkeypatch.setattr(feed, "recent_endings", broken)
    with pytest.raises(Busy):
        async_to_sync(aauthenticate)(request_of(access))


def test_a_class_of_claims_needs_no_user(alice: User, settings: Any) -> None:
    access = open_session(alice).access
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "USER": "claims"}
    request = request_of(access)
    assert async_to_sync(JWTAuthentication().aauthenticate)(request) is not None
    assert async_to_sync(request.auser)().pk == str(alice.pk)


def test_sessions(alice: User) -> None:
    async def story() -> None:
        grant = await aopen_session(alice, amr=["hwk"])
        following = await arefresh_session(grant.refresh)
        assert following.session.generation == 2
        assert await aend_session(following.session)
        assert not await aend_session(following.session)
        with pytest.raises(TokenRefused):
            await arefresh_session(following.refresh)
        await aopen_session(alice)
        assert await aend_all_sessions(alice) == 1

    async_to_sync(story)()


def test_every_refusal_is_one_exception(alice: User) -> None:
    tokens = open_session(alice)
    with pytest.raises(RequestRefused):
        async_to_sync(aauthenticate)(request_of(tokens.access + "x"))
