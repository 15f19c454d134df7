"""The rule: every row of the design's table, and that it cannot fork."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.rotation import Decision, Outcome, SessionState, decide
from ratchet_tokens.errors import Reason

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(seconds=10)
SECOND = timedelta(seconds=1)


def state(**changes: Any) -> SessionState:
    """A living session that turned to generation 5 a minute ago."""
    defaults = {
        "generation": 5,
        "rotates": True,
        "rotated_at": NOW - timedelta(minutes=1),
        "expires_at": NOW + timedelta(days=1),
    }
    return SessionState(**{**defaults, **changes})


def ruling(
    row: SessionState | None, generation: int, key_hash: str = "", grace: timedelta = GRACE
) -> Decision:
    return decide(row, generation, now=NOW, grace=grace, catch_up_limit=10, key_hash=key_hash)


def refuse(reason: Reason, ending: EndReason | None = None) -> Decision:
    return Decision(Outcome.REFUSE, reason=reason, ending=ending)


REUSE = Decision(Outcome.REUSE, reason=Reason.REUSED, ending=EndReason.REUSE)
NO_SESSION = refuse(Reason.SESSION_ENDED)
INACTIVE = refuse(Reason.USER_INACTIVE, EndReason.USER_INACTIVE)
CHANGED = refuse(Reason.PASSWORD_CHANGED, EndReason.PASSWORD_CHANGED)
AHEAD = refuse(Reason.SESSION_ENDED, EndReason.TOO_FAR_AHEAD)

JUST_TURNED = {"rotated_at": NOW - GRACE + SECOND}
GRACE_OVER = {"rotated_at": NOW - GRACE}

TABLE = {
    "no such row": (None, 5, "", NO_SESSION),
    "ended": (state(ended=True), 5, "", NO_SESSION),
    "idle for too long": (state(expires_at=NOW), 5, "", refuse(Reason.EXPIRED)),
    "a second before that": (state(expires_at=NOW + SECOND), 5, "", Decision(Outcome.ADVANCE, 6)),
    "of another user": (state(is_of_subject=False), 5, "", NO_SESSION),
    "user inactive": (state(user_active=False), 5, "", INACTIVE),
    "ended by a new password": (
        state(ended=True, end_reason="password_changed"), 5, "", refuse(Reason.PASSWORD_CHANGED),
    ),
    "user inactive, ended": (
        state(user_active=False, ended=True), 5, "", refuse(Reason.USER_INACTIVE),
    ),
    "user gone": (state(user_active=False, is_of_subject=False), 5, "", INACTIVE),
    "password changed": (state(password_unchanged=False), 5, "", CHANGED),
    "refused before it is called reuse": (state(ended=True), 1, "", NO_SESSION),
    "current": (state(), 5, "", Decision(Outcome.ADVANCE, 6)),
    "current, with the key of the last turn": (
        state(key_hash="k"), 5, "k", Decision(Outcome.ADVANCE, 6),
    ),
    "current, not rotating": (state(rotates=False), 5, "", Decision(Outcome.HOLD, 5)),
    "last, in the grace period": (state(**JUST_TURNED), 4, "", Decision(Outcome.REPEAT, 5)),
    "last, as the grace period ends": (state(**GRACE_OVER), 4, "", REUSE),
    "last, later, same key": (state(key_hash="k"), 4, "k", Decision(Outcome.REPEAT, 5)),
    "last, later, other key": (state(key_hash="k"), 4, "x", REUSE),
    "last, later, no key": (state(key_hash="k"), 4, "", REUSE),
    "last, later, never a key": (state(), 4, "", REUSE),
    "last, in the grace period, other key": (
        state(key_hash="k", **JUST_TURNED), 4, "x", Decision(Outcome.REPEAT, 5),
    ),
    "two behind, in the grace period": (state(**JUST_TURNED), 3, "", REUSE),
    "two behind, same key": (state(key_hash="k"), 3, "k", REUSE),
    "behind, no longer rotating": (state(rotates=False), 3, "", REUSE),
    "one ahead": (state(), 6, "", Decision(Outcome.CATCH_UP, 7)),
    "ahead by the limit": (state(), 15, "", Decision(Outcome.CATCH_UP, 16)),
    "ahead by more": (state(), 16, "", AHEAD),
}  # fmt: skip


@pytest.mark.parametrize(("row", "generation", "key", "expected"), TABLE.values(), ids=TABLE)
def test_table(row: SessionState | None, generation: int, key: str, expected: Decision) -> None:
    assert ruling(row, generation, key) == expected


def test_zero_grace_refuses_every_reuse() -> None:
    row = state(rotated_at=NOW)
    assert ruling(row, 4, grace=timedelta(0)) == REUSE


def test_the_database_clock_may_step_back() -> None:
    """A turn that seems to lie ahead was made a moment ago."""
    assert ruling(state(rotated_at=NOW + SECOND), 4).outcome is Outcome.REPEAT


@pytest.mark.parametrize(
    ("seconds", "outcome"), [(0, Outcome.REUSE), (60, Outcome.REUSE), (61, Outcome.REPEAT)]
)
def test_a_retry_by_key_may_have_an_end(seconds: int, outcome: Outcome) -> None:
    """The row turned a minute ago."""
    row, window = state(key_hash="k"), timedelta(seconds=seconds)
    given: Any = {"now": NOW, "catch_up_limit": 10, "key_hash": "k", "retry_window": window}
    assert decide(row, 4, grace=GRACE, **given).outcome is outcome
    # The grace period asks for no key, and has its own end.
    assert decide(row, 4, grace=timedelta(seconds=61), **given).outcome is Outcome.REPEAT


states = st.builds(
    state,
    generation=st.integers(1, 30),
    rotates=st.booleans(),
    rotated_at=st.integers(-20, 20).map(lambda s: NOW - timedelta(seconds=s)),
    expires_at=st.integers(-5, 5).map(lambda s: NOW + timedelta(seconds=s)),
    ended=st.booleans(),
    key_hash=st.sampled_from(["", "a", "b"]),
    is_of_subject=st.booleans(),
    user_active=st.booleans(),
    password_unchanged=st.booleans(),
)


@given(states, st.sampled_from(["", "a", "b"]), st.integers(0, 20))
def test_one_next_token(row: SessionState, key: str, grace_seconds: int) -> None:
    """From any state, all tokens the row's own past can have signed lead to one next token.

    A token handed out without turning the counter is the current one; a turn goes to the one
    after it. So at most one further token exists, whoever asks and in whatever order.
    """
    grace = timedelta(seconds=grace_seconds)
    rulings = [ruling(row, g, key, grace) for g in range(row.generation + 1)]
    turned_to = {r.generation for r in rulings if r.advances}
    repeated = {r.generation for r in rulings if r.outcome in (Outcome.REPEAT, Outcome.HOLD)}
    assert turned_to <= {row.generation + 1}
    assert repeated <= {row.generation}


@given(states, st.integers(0, 60), st.sampled_from(["", "a"]))
def test_the_counter_only_goes_up(row: SessionState, generation: int, key: str) -> None:
    decision = ruling(row, generation, key)
    if decision.advances:
        assert decision.generation > row.generation
        assert decision.generation == generation + 1
    refused = decision.outcome in (Outcome.REFUSE, Outcome.REUSE)
    assert refused == (decision.reason is not None) == (decision.generation == 0)


@given(states, st.integers(0, 60))
def test_an_ended_session_gives_nothing(row: SessionState, generation: int) -> None:
    decision = ruling(row, generation)
    if row.ended or row.expires_at <= NOW or not row.user_active:
        assert decision.outcome is Outcome.REFUSE
