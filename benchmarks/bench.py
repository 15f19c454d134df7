"""All the quick benchmarks, and the table of targets.

    python benchmarks/bench.py

Each program says how it measures. ``--only`` takes some of them; ``--table`` runs none and shows
what the last runs wrote. Those of ``make bench-scale`` take an hour and more: here they run with
a hundredth of the rows, and the table shows what the last long run wrote beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

from report import RESULTS, claims_table
from rich.console import Console

HERE = RESULTS.parent
#: Each program, its arguments, and the name of its JSON.
QUICK = {
    "authenticated": ("authenticated.py",),
    "refreshing": ("refreshing.py",),
    "signing_in": ("signing_in.py",),
    "verifying": ("verifying.py",),
    "importing": ("importing.py",),
    "memory": ("memory.py",),
    "throughput": ("throughput.py",),
    "growth-quick": ("growth.py", "--sessions=200", "--refreshes=10000"),
    "scale-quick": ("scale.py", "--sessions=100000", "--ended=10000", "--refreshes=2000"),
}
LONG = {
    "growth": ("growth.py", "--sessions=10000", "--refreshes=1000000"),
    "scale": ("scale.py", "--sessions=10000000", "--ended=1000000"),
}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Run the benchmarks and show every claim.")
    parser.add_argument("--only", action="append", choices=[*QUICK, *LONG])
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--long", action="store_true", help="run the long ones")
    parser.add_argument("--rounds", type=int, help="instead of what each program does")
    options, further = parser.parse_known_args(argv)
    programs = LONG if options.long else QUICK
    chosen = {name: own for name, own in {**QUICK, **LONG}.items() if name in (options.only or ())}
    failed = []
    for name, own in {} if options.table else (chosen or programs).items():
        command = [sys.executable, *own, f"--output={RESULTS / f'{name}.json'}", *further]
        if options.rounds:
            command.append(f"--rounds={options.rounds}")
        if subprocess.run(command, check=False, cwd=HERE).returncode:
            failed.append(name)
    Console().print(claims_table("Targets", claims()))
    if failed:
        print(f"Did not run to its end: {', '.join(failed)}")
    return bool(failed)


def claims() -> list[dict[str, Any]]:
    """Every claim that was measured, in the order of the programs."""
    found: list[dict[str, Any]] = []
    for name in (*QUICK, *LONG):
        file = RESULTS / f"{name}.json"
        if file.exists():
            found += json.loads(file.read_text())["claims"]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
