"""Many clients at one session at once, on a real server with several processes."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection

from tests.fixtures import PASSWORD, payload
from tests.races.clients import (
    LOGOUT,
    Answer,
    at_once,
    later,
    protected,
    refresh,
    send,
    sign_in,
)
from tests.races.databases import copy_of
from tests.races.inside import Inside, inside
from tests.races.server import Server, serving
from tests.sizes import few, sized

pytestmark = [pytest.mark.starts, pytest.mark.full]

#: Of all kinds together, on one database.
RACES = sized(120, 12)
KINDS = 5
#: How many clients, and in what part of the races.
CLIENTS = {16: 0.8, 64: 0.2}
#: Seconds over which one client's requests and the ending are spread: about what they take.
SPREAD = 0.006

LEVELS = {
    "postgresql": ["read committed", "repeatable read", "serializable"],
    "mysql": ["read committed", "repeatable read"],
}.get(connection.vendor, [""])


@dataclass(frozen=True)
class Arena:
    """Where the races are run."""

    server: Server
    inside: Inside
    level: str

    @property
    def address(self) -> str:
        return self.server.address


@pytest.fixture(
    scope="module", params=few(LEVELS, LEVELS[0].__eq__), ids=lambda level: level or "autocommit"
)
def arena(
    request: pytest.FixtureRequest, demo_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("races")
    log = folder / "server.log"
    level = {"RACE_ISOLATION": request.param}
    with (
        copy_of(demo_template, folder) as url,
        serving(url, log, **level) as server,
        inside(url, log, **level) as process,
    ):
        yield Arena(server, process, request.param or "autocommit")


@pytest.fixture(params=few(CLIENTS, (16).__eq__))
def clients(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def races(clients: int) -> int:
    return math.ceil(RACES / KINDS / len(LEVELS) * CLIENTS[clients])


@pytest.fixture
def report(
    arena: Arena, clients: int, races: int, show: Callable[[str], None]
) -> Callable[[str, Counter[str]], None]:
    """Show what was counted, and hold the server to having failed nobody."""

    def report(kind: str, counted: Counter[str]) -> None:
        counts = ", ".join(f"{number} {what}" for what, number in sorted(counted.items()))
        where = f"{connection.vendor}, {arena.level}"
        show(f"{kind}, {where}: {races} races of {clients} clients: {counts}")
        assert "Traceback" not in arena.server.text()

    return report


def test_refresh_against_refresh(
    arena: Arena, clients: int, races: int, report: Callable[..., None]
) -> None:
    counted: Counter[str] = Counter()
    for _ in range(races):
        pair = sign_in(arena.address)
        answers = at_once([later(0, refresh, arena.address, pair["refresh"])] * clients)
        _check_no_failure(answers, counted, {200})
        newest = _one_successor(answers)
        _check_alive(arena, random.choice(answers).body["access"], newest)
    report("refresh against refresh", counted)


def test_refresh_against_upgrade_of_the_hash(
    arena: Arena, clients: int, races: int, report: Callable[..., None]
) -> None:
    """A sign-in makes Django rehash the password. No session ends."""
    counted: Counter[str] = Counter()
    for _ in range(races):
        pair = sign_in(arena.address)
        arena.inside("age_password", "alice", PASSWORD)
        refreshes = _spread(refresh, arena, pair["refresh"], clients=clients)
        upgrade = later(_moment(clients), arena.inside.timed, "check_password", "alice", PASSWORD)
        *answers, _ = at_once([*refreshes, upgrade])
        _check_no_failure(answers, counted, {200})
        _check_alive(arena, random.choice(answers).body["access"], _one_successor(answers))
    report("refresh against upgrade of the hash", counted)


def test_refresh_against_logout(
    arena: Arena, clients: int, races: int, report: Callable[..., None]
) -> None:
    counted: Counter[str] = Counter()
    sessions = []
    for _ in range(races):
        pair = sign_in(arena.address)
        sessions.append(payload(pair["refresh"])["sid"])
        body = {"refresh": pair["refresh"]}
        refreshes = _spread(refresh, arena, pair["refresh"], clients=clients - 1)
        logout = later(_moment(clients), send, arena.address, LOGOUT, body)
        *answers, ending = at_once([*refreshes, logout])
        assert ending.status == 200, ending
        _check_ended(arena, answers, (ending.sent, ending.received), "session_ended", pair, counted)
    _check_reasons(arena, sessions, "logout")
    report("refresh against logout", counted)


def test_refresh_against_password_change(
    arena: Arena, clients: int, races: int, report: Callable[..., None]
) -> None:
    counted: Counter[str] = Counter()
    sessions = []
    for _ in range(races):
        pair = sign_in(arena.address)
        sessions.append(payload(pair["refresh"])["sid"])
        refreshes = _spread(refresh, arena, pair["refresh"], clients=clients - 1)
        # A password is hashed with new salt each time: the same one again is a change.
        change = later(_moment(clients), arena.inside.timed, "set_password", "alice", PASSWORD)
        *answers, ending = at_once([*refreshes, change])
        _check_ended(arena, answers, ending, "password_changed", pair, counted)
    _check_reasons(arena, sessions, "password_changed")
    report("refresh against password change", counted)


def test_logout_against_logout(
    arena: Arena, clients: int, races: int, report: Callable[..., None]
) -> None:
    """By three ways, each with a reason of its own: the first one's stands, and alone is told."""
    counted: Counter[str] = Counter()
    sessions = []
    for _ in range(races):
        pair = sign_in(arena.address)
        session = payload(pair["refresh"])["sid"]
        sessions.append(session)
        bearer = {"bearer": pair["access"]}
        ways = [
            later(0, send, arena.address, LOGOUT, {"refresh": pair["refresh"]}),
            later(0, send, arena.address, "/api/logout/all/", **bearer),
            later(0, send, arena.address, f"/api/sessions/{session}/", method="DELETE", **bearer),
        ]
        answers = at_once([ways[number % len(ways)] for number in range(clients)])
        # By the refresh token always 200; by the Bearer 401 where somebody else was first, and
        # 404 where somebody else was first by a moment.
        _check_no_failure(answers, counted, {200, 204, 401, 404})
        assert {answer.status for answer in answers[:: len(ways)]} == {200}
        _check_dead(arena, pair, "session_ended")
    reasons = _check_reasons(arena, sessions, "logout", "logout_all", "revoked")
    counted.update(f"ended by {reason}" for reason in reasons)
    report("logout against logout", counted)


def _spread(call: Callable[..., Any], arena: Arena, *args: str, clients: int) -> list[Any]:
    return [later(_moment(clients), call, arena.address, *args) for _ in range(clients)]


def _moment(clients: int) -> float:
    return random.uniform(0, SPREAD * clients)


def _check_no_failure(answers: Sequence[Answer], counted: Counter[str], allowed: set[int]) -> None:
    counted.update(f"× {answer.status}" for answer in answers)
    others = [answer for answer in answers if answer.status not in allowed]
    assert not others, others


def _one_successor(answers: Sequence[Answer]) -> str:
    """The one next refresh token: a fork would be two."""
    successors = {answer.body["refresh"] for answer in answers if answer.status == 200}
    assert len(successors) == 1, [payload(token) for token in successors]
    return successors.pop()


def _check_alive(arena: Arena, access: str, newest: str) -> None:
    assert protected(arena.address, access).status == 200
    answer = refresh(arena.address, newest)
    assert answer.status == 200, answer
    assert payload(answer.body["refresh"])["gen"] == payload(newest)["gen"] + 1


def _check_ended(
    arena: Arena,
    answers: Sequence[Answer],
    ending: tuple[float, float],
    reason: str,
    pair: dict[str, str],
    counted: Counter[str],
) -> None:
    """Nobody was refused before the ending was asked for, and nobody let through once it was told.

    Args:
        arena: where.
        answers: to refreshes of the same token.
        ending: when it was asked for, and when it was told.
        reason: for which a refresh is refused from then on.
        pair: the tokens that all of them began with.
        counted: to be added to.
    """
    _check_no_failure(answers, counted, {200, 401})
    asked, told = ending
    refused = [answer for answer in answers if answer.status == 401]
    assert {answer.body["reason"] for answer in refused} <= {reason}, refused
    assert all(answer.received > asked for answer in refused), "logged out before the ending"
    after = [answer for answer in answers if answer.sent >= told]
    assert all(answer.status == 401 for answer in after), "minted after the ending"
    counted["sent after the ending"] += len(after)
    minted = [answer for answer in answers if answer.status == 200]
    if minted:
        _one_successor(answers)
        _check_dead(arena, random.choice(minted).body, reason)
    _check_dead(arena, pair, reason)


def _check_dead(arena: Arena, pair: dict[str, str], reason: str) -> None:
    """Neither token of a session that has ended opens anything."""
    answer = refresh(arena.address, pair["refresh"])
    assert (answer.status, answer.body.get("reason")) == (401, reason), answer
    answer = protected(arena.address, pair["access"])
    assert (answer.status, answer.body.get("reason")) == (401, reason), answer


def _check_reasons(arena: Arena, sessions: Sequence[str], *allowed: str) -> list[str]:
    """Each session ended once, by what the log says and for the reason that its row holds."""
    logged = arena.server.endings()
    reasons = []
    for session in sessions:
        stored = arena.inside("session", session)["end_reason"]
        assert logged[session] == [stored], (session, stored, logged[session])
        assert stored in allowed
        reasons.append(stored)
    return reasons
