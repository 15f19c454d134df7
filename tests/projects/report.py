"""The gauntlet's table in the summary of a run: shapes by freshness and database."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Any

PROPERTY = "gauntlet"

#: What differs by freshness, as docs/guarantees.md says: requests by an access token.
_DIFFER = ("GET",)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if not told:
        return
    terminalreporter.section("the gauntlet")
    requests = sum(len(asked) for *_, asked, _ in told)
    wrong = sum(bool(steps) for *_, steps in told)
    shapes = len({shape for shape, *_ in told})
    if os.environ.get("GAUNTLET", "fast") != "fast":
        for line in table(told):
            terminalreporter.write_line(line)
    terminalreporter.write_line(
        f"{shapes} shapes, {len(told)} cells, {requests:,} requests, {wrong} cells with a fault"
    )


def table(told: list[Any]) -> list[str]:
    """Return the lines of the table: the number of requests, and the steps that went wrong."""
    columns = sorted({(database, freshness) for _, freshness, database, *_ in told}, key=_order)
    cells: dict[str, dict[Any, str]] = defaultdict(dict)
    for shape, freshness, database, asked, wrong in told:
        text = f"{len(asked)}" + (f" WRONG: {', '.join(wrong)}" if wrong else "")
        cells[shape][database, freshness] = text
    heads = ["shape", *(f"{database} {freshness}" for database, freshness in columns)]
    rows = [[shape, *(row.get(column, "–") for column in columns)] for shape, row in cells.items()]
    return [f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *rows)]


def _order(column: tuple[str, str]) -> tuple[str, int]:
    database, freshness = column
    return ("" if database == "sqlite" else database), ("immediate", "bounded", "expiry").index(
        freshness
    )
