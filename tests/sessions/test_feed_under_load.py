"""The feed among many threads, on a real database: held up, late, and full."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import override_settings

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.models import Session
from drf_ratchet.sessions import active_sessions, announcements, end_session, open_session
from drf_ratchet.sessions import feed as feed_module
from drf_ratchet.sessions.feed import Feed
from tests.fixtures import payload

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "postgresql" not in settings.DATABASES["default"]["ENGINE"],
        reason="It takes PostgreSQL's locks, its generate_series, and two connections at a time",
    ),
]

TIMEOUT = 30.0
EACH_TIME = {"FEED_INTERVAL": timedelta(0)}


def in_own_connection(do: Callable[[], Any]) -> Any:
    try:
        return do()
    finally:
        connections.close_all()


@contextmanager
def locked_table() -> Iterator[None]:
    """Whoever reads the sessions waits until the block ends."""
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE drf_ratchet_session IN ACCESS EXCLUSIVE MODE")
            held.set()
            over.wait(TIMEOUT)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(in_own_connection, hold)
        try:
            assert held.wait(TIMEOUT)
            yield
        finally:
            over.set()
            holding.result(TIMEOUT)


def wait_until_somebody_is_blocked() -> None:
    deadline = time.monotonic() + TIMEOUT
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)  # another process's state: there is nothing to wait on
    raise AssertionError("nobody was ever blocked")


def ask_many_times(known: Feed, said: dict[str, Any]) -> tuple[set[bool | None], float]:
    began = time.monotonic()
    return {known.has_ended(said) for _ in range(200)}, time.monotonic() - began


@pytest.mark.parametrize("interval", [timedelta(milliseconds=1), timedelta(0)])
def test_a_database_that_does_not_answer_holds_up_one_thread(
    alice: User, interval: timedelta
) -> None:
    active, ended = open_session(alice), open_session(alice)
    end_session(ended.session)
    with override_settings(DRF_RATCHET={"FEED_INTERVAL": interval}):
        known = Feed()
        assert known.has_ended(payload(ended.access)) is True
        with ThreadPoolExecutor(9) as pool:
            with locked_table():
                reads = pool.submit(
                    in_own_connection, lambda: known.has_ended(payload(active.access))
                )
                wait_until_somebody_is_blocked()
                others = [
                    pool.submit(ask_many_times, known, payload(grant.access))
                    for grant in (active, ended) * 4
                ]
                answers = [other.result(TIMEOUT / 2) for other in others]
                assert not reads.done()
            assert reads.result(TIMEOUT) is False
    # All the same, from what was known, and after one wait.
    assert [answer for answer, _ in answers] == [{False}, {True}] * 4
    assert max(took for _, took in answers) < feed_module.PATIENCE + 5


def test_at_the_start_the_others_wait_for_it(alice: User) -> None:
    """With nothing known there is nothing to go on with."""
    active = open_session(alice)
    with override_settings(DRF_RATCHET=EACH_TIME), ThreadPoolExecutor(8) as pool:
        known = Feed()
        with locked_table():
            asked = [
                pool.submit(in_own_connection, lambda: known.has_ended(payload(active.access)))
                for _ in range(8)
            ]
            wait_until_somebody_is_blocked()
            assert not any(one.done() for one in asked)
        assert {one.result(TIMEOUT) for one in asked} == {False}


def test_a_transaction_that_commits_late(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its endings are older than what the feed has read meanwhile. They are told again."""
    monkeypatch.setattr(announcements, "SETTLED", 0.0)
    monkeypatch.setattr(feed_module, "OVERLAP", timedelta(0))
    monkeypatch.setattr(feed_module, "RECHECK", timedelta(0))
    grants = [open_session(alice) for _ in range(3)]
    changed, commits = threading.Event(), threading.Event()

    def change_the_password() -> None:
        with transaction.atomic():
            alice.set_password("another one")
            alice.save()
            changed.set()
            assert commits.wait(TIMEOUT)

    with override_settings(DRF_RATCHET=EACH_TIME), ThreadPoolExecutor(1) as pool:
        known = Feed()
        changing = pool.submit(in_own_connection, change_the_password)
        assert changed.wait(TIMEOUT)
        assert [known.has_ended(payload(grant.access)) for grant in grants] == [False] * 3
        commits.set()
        changing.result(TIMEOUT)
        assert [known.has_ended(payload(grant.access)) for grant in grants] == [True] * 3
    assert Session.objects.filter(announced_at__gt=Session.objects.all()[0].ended_at).count() == 3


def test_so_does_one_with_very_many_sessions(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drf_ratchet.sessions.store.MOST_LISTED", 2)
    test_a_transaction_that_commits_late(alice, monkeypatch)


@pytest.mark.full
def test_a_thousand_endings_a_second(alice: User) -> None:
    """Other sessions need no query, for longer than the list's window."""
    stranger = payload(open_session(alice).access)
    # It takes some seconds to write them, in which the first of them may grow too old.
    seconds = int(feed_module.window().total_seconds()) - 60
    with override_settings(DRF_RATCHET=EACH_TIME):
        assert ratchet_settings().FEED_MAX > 1000 * (seconds + 60)
        known = Feed()
        oldest, *_ = _end_some(1000 * seconds, every=timedelta(milliseconds=1))
        assert known.has_ended(stranger) is False
        assert len(known._ended) == 1000 * seconds
        assert known.has_ended({**stranger, "sid": str(oldest)}) is True
        newest = [oldest]
        for _ in range(5):
            newest = _end_some(1000, every=timedelta(microseconds=1))
            assert known.has_ended(stranger) is False
        assert len(known._ended) >= 1000 * seconds + 4000
        for session in (oldest, *newest[:3]):
            assert known.has_ended({**stranger, "sid": str(session)}) is True


def _end_some(number: int, every: timedelta) -> list[UUID]:
    """Write ended sessions, the last of just now; return three ids, the oldest first."""
    chosen = [uuid4() for _ in range(3)]
    places = {1: chosen[2], number // 2: chosen[1], number: chosen[0]}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO drf_ratchet_session (
                id, generation, rotates, created_at, auth_time, rotated_at, expires_at, ended_at,
                announced_at, end_reason, fingerprint, idempotency_key_hash, user_agent)
            SELECT gen_random_uuid(), 1, true, now(), now(), now(), now(), now() - %s * i,
                now() - %s * i, 'logout', '', '', '' FROM generate_series(1, %s) i
            """,
            [every, every, number],
        )
        cursor.execute("ANALYZE drf_ratchet_session")
        for place, session in places.items():
            cursor.execute(
                "UPDATE drf_ratchet_session SET id = %s WHERE id = (SELECT id FROM"
                " drf_ratchet_session WHERE announced_at IS NOT NULL"
                " ORDER BY announced_at DESC LIMIT 1 OFFSET %s)",
                [session, place - 1],
            )
    return chosen


class TestSignInsAtTheSameTime:
    """With a limit of one, each ended the other in a third of the rounds."""

    @pytest.mark.parametrize("limit", [1, 2])
    def test_the_newest_stay(self, alice: User, limit: int) -> None:
        rounds, at_once = 30, 3
        together = threading.Barrier(at_once, timeout=TIMEOUT)

        def sign_in() -> Any:
            together.wait()
            return open_session(alice).session.pk

        with (
            override_settings(DRF_RATCHET={"MAX_SESSIONS_PER_USER": limit}),
            ThreadPoolExecutor(at_once) as pool,
        ):
            for _ in range(rounds):
                signing_in = [pool.submit(in_own_connection, sign_in) for _ in range(at_once)]
                opened = {one.result(TIMEOUT) for one in signing_in}
                in_order = Session.objects.order_by("-created_at", "-pk")
                newest = [one.pk for one in in_order if one.pk in opened]
                assert {one.pk for one in active_sessions(alice)} == set(newest[:limit])
