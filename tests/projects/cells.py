"""Which shapes run under which freshness on which database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.projects.shapes import SHAPES

FRESHNESS = ("immediate", "bounded", "expiry")


class Cell(NamedTuple):
    """One run of the story."""

    shape: str
    freshness: str
    database: str

    def __str__(self) -> str:
        return "-".join(self)


#: Shapes that differ much.
FEW = {
    *("startproject", "camel_case", "schema_per_tenant"),
}


def every() -> list[Cell]:
    """Return all: what ``make gauntlet`` runs."""
    return [
        Cell(name, freshness, database)
        for name, shape in SHAPES.items()
        for database in shape.databases
        for freshness in FRESHNESS
    ]


def pairwise() -> list[Cell]:
    """Return, for each shape, each freshness once and each of its databases: for CI."""
    return list(_pairs())


def _pairs() -> Iterator[Cell]:
    for number, (name, shape) in enumerate(SHAPES.items()):
        kinds = shape.databases
        for place, freshness in enumerate(FRESHNESS):
            yield Cell(name, freshness, kinds[(number + place) % len(kinds)])


def small(database: str) -> list[Cell]:
    """Return a cell of a few shapes that differ much: for ``make test``.

    Args:
        database: of the run.
    """
    return [cell for cell in fast(database) if cell.shape in FEW or database == "mariadb"]


def fast(database: str) -> list[Cell]:
    """Return each shape once, the freshness values by turns: for ``make test-all``.

    Args:
        database: one kind. A shape runs on the first that it names alone; on MariaDB where it
            names that.
    """
    return [
        Cell(name, FRESHNESS[number % len(FRESHNESS)], database)
        for number, (name, shape) in enumerate(SHAPES.items())
        if database in {shape.databases[0], "mariadb"} & set(shape.databases)
    ]


def named(text: str) -> Cell:
    """Return the cell of a name.

    Raises:
        KeyError: there is none.
    """
    return {str(cell): cell for cell in every()}[text]
