"""Each cell of the gauntlet under its own name: ``pytest tests/projects -k camel_case``.

GAUNTLET says how many: "fast" (each shape once, where the run's database is the first that it
names), "pairwise" or "all".
"""

import os
from collections.abc import Callable

import pytest

from tests.projects.cells import Cell, every, fast, pairwise
from tests.projects.report import PROPERTY
from tests.projects.run import tell


def _chosen() -> list[Cell]:
    if (choice := os.environ.get("GAUNTLET", "fast")) != "fast":
        return {"pairwise": pairwise, "all": every}[choice]()
    url = os.environ.get("DATABASE_URL", "sqlite")
    return fast({"postgres": "postgresql", "mysql": "mariadb"}.get(url.partition(":")[0], "sqlite"))


@pytest.mark.parametrize("cell", _chosen(), ids=str)
def test_story(cell: Cell, record_property: Callable[[str, object], None]) -> None:
    told = tell(cell)
    record_property(PROPERTY, [*cell, told.requests, sorted(told.wrong)])
    wrong = "\n\n".join(f"{step}: {text}" for step, text in told.wrong.items())
    if wrong or not told.steps:
        pytest.fail(f"{cell}\n\n{wrong or 'No story was told.'}", pytrace=False)
