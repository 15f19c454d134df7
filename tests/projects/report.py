"""The gauntlet's table, in the summary of a run and in docs/support.md."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.projects.cells import FRESHNESS, every
from tests.projects.shape import OWN
from tests.projects.shapes import SHAPES

PROPERTY = "gauntlet"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "support.md"
MARKS = "<!-- gauntlet -->", "<!-- end of the gauntlet -->"
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}

HEADS = ["shape", "what it has", *DATABASES.values()]

#: A cell's shape, freshness and database, its requests, and the steps that went wrong.
Row = tuple[str, str, str, list[Any], list[str]]


def pytest_sessionfinish(session: Any) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not hasattr(session.config, "workerinput") and unexplained(_told(reporter)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told = _told(terminalreporter)
    if not told:
        return
    terminalreporter.section("the gauntlet")
    if os.environ.get("GAUNTLET", "small") not in ("small", "fast"):
        for line in table(told):
            terminalreporter.write_line(line)
        for line in unexplained(told):
            terminalreporter.write_line(line)
    terminalreporter.write_line(total(told))
    if os.environ.get("GAUNTLET") == "all":
        PAGE.write_text(written(PAGE.read_text(), told))


def _told(terminalreporter: Any) -> list[Row]:
    return [
        tuple(value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == PROPERTY
    ]


def total(told: list[Row]) -> str:
    """Return how much was told, in a line."""
    shapes = len({shape for shape, *_ in told})
    requests = sum(len(asked) for *_, asked, _ in told)
    wrong = [f"{shape}-{freshness}-{base}" for shape, freshness, base, _, bad in told if bad]
    faults = f"faults in {', '.join(wrong)}" if wrong else "no fault"
    return f"{shapes} shapes, {len(told)} cells, {requests:,} requests: {faults}"


def table(told: Iterable[Row]) -> list[str]:
    """Return a line for each shape: requests by database, and where something went wrong."""
    cells: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for shape, freshness, database, asked, wrong in sorted(told, key=_order):
        text = f"{len(asked):,}" if asked else "refused"
        if wrong:
            text = f"{freshness} WRONG: {', '.join(wrong)}"
        cells[shape][DATABASES[database]].append(text)
    rows = [
        [name, shape.what, *(" / ".join(cells[name].get(one, ["–"])) for one in DATABASES.values())]
        for name, shape in SHAPES.items()
        if name in cells
    ]
    return [_line(row) for row in (HEADS, ["---"] * len(HEADS), *rows)]


def _line(parts: Iterable[str]) -> str:
    return f"| {' | '.join(parts)} |"


def unexplained(told: Iterable[Row]) -> list[str]:
    """Return the requests that cost more statements than their freshness explains.

    Our own endpoints cost the same under each. A project's view costs one more with "immediate".
    """
    by_request: dict[tuple[str, str, str, str], dict[str, set[int]]] = {}
    for shape, freshness, database, asked, _ in told:
        for step, request, statements in asked:
            kind = (shape, database, step, _without_ids(request))
            by_request.setdefault(kind, {}).setdefault(freshness, set()).add(statements)
    return [
        f"{' '.join(kind)} costs {', '.join(f'{one}: {sorted(costs[one])}' for one in costs)}"
        for kind, costs in by_request.items()
        if not _is_explained(kind[-1], costs)
    ]


def _is_explained(request: str, costs: dict[str, set[int]]) -> bool:
    path = request.partition(" ")[2]
    if path.split("/")[0] not in OWN:
        return len({frozenset(each) for each in costs.values()}) == 1
    return all(max(each) <= max(costs.get("immediate", each)) for each in costs.values())


def written(page: str, told: list[Row]) -> str:
    """Return the page with the rows of the shapes that were told whole; the others stay."""
    first, last = MARKS
    before, rest = page.split(first)
    old, after = rest.split(last, 1)
    lines = old.strip().splitlines()
    rows = {_name(line): line for line in lines if line.startswith("| ")}
    asked = Counter(shape for shape, *_ in told)
    due = Counter(cell.shape for cell in every())
    rows |= {_name(line): line for line in table(told) if asked[_name(line)] == due[_name(line)]}
    known = [
        rows.get(name, _line([name, shape.what, *["–"] * len(DATABASES)]))
        for name, shape in SHAPES.items()
    ]
    said = lines[-1] if lines and not lines[-1].startswith("|") else "It was not run whole yet."
    if asked == due:
        said = f"{total(told)}. On {datetime.now(UTC).date().isoformat()}."
    text = "\n".join([_line(HEADS), _line(["---"] * len(HEADS)), *known, "", said])
    return f"{before}{first}\n{text}\n{last}{after}"


def _name(line: str) -> str:
    return line.split("|")[1].strip()


def _order(row: Row) -> int:
    return FRESHNESS.index(row[1])


def _without_ids(request: str) -> str:
    parts = request.split("/")
    return "/".join("…" if len(part) > 30 or part.isdigit() else part for part in parts)
