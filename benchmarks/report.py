"""What every benchmark here has in common: its options, its table, its JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = (
    *("Django", "djangorestframework", "djangorestframework-simplejwt", "drf-jwt"),
    *(
        "django-rest-knox",
        "drf-sessions",
        "PyJWT",
        "joserfc",
        "cryptography",
        "psycopg",
        "gunicorn",
    ),
)


@dataclass(frozen=True)
class Claim:
    """One row of the table of targets.

    Args:
        what: the claim, with its unit.
        peer: what it is measured against; "" for nothing.
        measured: its spread: min, median, max.
        target: what the median may be.
        at_least: whether it must be that much, and not at most.
    """

    what: str
    peer: str
    measured: Mapping[str, float]
    target: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the median is within the target."""
        median = self.measured["median"]
        return median >= self.target if self.at_least else median <= self.target


def exactly(value: float) -> dict[str, float]:
    """The spread of what was counted and not timed."""
    return {"min": value, "median": value, "max": value}


def parser(description: str, name: str, rounds: int) -> argparse.ArgumentParser:
    """The options of every program here."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--rounds", type=int, default=rounds)
    made.add_argument(
        "--output", type=Path, default=RESULTS / f"{name}.json", help="where the JSON goes"
    )
    return made


def publish(
    options: argparse.Namespace,
    title: str,
    claims: Sequence[Claim],
    times: Mapping[str, Mapping[str, float]] | None = None,
    unit: str = "",
    details: Mapping[str, Any] | None = None,
    postgresql: str = "",
) -> int:
    """Print the tables and write the JSON.

    Args:
        options: of ``parser``.
        title: of the table.
        claims: the rows of the table of targets that this program measures.
        times: what was measured, by contestant.
        unit: of ``times``.
        details: what else goes into the JSON.
        postgresql: the version of the server, if there was one.
    """
    circumstances = machine()
    if postgresql:
        circumstances["postgresql"] = postgresql
    report = {
        "title": title,
        "circumstances": circumstances,
        "rounds": options.rounds,
        "unit": unit,
        "times": times or {},
        "claims": [{**asdict(claim), "met": claim.met} for claim in claims],
        **(details or {}),
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(report, indent=2) + "\n")
    console = Console()
    if times:
        console.print(_times_table(title, times, unit))
    console.print(claims_table(title, report["claims"]))
    return 0


def machine() -> dict[str, Any]:
    """What it was measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": cores,
        "packages": found,
    }


def number(value: float) -> str:
    """Three figures that count, and no exponent."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 4
    return f"{value:,.{digits}f}"


def bound(claim: Mapping[str, Any]) -> str:
    """The target, as a reader has it."""
    return f"{'≥' if claim['at_least'] else '≤'} {number(claim['target'])}"


def claims_table(title: str, claims: Sequence[Mapping[str, Any]]) -> Table:
    """The claims as rows, with whether each is met."""
    table = Table(title=title)
    table.add_column("claim", overflow="fold")
    for heading in ("min", "median", "max", "target", "met"):
        table.add_column(heading, justify="right")
    for claim in claims:
        values = [number(claim["measured"][name]) for name in ("min", "median", "max")]
        table.add_row(claim["what"], *values, bound(claim), "yes" if claim["met"] else "NO")
    return table


def _times_table(title: str, times: Mapping[str, Mapping[str, float]], unit: str) -> Table:
    table = Table(title=f"{title}, {unit}")
    table.add_column("")
    for heading in ("min", "median", "max"):
        table.add_column(heading, justify="right")
    for name, values in times.items():
        table.add_row(name, *(number(values[each]) for each in ("min", "median", "max")))
    return table
