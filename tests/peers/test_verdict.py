"""`make peers` fails on every difference that nobody has explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.suites import SUITES
from tests.peers.verdict import Difference, Found, Verdict, read_differences, write_table

pytestmark = pytest.mark.any_database

PAGE = "Above.\n<!-- peers -->\n<!-- end -->\nBelow.\n"


def _verdict(
    without: dict[str, str], with_apps: dict[str, str], explained: dict[str, str] | None = None
) -> Verdict:
    with_sessions = Found(with_apps, {}, ["test_0"])
    return Verdict("one", "1.0", Found(without, {}), with_sessions, explained or {})


def _passing(count: int) -> dict[str, str]:
    return {f"test_{number}": "passed" for number in range(count)}


def test_suite_that_passes_twice_has_no_problems() -> None:
    verdict = _verdict(_passing(3), _passing(3))

    assert (verdict.problems, verdict.lost) == ([], [])
    assert verdict.row == ["one", "1.0", "3", "3", "100 %", "1"]


def test_what_fails_without_our_apps_is_not_compared() -> None:
    verdict = _verdict({"a": "passed", "b": "failed"}, {"a": "passed", "b": "passed"})

    assert verdict.row == ["one", "1.0", "1", "1", "100 %", "1"]


@pytest.mark.parametrize("outcome", ["failed", "skipped", None])
def test_difference_without_a_reason_is_a_problem(outcome: str | None) -> None:
    with_apps = _passing(100) | {"test_7": outcome or ""}
    if outcome is None:
        del with_apps["test_7"]

    verdict = _verdict(_passing(100), with_apps)

    assert verdict.lost == ["test_7"]
    assert verdict.problems == ["test_7 fails with our apps, and no reason is given."]


def test_explained_difference_is_no_problem() -> None:
    verdict = _verdict(_passing(100), _passing(99), {"test_99": "as documented"})

    assert verdict.problems == []


@pytest.mark.parametrize("explained", ["test_0", "test_that_is_gone"])
def test_explanation_of_no_difference_is_a_problem(explained: str) -> None:
    verdict = _verdict(_passing(3), _passing(3), {explained: "as documented"})

    assert verdict.problems == [
        f"{explained} is explained, and makes no difference. Delete its entry."
    ]


def test_too_many_differences_are_a_problem_even_if_explained() -> None:
    explained = {f"test_{number}": "as documented" for number in (97, 98, 99)}

    assert _verdict(_passing(100), _passing(97), explained).problems == [
        "97 % pass, less than 98 %."
    ]


def test_apps_that_do_nothing_are_a_problem() -> None:
    verdict = Verdict("one", "1.0", Found(_passing(3), {}), Found(_passing(3), {}), {})

    assert verdict.problems == ["No test opened a session of ours: our apps do nothing here."]


def test_share_is_never_rounded_up() -> None:
    assert _verdict(_passing(10000), _passing(9999)).row[4] == "99.9 %"


def test_difference_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="test_it"):
        read_differences('[[difference]]\ntest = "test_it"\nsuites = ["one-1.0"]\nreason = " "')


def test_differences_name_suites_that_there_are() -> None:
    differences = read_differences(Path(__file__).with_name("differences.toml").read_text())

    assert {suite for one in differences for suite in one.suites} <= {one.name for one in SUITES}


def test_table_keeps_the_suites_that_did_not_run() -> None:
    order = ["zero-1.0", "one-1.0"]
    zero = Verdict("zero", "1.0", Found(_passing(2), {}), Found(_passing(1), {}), {})
    reason = [Difference("test_1", ["zero-1.0"], "as documented")]

    page = write_table(PAGE, [_verdict(_passing(3), _passing(3))], [], order)
    page = write_table(page, [zero], reason, order)

    assert page.splitlines() == [
        "Above.",
        "<!-- peers -->",
        "| suite | version | passes without | passes with | per cent | opens sessions |",
        "| --- | --- | --: | --: | --: | --: |",
        "| zero | 1.0 | 2 | 1 | 50 % | 0 |",
        "| one | 1.0 | 3 | 3 | 100 % | 1 |",
        "",
        "- `test_1` (zero-1.0): as documented",
        "<!-- end -->",
        "Below.",
    ]
    assert write_table(page, [zero], reason, order) == page


def test_page_without_a_place_for_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="<!-- peers -->"):
        write_table("Nothing.", [], [], [])
