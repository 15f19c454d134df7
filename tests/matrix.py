"""The suite on other Pythons, Djangos, DRFs and databases, each in an environment of its own.

    python -m tests.matrix                          # every combination; an hour on two cores
    python -m tests.matrix --only 3.13-6.1-3.18     # one of them
    python -m tests.matrix --write                  # and what was found into docs/support.md

A combination runs what depends on the database on each of its databases, and once, on SQLite,
what no database changes but another Python or Django may. Without the races, the move of a
thousand clients, the import and the gauntlet: ``make test-all`` has them. What no interpreter was
found for is said to be not run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.sizes import FULL

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / ".venv-matrix"
PAGE = ROOT / "docs" / "support.md"
MARKS = "<!-- matrix -->", "<!-- end -->"
ALL = ("SQLite", "PostgreSQL", "MariaDB")


@dataclass(frozen=True)
class Cell:
    """One combination.

    Args:
        python: of the interpreter, as 3.12.
        django: its feature release.
        drf: its feature release.
        databases: to run on.
    """

    python: str
    django: str
    drf: str
    databases: tuple[str, ...] = ("PostgreSQL",)

    def __str__(self) -> str:
        return f"{self.python}-{self.django}-{self.drf}"


# Each Python with the oldest and the newest that it can have, each Django and each DRF with two
# neighbours, each database with the oldest and the newest of all.
CELLS = (
    Cell("3.11", "5.2", "3.16", ALL),
    Cell("3.11", "5.2", "3.18"),
    Cell("3.12", "5.2", "3.17"),
    Cell("3.12", "6.0", "3.17", ("SQLite", "PostgreSQL")),
    Cell("3.12", "6.1", "3.18"),
    Cell("3.13", "5.2", "3.16"),
    Cell("3.13", "6.0", "3.16"),
    Cell("3.13", "6.1", "3.18", ALL),
    Cell("3.14", "6.1", "3.18", ALL),
)
#: `make matrix` is at full size; one cell in `.ci/run` leaves out what takes long.
_SIZE = "" if FULL else " and not full"
_LEFT_OUT = (
    "--ignore=tests/races",
    "--ignore=tests/projects",
    "--ignore=packages/drf-ratchet-compat/tests/compat_tests/adopt",
    "--deselect=packages/drf-ratchet-compat/tests/compat_tests/simplejwt/test_move.py",
)
#: In these is what no database changes, and a Python or a Django may.
_ANYWHERE = (
    "packages/ratchet-tokens/tests/token_tests",
    "tests/browser",
    "packages/ratchet-tokens/tests/verifier_tests",
)


@dataclass
class Run:
    """What came of a cell."""

    cell: Cell
    versions: tuple[str, str, str] = ("", "", "")
    #: For each of the databases, and for "else": what pytest said last.
    said: dict[str, str] = field(default_factory=dict)
    failed: bool = False

    @property
    def row(self) -> list[str]:
        """For the table: versions, then each database."""
        python, django, drf = self.versions
        if not python:
            missing = f"not run: no Python {self.cell.python} here"
            return [self.cell.python, self.cell.django, self.cell.drf, *[missing] * 3, "", ""]
        found = [self.said.get(name, "–") for name in (*ALL, "else")]
        return [python, django, drf, *found, datetime.now(UTC).date().isoformat()]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Run the suite on other versions.")
    parser.add_argument("--only", action="append", choices=[str(cell) for cell in CELLS])
    parser.add_argument("--database", action="append", choices=ALL, help="instead of a cell's")
    parser.add_argument("--has", metavar="PYTHON", help="tell whether there is such a Python")
    parser.add_argument("--write", action="store_true", help="the table of docs/support.md")
    options = parser.parse_args(argv)
    if options.has:
        return interpreter(options.has) is None
    runs = []
    for cell in CELLS:
        if options.only and str(cell) not in options.only:
            continue
        runs.append(_run(cell, options.database or cell.databases))
        if options.write:
            PAGE.write_text(_written(PAGE.read_text(), runs))
    shown = Table(*_HEADINGS)
    for run in runs:
        shown.add_row(*run.row)
    Console().print(shown)
    return any(run.failed for run in runs)


_HEADINGS = ("Python", "Django", "DRF", *ALL, "elsewhere the same", "on")


def _run(cell: Cell, databases: Iterable[str]) -> Run:
    run = Run(cell)
    base = interpreter(cell.python)
    if base is None:
        print(f"== {cell}: no Python {cell.python} here", flush=True)
        return run
    python = _environment(cell, base)
    run.versions = _versions(python)
    print(
        f"== Python {run.versions[0]}, Django {run.versions[1]}, DRF {run.versions[2]}", flush=True
    )
    for name in (*databases, "else"):
        print(f"== {cell}: {name}", flush=True)
        said, failed = _tests(python, name)
        run.said[name], run.failed = said, run.failed or failed
    return run


def interpreter(version: str) -> str | None:
    """The path of a Python that runs and can make environments; None if there is none."""
    home = Path.home() / ".pyenv" / "versions"
    found = sorted(home.glob(f"{version}.*/bin/python{version}"))
    # Each is asked: a version manager's shims exist for versions that it will not run.
    for one in [shutil.which(f"python{version}"), *map(str, found)]:
        if one and _runs(one):
            return one
    return None


def _runs(python: str) -> bool:
    asked = [python, "-c", "import ensurepip, venv"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def _environment(cell: Cell, base: str) -> Path:
    """A new environment with what the tests need, by the lock, and the cell's own versions."""
    home = ENVIRONMENTS / str(cell)
    shutil.rmtree(home, ignore_errors=True)
    print(f"== {cell}: setting up", flush=True)
    subprocess.run([base, "-m", "venv", str(home)], check=True)
    python = home / "bin" / "python"
    pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    locked = ("--require-hashes", "-r", "requirements/dev.txt")
    own = (f"Django=={cell.django}.*", f"djangorestframework=={cell.drf}.*")
    checkout = ("-e", "packages/ratchet-tokens", "-e", ".", "-e", "packages/drf-ratchet-compat")
    for what in (locked, own, ("--no-deps", "--no-build-isolation", *checkout)):
        subprocess.run([*pip, *what], cwd=ROOT, check=True)
    return python


def _versions(python: Path) -> tuple[str, str, str]:
    code = (
        "import platform, django, rest_framework as drf;"
        " print(platform.python_version(), django.__version__, drf.VERSION)"
    )
    done = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    one, two, three = done.stdout.split()
    return one, two, three


def _tests(python: Path, name: str) -> tuple[str, bool]:
    """What pytest said last of one database, and whether it failed."""
    command = [str(python), "-m", "pytest"]
    if name == "else":
        files = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "tests").glob("test_*.py"))
        command += ["-m", f"any_database{_SIZE}", *_ANYWHERE, *files]
    else:
        command += ["-m", f"not any_database{_SIZE}", *_LEFT_OUT]
    if name in ("PostgreSQL", "MariaDB"):
        command = [str(python), "-m", "tests.servers", name.lower(), "--", *command]
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    last = ""
    for line in _shown(process):
        if re.search(r"\d+ (passed|failed|error)", line):
            last = line
    failed = process.wait() != 0
    counted = re.findall(r"(\d+) (passed|failed|error)", last)
    return ", ".join(f"{int(count):,} {what}" for count, what in counted) or "broke off", failed


def _shown(process: subprocess.Popen[str]) -> Iterator[str]:
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        yield line


def _written(page: str, runs: Iterable[Run]) -> str:
    """The page with the rows of these runs in place of those of the same releases."""
    first, last = MARKS
    before, rest = page.split(first)
    table, after = rest.split(last, 1)
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in _rows(table)]
    new = [run.row for run in runs]
    kept = [row for row in rows if _release(row) not in {_release(one) for one in new}]
    order = {str(cell): place for place, cell in enumerate(CELLS)}
    rows = sorted(kept + new, key=lambda row: order.get(_release(row), len(order)))
    lines = [list(_HEADINGS), ["---"] * len(_HEADINGS), *rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{before}{first}\n{text}\n{last}{after}"


def _rows(table: str) -> list[str]:
    return [line for line in table.strip().splitlines() if line.startswith("| 3.")]


def _release(row: list[str]) -> str:
    return "-".join(".".join(version.split(".")[:2]) for version in row[:3])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
