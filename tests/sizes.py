"""How much a run of the tests does.

``FULL=1`` in the environment makes races, fuzzing, searches and moves as large as they are meant to
be: `make test-all`, and CI. Without it they are small, so that a run takes minutes.
"""

import os
from typing import TypeVar

T = TypeVar("T")

FULL = os.environ.get("FULL", "") not in ("", "0")


def sized(full: T, small: T) -> T:
    """Return the size of a test in this run.

    Args:
        full: with ``FULL=1``.
        small: without.
    """
    return full if FULL else small
