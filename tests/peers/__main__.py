"""Run the tests of other packages, unmodified, without our apps and with them.

    python -m tests.peers                             # all of them
    python -m tests.peers --only simplejwt-5.5.1      # one of them
    python -m tests.peers --app bridge                # with another app than the bridge
    python -m tests.peers --write                     # and the table into docs/migrating.md

A source distribution is downloaded once, into build/peers, and its tests run in the environment of
this process. They fail if less than 98 % of what passes without our apps passes with them, if
``differences.toml`` does not explain a difference, if it explains one that is not there, or if no
test opened a session of ours: a bridge that does nothing passes everything.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.peers.suites import CACHE, ROOT, SUITES, SuiteBroken, run, unpack
from tests.peers.verdict import HEADINGS, Difference, Verdict, read_differences, write_table

BRIDGE = "drf_ratchet_compat.simplejwt"
DIFFERENCES = Path(__file__).with_name("differences.toml")
PAGE = ROOT / "docs" / "migrating.md"


def main(argv: Sequence[str]) -> int:
    """Return the exit code: 1 if a suite has a problem."""
    names = [suite.name for suite in SUITES]
    parser = argparse.ArgumentParser(
        prog="python -m tests.peers", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--only", action="append", choices=names, help="may be repeated")
    parser.add_argument("--app", default=BRIDGE, help="instead of %(default)s")
    parser.add_argument(
        "--settings", type=json.loads, default={}, metavar="JSON", help="added beside our apps"
    )
    parser.add_argument("--write", action="store_true", help="the table of docs/migrating.md")
    options = parser.parse_args(argv)

    console = Console(soft_wrap=True)
    differences = read_differences(DIFFERENCES.read_text())
    for unknown in sorted({name for one in differences for name in one.suites} - set(names)):
        parser.error(f"{DIFFERENCES.name}: there is no suite {unknown}.")
    chosen = [suite for suite in SUITES if suite.name in (options.only or names)]
    apps = ["drf_ratchet", options.app]
    # One processor for each of the two.
    with ThreadPoolExecutor(2) as pool:
        runs = []
        try:
            for suite in chosen:
                unpack(suite)
                without = pool.submit(run, suite)
                runs.append((suite, without, pool.submit(run, suite, apps, options.settings)))
            verdicts = [
                Verdict(
                    suite.name.removesuffix(f"-{suite.version}"),
                    suite.version,
                    without.result(),
                    with_apps.result(),
                    explained(differences, suite.name),
                )
                for suite, without, with_apps in runs
            ]
        except SuiteBroken as broken:
            pool.shutdown(cancel_futures=True)
            console.print(escape(str(broken)))
            return 1

    table = Table(*HEADINGS)
    for verdict in verdicts:
        table.add_row(*verdict.row)
    console.print(table)
    for verdict in verdicts:
        _print_details(console, verdict)
    if options.write:
        PAGE.write_text(write_table(PAGE.read_text(), verdicts, differences, names))
    return any(verdict.problems for verdict in verdicts)


def explained(differences: Sequence[Difference], name: str) -> dict[str, str]:
    """Return the reasons of the differences in one suite, by test id."""
    return {one.test: one.reason for one in differences if name in one.suites}


def _print_details(console: Console, verdict: Verdict) -> None:
    if not verdict.lost and not verdict.problems:
        return
    name = f"{verdict.project}-{verdict.version}"
    console.print(f"\n{name}, in full: {CACHE.relative_to(ROOT) / name}-with.log")
    for test in verdict.lost:
        console.print(f"  {escape(test)}")
        console.print(f"    {escape(verdict.with_apps.failures.get(test, 'did not run'))}")
        if test in verdict.explained:
            console.print(f"    expected: {escape(verdict.explained[test])}")
    for problem in verdict.problems:
        console.print(f"  [red]{escape(problem)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
