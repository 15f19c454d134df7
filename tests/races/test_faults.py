"""Processes and databases that die while clients refresh: whoever holds a token of ours gets on."""

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.fixtures import payload
from tests.races.clients import NO_ANSWER, at_once, later, refresh, sign_in
from tests.races.databases import copy_of, fill
from tests.races.server import serving
from tests.races.tabs import Tab, refreshing
from tests.sizes import sized

pytestmark = [pytest.mark.starts, pytest.mark.full]

CLIENTS = 8
KILLS = sized(20, 5)
#: Seconds that the database is away, and that it is there before and after.
OUTAGE = 1.0
#: The Idempotency-Key alone has to recognise a retry.
STRICT = {"RACE_OPTIONS": json.dumps({"ROTATION_GRACE": 0})}

only_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="starts PostgreSQL servers to kill and to promote"
)


def test_workers_killed(demo_template: str, tmp_path: Path, show: Callable[[str], None]) -> None:
    killed: set[int] = set()
    with (
        copy_of(demo_template, tmp_path) as url,
        serving(url, tmp_path / "server.log", **STRICT) as server,
    ):
        tabs = [Tab(server.address) for _ in range(CLIENTS)]
        with refreshing(tabs, server.address):
            while len(killed) < KILLS:
                time.sleep(random.uniform(0.05, 0.3))
                # Never the same twice: its id might be somebody else's by then.
                alive = [pid for pid in server.worker_pids() if pid not in killed]
                if alive:
                    pid = random.choice(alive)
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)
        for tab in tabs:
            tab.gets_on(server.address)
        counted = _statuses(tabs)
        show(
            f"{KILLS} workers killed, {connection.vendor}: {_in_words(counted)}; "
            f"{sum(tab.retried for tab in tabs)} turns came by a retry"
        )
        assert counted.keys() <= {200, NO_ANSWER}
        assert server.endings() == {}
        # No token was ever behind or ahead.
        assert [payload(tab.token)["gen"] for tab in tabs] == [tab.turns + 1 for tab in tabs]


@pytest.fixture(scope="module")
def nodes() -> Iterator[list]:
    """A primary with the demo's tables, and a replica that is not made yet."""
    from tests.races.replication import cluster

    with cluster("primary", "replica") as (primary, replica):
        primary.make()
        primary.start()
        fill(primary.url)
        yield [primary, replica]


@pytest.mark.full
@only_postgresql
def test_database_killed(nodes: list, tmp_path: Path, show: Callable[[str], None]) -> None:
    primary, _ = nodes
    outages = []
    with serving(primary.url, tmp_path / "server.log", **STRICT) as server:
        tabs = [Tab(server.address) for _ in range(CLIENTS)]
        with refreshing(tabs, server.address):
            for number in (signal.SIGQUIT, signal.SIGKILL):
                time.sleep(OUTAGE)
                began = time.monotonic()
                primary.kill(number)
                time.sleep(OUTAGE)
                primary.start()
                outages.append((began, time.monotonic()))
            time.sleep(OUTAGE)
        for tab in tabs:
            tab.gets_on(server.address)
        counted = _statuses(tabs)
        show(
            f"PostgreSQL killed and restarted twice: {_in_words(counted)}; "
            f"{sum(tab.retried for tab in tabs)} turns came by a retry"
        )
        failed = [answer for tab in tabs for answer in tab.answers if answer.status != 200]
        assert {answer.status for answer in failed} <= {NO_ANSWER, *range(500, 600)}
        for answer in failed:
            overlaps = [answer.sent < end and answer.received > begin for begin, end in outages]
            assert any(overlaps), "failed while the database was there"
        # What was answered had been written for good.
        assert server.caught_up() == []
        assert server.endings() == {}


@pytest.mark.full
@only_postgresql
def test_replica_promoted(nodes: list, tmp_path: Path, show: Callable[[str], None]) -> None:
    primary, replica = nodes
    replica.follow(primary)
    replica.start()
    with serving(primary.url, tmp_path / "primary.log", **STRICT) as server:
        # One for each number of lost turns up to CATCH_UP_LIMIT, and for none.
        tabs = [Tab(server.address) for _ in range(11)]
        for tab in tabs:
            tab.gets_on(server.address)
        replica.disconnect(primary)
        for lost, tab in enumerate(tabs):
            for _ in range(lost):
                assert tab.refresh(server.address).status == 200
        newcomer = sign_in(server.address)
        primary.kill(signal.SIGKILL)
    replica.promote()
    with serving(replica.url, tmp_path / "replica.log") as server:
        # The last has several tabs open: they share a token, and all ask at once.
        shared = tabs[-1]
        asked = [later(0, refresh, server.address, shared.token, shared.key)] * 4
        answers = at_once(asked)
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body["refresh"] for answer in answers}) == 1
        for _ in range(2):
            for tab in tabs:
                tab.gets_on(server.address)
        show(
            f"replica promoted after losing the last writes: {len(tabs)} clients got on, "
            f"{len(server.caught_up())} sessions caught up"
        )
        assert sorted(server.caught_up()) == sorted(tab.session for tab in tabs[1:])
        # Not promised: the row of who signed in during the loss is not there at all.
        answer = refresh(server.address, newcomer["refresh"])
        assert (answer.status, answer.body["reason"]) == (401, "session_ended")
        assert server.endings() == {}


def _statuses(tabs: list[Tab]) -> Counter[int]:
    return Counter(answer.status for tab in tabs for answer in tab.answers)


def _in_words(counted: Counter[int]) -> str:
    named = {status: str(status) if status else "unanswered" for status in counted}
    return ", ".join(f"{counted[status]} × {named[status]}" for status in sorted(counted))
