"""Each cell of the gauntlet under its own name: ``pytest tests/projects -k camel_case``.

GAUNTLET says how many: "small" (a few shapes on the run's database, and a part of the malformed
bodies), "fast" (each shape once, on SQLite or PostgreSQL, and that part), "pairwise" or "all".
"""

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.projects import report, run
from tests.projects.cells import Cell, every, fast, pairwise, small
from tests.projects.shapes import SHAPES

CHOICE = os.environ.get("GAUNTLET", "small")


def _chosen() -> list[Cell]:
    if CHOICE == "fast":
        return [*fast("sqlite"), *fast("postgresql")]
    if CHOICE != "small":
        return {"pairwise": pairwise, "all": every}[CHOICE]()
    scheme = os.environ.get("DATABASE_URL", "sqlite").partition(":")[0]
    return small({"mysql": "mariadb"}.get(scheme, scheme))


def _marked(cell: Cell) -> Any:
    # Its tenants are many servers, for which `make test` has no time.
    is_long = CHOICE == "small" and cell.shape == "schema_per_tenant"
    return pytest.param(cell, marks=pytest.mark.full if is_long else (), id=str(cell))


@pytest.mark.starts
@pytest.mark.parametrize("cell", [_marked(cell) for cell in _chosen()])
def test_story(cell: Cell, record_property: Callable[[str, object], None]) -> None:
    if missing := run.missing(cell):
        pytest.skip(missing)
    told = run.tell(cell, full=CHOICE not in ("small", "fast"))
    record_property(report.PROPERTY, [*cell, told.requests, sorted(told.wrong)])
    wrong = "\n\n".join(f"{step}: {text}" for step, text in told.wrong.items())
    if wrong or not told.steps:
        pytest.fail(f"{cell}\n\n{wrong or 'No story was told.'}", pytrace=False)


@pytest.mark.any_database
def test_page_has_every_shape() -> None:
    first, last = report.MARKS
    told = report.PAGE.read_text().split(first)[1].split(last)[0]
    named = {line.split("|")[1].strip() for line in told.splitlines() if line.startswith("| ")}
    assert named - {"shape", "---"} == SHAPES.keys()
