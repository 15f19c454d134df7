"""The tests of the import, in a process of its own: they need simplejwt's tables."""

import re
from collections.abc import Callable

from tests.in_its_own_process import run_tests


def test_with_simplejwts_tables(show: Callable[[str], None]) -> None:
    printed = run_tests(
        "compat_tests.adopt.settings",
        "packages/drf-ratchet-compat/tests/compat_tests/adopt/with_simplejwt.py",
    )
    measured = re.search(r"measured: (.+)", printed)
    assert measured
    show(measured[1])
