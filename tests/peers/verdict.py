"""Compare a suite without our apps and with them, and say which differences are not explained."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

#: So much of what passes without our apps passes with them.
LEAST = Fraction(98, 100)
MARKS = "<!-- peers -->", "<!-- end -->"
HEADINGS = ("suite", "version", "passes without", "passes with", "per cent", "opens sessions")


@dataclass(frozen=True)
class Found:
    """What came of a run.

    Args:
        outcomes: "passed", "failed" or "skipped", by test id.
        failures: the message of each test that failed.
        opened: the tests that opened a session of ours.
    """

    outcomes: Mapping[str, str]
    failures: Mapping[str, str]
    opened: Sequence[str] = ()

    @property
    def passed(self) -> frozenset[str]:
        return frozenset(test for test, outcome in self.outcomes.items() if outcome == "passed")


@dataclass(frozen=True)
class Difference:
    """A test that is expected to fail with our apps.

    Args:
        test: its id.
        suites: in these.
        reason: why it may.
    """

    test: str
    suites: Sequence[str]
    reason: str


def read_differences(text: str) -> list[Difference]:
    """Return the differences of a TOML document; raise ValueError where one gives no reason."""
    differences = [Difference(**entry) for entry in tomllib.loads(text).get("difference", [])]
    for difference in differences:
        if not difference.reason.strip() or not difference.suites:
            raise ValueError(f"{difference.test}: name its suites and a reason.")
    return differences


@dataclass(frozen=True)
class Verdict:
    """A suite without our apps and with them.

    Args:
        project: whose suite it is.
        version: of it.
        without: the run without our apps.
        with_apps: the run with them.
        explained: the reason of each difference that is expected in this suite, by test id.
    """

    project: str
    version: str
    without: Found
    with_apps: Found
    explained: Mapping[str, str]

    @property
    def kept(self) -> frozenset[str]:
        """What passes without our apps and with them."""
        return self.without.passed & self.with_apps.passed

    @property
    def lost(self) -> list[str]:
        """What passes without our apps only."""
        return sorted(self.without.passed - self.with_apps.passed)

    @property
    def share(self) -> Fraction:
        return Fraction(len(self.kept), len(self.without.passed) or 1)

    @property
    def problems(self) -> list[str]:
        """Why the run fails; empty if it does not."""
        found = []
        if not self.with_apps.opened:
            # An app that does nothing would pass everything.
            found.append("No test opened a session of ours: our apps do nothing here.")
        if self.share < LEAST:
            found.append(f"{_per_cent(self.share)} pass, less than {_per_cent(LEAST)}.")
        for test in self.lost:
            if test not in self.explained:
                found.append(f"{test} fails with our apps, and no reason is given.")
        for test in sorted(set(self.explained) - set(self.lost)):
            found.append(f"{test} is explained, and makes no difference. Delete its entry.")
        return found

    @property
    def row(self) -> list[str]:
        counted = str(len(self.without.passed)), str(len(self.kept))
        opened = str(len(self.with_apps.opened))
        return [self.project, self.version, *counted, _per_cent(self.share), opened]


def _per_cent(share: Fraction) -> str:
    # Never rounded up to a hundred, nor up to what is asked for.
    return f"{int(share * 1000) / 10:g} %"


def write_table(
    page: str, verdicts: Iterable[Verdict], differences: Iterable[Difference], order: Sequence[str]
) -> str:
    """Return the page with these suites in its table, and the differences below it.

    Suites that are not among the verdicts keep their row as long as they are in ``order``, the
    names of all suites.
    """
    first, last = MARKS
    before, found, rest = page.partition(first)
    table, ended, after = rest.partition(last)
    if not found or not ended:
        raise ValueError(f"The page has no place for the table: {first} and, below it, {last}.")
    rows = {_name(row): row for row in _rows(table)}
    rows |= {_name(verdict.row): verdict.row for verdict in verdicts}
    kept = [rows[name] for name in order if name in rows]
    lines = [HEADINGS, ["---", "---", "--:", "--:", "--:", "--:"], *kept]
    parts = ["\n".join(f"| {' | '.join(line)} |" for line in lines)]
    listed = [f"- `{one.test}` ({', '.join(one.suites)}): {one.reason}" for one in differences]
    if listed:
        parts.append("\n".join(listed))
    body = "\n\n".join(parts)
    return f"{before}{first}\n{body}\n{last}{after}"


def _rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[part.strip() for part in line.strip("|").split("|")] for line in lines[2:]]


def _name(row: Sequence[Any]) -> str:
    return f"{row[0]}-{row[1]}"
