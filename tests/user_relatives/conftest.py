"""Each test here runs in a process of its own settings: Django takes one user model for each."""

import os
from pathlib import Path

import pytest

from tests.in_its_own_process import run_item_elsewhere

SETTINGS = "tests.user_relatives.settings"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """In the process of the whole run, have another one run the test."""
    if os.environ["DJANGO_SETTINGS_MODULE"] == SETTINGS or not _is_here(item):
        return None  # it is called for the whole run
    together = [one for one in item.session.items if _is_here(one)]
    run_item_elsewhere(item, nextitem, together, "user-relatives", SETTINGS)
    return True


def _is_here(item: pytest.Item) -> bool:
    return item.path.parent == Path(__file__).parent
