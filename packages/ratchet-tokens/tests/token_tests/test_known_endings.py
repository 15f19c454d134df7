"""What is known of ended sessions: kept for as long as it matters, and bounded."""

from uuid import UUID

import pytest

from ratchet_tokens import known_endings
from ratchet_tokens.known_endings import KnownCutOff, KnownEndings

pytestmark = pytest.mark.any_database

NOW = 1_800_000_000


def session(number: int) -> UUID:
    return UUID(int=number)


def learn(
    known: KnownEndings, *numbers: int, forget_at: float = 100, ended_by: float = NOW
) -> None:
    known.add(map(session, numbers), forget_at=forget_at, ended_by=ended_by)


def cut_off(known: KnownEndings, *those: KnownCutOff, forget_at: float = 100) -> None:
    known.cut_off(those, forget_at=forget_at, ended_by=NOW)


def asked(known: KnownEndings, number: int, *, sub: str = "1", iat: float = NOW) -> bool | None:
    return known.has_ended(sub, session(number), iat)


def test_what_was_added_has_ended() -> None:
    known = KnownEndings()
    learn(known, 1, 2)
    assert [asked(known, number) for number in (1, 2, 3)] == [True, True, False]
    assert len(known) == 2


def test_forgotten_once_it_is_too_old() -> None:
    known = KnownEndings()
    learn(known, 1, forget_at=100)
    learn(known, 2, forget_at=200)
    cut_off(known, KnownCutOff("1", session(5)), forget_at=150)
    known.forget(99, 10)
    assert [asked(known, number) for number in (1, 5)] == [True, True]
    known.forget(100, 10)
    assert [asked(known, number) for number in (1, 2, 5)] == [True, True, True]  # by the cut-off
    known.forget(150, 10)
    assert [asked(known, number) for number in (1, 2, 5)] == [False, True, False]
    known.forget(200, 10)
    assert (len(known), len(known._batches), len(known._cut_offs)) == (0, 0, 0)


def test_known_from_when_it_was_first_added() -> None:
    known = KnownEndings()
    learn(known, 1, forget_at=100)
    learn(known, 1, 2, forget_at=200)
    known.forget(100, 10)
    assert [asked(known, number) for number in (1, 2)] == [False, True]


class TestTooMany:
    def test_the_oldest_go_and_tokens_as_old_are_in_doubt(self) -> None:
        known = KnownEndings()
        for number in range(5):
            learn(known, number, ended_by=NOW + number)
        known.forget(0, 3)
        assert len(known) == 3
        assert [asked(known, number, iat=NOW + 1) for number in range(5)] == [
            None,
            None,
            True,
            True,
            True,
        ]
        # Its session cannot have ended before it was issued.
        assert asked(known, 9, iat=NOW + 1) is None
        assert asked(known, 9, iat=NOW + 2) is False

    def test_forgetting_everything_leaves_nothing(self) -> None:
        known = KnownEndings()
        learn(known, 1)
        cut_off(known, KnownCutOff("1", session(5), None, NOW))
        known.forget(0, 0)
        assert len(known) == 0
        assert asked(known, 1) is None
        assert asked(known, 1, iat=NOW + 1) is False

    def test_cut_offs_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(known_endings, "MOST_CUT_OFFS", 2)
        known = KnownEndings()
        for number in range(4):
            one = KnownCutOff(str(number), session(9), None, NOW + number)
            known.cut_off([one], forget_at=100 + number, ended_by=NOW + number)
        cut_off(known, KnownCutOff("", session(5)), forget_at=50)
        known.forget(0, 1000)
        assert set(known._cut_offs) == {"", "2", "3"}
        assert known.complete_since == NOW + 1
        # Everybody's count for tokens that were issued later, too.
        assert asked(known, 5, sub="x", iat=NOW + 100) is True


class TestCutOffs:
    def test_up_to_an_id(self) -> None:
        known = KnownEndings()
        cut_off(known, KnownCutOff("1", session(5)), KnownCutOff("", session(2)))
        assert [asked(known, number) for number in (5, 6)] == [True, False]
        assert [asked(known, number, sub="2") for number in (2, 3)] == [True, False]

    def test_but_for_one(self) -> None:
        known = KnownEndings()
        cut_off(known, KnownCutOff("1", session(5), session(3)))
        assert [asked(known, number) for number in (2, 3, 4)] == [True, False, True]
        cut_off(known, KnownCutOff("1", session(4)))
        assert asked(known, 3) is True

    def test_younger_token_may_belong_to_the_cut_off(self) -> None:
        """Its session may have been opened after it, by a process whose clock is behind."""
        known = KnownEndings()
        cut_off(known, KnownCutOff("1", session(5), None, NOW + 0.5))
        ages = {-1: True, 0: None, 1: None, 3: None, 4: False}
        assert {age: asked(known, 5, iat=NOW + age) for age in ages} == ages

    def test_one_that_is_told_again_is_kept_for_longer(self) -> None:
        known = KnownEndings()
        for forget_at in (100, 200):
            cut_off(known, KnownCutOff("1", session(5)), forget_at=forget_at)
        known.forget(150, 10)
        assert asked(known, 5) is True


def test_an_ending_takes_a_hundred_bytes() -> None:
    import tracemalloc

    known = KnownEndings()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for start in range(0, 100_000, 1000):
            learn(known, *range(start + (1 << 120), start + (1 << 120) + 1000))
        size = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert size / 100_000 < 150
