"""The model check: everything that an owner, a thief and a failover can do, in every order.

Exhaustive, breadth first, each world once. Most searches end by themselves: nothing new is left to
reach, and the result holds for any number of steps. Where a promise is not true without a
condition, the shortest way to break it is found here too: the condition is known to be needed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from drf_ratchet.sessions.rotation import Decision, Outcome, SessionState, decide
from tests.sessions.model import (
    NO_KEY,
    OWNERS_KEY,
    THIEFS_KEY,
    Variant,
    World,
    canonical,
    first_world,
    steps,
)
from tests.sizes import few, sized

FORK = "not the one next token"
WENT_BACK = "the counter went back"
CAME_BACK = "an ended session came back"
NOT_ENDED = "refused and not ended"
LOGGED_OUT = "the owner is logged out"
SHARED = "shared for longer than the grace period"
SHARED_WITHOUT_KEY = "shared for longer, without the turn's key"

OWNER = Variant(in_time="each read")
ROBBED = Variant(tabs=1, thiefs_keys=(NO_KEY, THIEFS_KEY))
ROBBED_OF_KEY = replace(ROBBED, thiefs_keys=(*ROBBED.thiefs_keys, OWNERS_KEY))


@dataclass(frozen=True)
class Found:
    """What a search came to; ``violations`` has the shortest trace to each."""

    states: int
    depth: int
    complete: bool
    violations: dict[str, list[str]]

    def __str__(self) -> str:
        end = "all there are" if self.complete else "all within that depth"
        return f"{self.states:,} states, depth {self.depth}, {end}"


def search(variant: Variant, *, depth: int = 1000, stop_at: str = "") -> Found:
    """Visit every world within ``depth`` steps, or until a violation is found."""
    start = first_world(variant)
    came_from: dict[World, tuple[World, str] | None] = {start: None}
    violations: dict[str, list[str]] = {}
    frontier, reached_depth = [start], 0
    while frontier and reached_depth < depth and stop_at not in violations:
        reached = []
        for world in frontier:
            for label, following, wrongs in steps(world, variant):
                for wrong in wrongs:
                    if wrong not in violations:
                        violations[wrong] = [*trace(came_from, world), label]
                after = canonical(following)
                if after not in came_from:
                    came_from[after] = (world, label)
                    reached.append(after)
        frontier = reached
        reached_depth += bool(reached)
    return Found(len(came_from), reached_depth, not frontier, violations)


def trace(came_from: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    labels = []
    while step := came_from[world]:
        world, label = step
        labels.append(label)
    return labels[::-1]


#: name: who takes part, how many steps (None: any number), and what is broken, which is what the
#: promises say is not promised.
SEARCHES: dict[str, tuple[Variant, int | None, set[str]]] = {
    # Whatever answers are lost, and however late the retry.
    "the owner, 2 tabs": (OWNER, None, set()),
    "the owner, 3 tabs": (replace(OWNER, tabs=3), sized(18, 14), set()),
    # An owner whose session a thief uses is logged out: that is what is wanted.
    "a thief of tokens, 1 tab": (ROBBED, None, {LOGGED_OUT, SHARED}),
    "a thief of tokens, 2 tabs": (replace(ROBBED, tabs=2), sized(9, 8), {LOGGED_OUT, SHARED}),
    "a thief of tokens and keys, 1 tab": (ROBBED_OF_KEY, sized(10, 8), {LOGGED_OUT, SHARED}),
    # More than is promised: a failover that loses turns, but no ending, logs no owner out.
    "the owner, a failover, 2 tabs": (replace(OWNER, restore="turns"), None, set()),
    # The stated exception.
    "the owner, a restore from before the end": (
        replace(OWNER, restore="ending"), None, {CAME_BACK},
    ),
    # A failover that loses a turn forgets that the token was used, and who used it first.
    "a thief of tokens, a failover, 1 tab": (
        replace(ROBBED, restore="turns"), 9, {LOGGED_OUT, SHARED, SHARED_WITHOUT_KEY},
    ),
}  # fmt: skip
#: The quick ones.
FEW = {"the owner, 2 tabs", "a thief of tokens, 2 tabs", "a thief of tokens and keys, 1 tab"}


@pytest.mark.parametrize("name", few(SEARCHES, FEW.__contains__))
def test_promises(name: str, show: Callable[[str], None]) -> None:
    variant, depth, expected = SEARCHES[name]
    found = search(variant, depth=depth or 1000)
    show(f"model check, {name}: {found}")
    assert found.violations.keys() == expected, found.violations
    assert found.complete == (depth is None)


def test_a_recognised_retry_may_come_late_to_a_token_that_a_thief_has_shared() -> None:
    """Not true: "two holders of one token, more than the grace period apart, end the session".

    A thief who is quick shares the turn's grace period; the owner, whose answer was lost, comes
    later with the key of the turn, which is what a lost answer looks like. True is: of all that
    present a token after the grace period of its turn, only who has the turn's key gets on
    (SHARED_WITHOUT_KEY is in none of the searches above without a restore). Both then hold the
    same next token, and the next turn shows them.
    """
    found = search(replace(ROBBED, thiefs_keys=(NO_KEY,)), stop_at=SHARED)
    assert found.violations[SHARED] == [
        "tab sends",
        "tab owner +0 owner's key: advance",
        "tab owner +0 owner's key: turns",
        "tab loses the answer, retries",
        "thief -1 no key: repeat",
        "tick",
        "tick",
        "tab owner -1 owner's key: repeat",
    ]


def test_two_refreshes_during_one_request_log_the_owner_out() -> None:
    """It is not enough that an attempt *arrives* before two further turns.

    It has read the row and is about to turn it. Another tab turns it first, gets the answer and
    turns it again; the attempt has lost its race, reads again, and is two behind.
    """
    found = search(replace(OWNER, in_time="arrives"), stop_at=LOGGED_OUT)
    race = [step for step in found.violations[LOGGED_OUT] if "owner" in step]
    assert race == [
        "tab owner +0 owner's key: advance",
        "tab owner +0 owner's key: advance",
        "tab owner +0 owner's key: turns",
        "tab owner +0 owner's key: advance",
        "tab owner -1 owner's key: lost race",
        "tab owner +0 owner's key: turns",
        "tab owner -2 owner's key: reuse",
    ]


def test_a_client_that_lets_a_late_answer_overwrite_a_newer_token() -> None:
    """It then sends the old token with a new key, as a thief would."""
    found = search(replace(OWNER, stores_in_order=False), stop_at=LOGGED_OUT)
    assert found.violations[LOGGED_OUT][-3:] == [
        "tab gets -1",
        "tab sends",
        "tab owner -1 owner's other key: reuse",
    ]


def test_without_a_key_a_lost_answer_and_a_late_retry_log_out() -> None:
    found = search(replace(OWNER, owners_key=NO_KEY), stop_at=LOGGED_OUT)
    assert found.violations[LOGGED_OUT][-1] == "tab owner -1 no key: reuse"


def test_a_restore_from_before_the_end_brings_the_session_back() -> None:
    found = search(replace(OWNER, restore="ending"), stop_at=CAME_BACK)
    assert found.violations[CAME_BACK][:2] == ["logout", "restore 1"]


# That the checker can fail: rules and a store that are wrong, and what each of them breaks.


def repeats_for_ever(state: SessionState, generation: int, **options: Any) -> Decision:
    if generation == state.generation - 1 and not state.ended:
        return Decision(Outcome.REPEAT, state.generation)
    return decide(state, generation, **options)


def turns_again_from_the_last(state: SessionState, generation: int, **options: Any) -> Decision:
    if generation == state.generation - 1 and not state.ended:
        return Decision(Outcome.ADVANCE, state.generation + 1)
    return decide(state, generation, **options)


def ended_is_not_looked_at(state: SessionState, generation: int, **options: Any) -> Decision:
    return decide(replace(state, ended=False), generation, **options)


def knows_no_keys(state: SessionState, generation: int, **options: Any) -> Decision:
    return decide(replace(state, key_hash=""), generation, **options)


def takes_any_key(state: SessionState, generation: int, **options: Any) -> Decision:
    return decide(state, generation, **{**options, "key_hash": state.key_hash})


def refuses_and_ends_nothing(state: SessionState, generation: int, **options: Any) -> Decision:
    return replace(decide(state, generation, **options), ending=None)


def never_catches_up(state: SessionState, generation: int, **options: Any) -> Decision:
    return decide(state, generation, **{**options, "catch_up_limit": 0})


BROKEN = {
    "repeats for ever": (ROBBED, repeats_for_ever, SHARED_WITHOUT_KEY),
    "turns again from the last": (OWNER, turns_again_from_the_last, FORK),
    "ended is not looked at": (OWNER, ended_is_not_looked_at, CAME_BACK),
    "knows no keys": (OWNER, knows_no_keys, LOGGED_OUT),
    "takes any key": (ROBBED, takes_any_key, SHARED_WITHOUT_KEY),
    "refuses and ends nothing": (ROBBED, refuses_and_ends_nothing, NOT_ENDED),
    "never catches up": (replace(OWNER, restore="turns"), never_catches_up, LOGGED_OUT),
    "writes blindly": (replace(OWNER, compare_and_set=False), decide, WENT_BACK),
    "writes blindly over an ending": (replace(OWNER, compare_and_set=False), decide, CAME_BACK),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_check_can_fail(name: str) -> None:
    variant, rule, violation = BROKEN[name]
    assert violation in search(replace(variant, decide=rule), stop_at=violation).violations
