"""How much a run of the tests does.

``FULL=1`` in the environment makes races, fuzzing, searches and moves as large as they are meant to
be: `make test-all`, and CI. Without it they are small, so that a run takes minutes.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

FULL = os.environ.get("FULL", "") not in ("", "0")


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
