"""How much a run of the tests does.

``FULL=1`` in the environment makes races, fuzzing, searches and moves as large as they are meant to
be: `make test-all`, and CI. Without it they are small, so that a run takes minutes: of a test that
is parametrized with many cases, `CASES` are run, and the others are marked ``full``.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

FULL = os.environ.get("FULL", "") not in ("", "0")
#: Of one parametrized test, how many cases a small run has.
CASES = int(os.environ.get("CASES", "12"))


def sized(full: T, small: T) -> T:
    """Return the size of a test in this run.

    Args:
        full: with ``FULL=1``.
        small: without.
    """
    return full if FULL else small


def few(values: Iterable[T], is_one: Callable[[T], Any]) -> list[Any]:
    """Return parameters of a test, of which `make test` runs a few.

    Args:
        values: all parameters.
        is_one: whether a parameter is one of the few; the others are marked ``full``.
    """
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=() if is_one(value) else pytest.mark.full,
        )
        for value in values
    ]


@pytest.hookimpl(tryfirst=True)  # before pytest's own looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark with ``full`` all but `CASES` of each test, which are evenly spread."""
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if not item.get_closest_marker("full"):
            tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        chosen = {round(n * (len(cases) - 1) / (CASES - 1)) for n in range(CASES)}
        for number, case in enumerate(cases):
            if len(cases) > CASES and number not in chosen:
                case.add_marker("full")
