"""`python -m tests.fuzz --seconds 60`: attack every target in turn, and say what was found.

Two engines at once: Hypothesis, which knows what the inputs look like, and atheris, which sees
which code an input reaches. Where atheris is not installed Hypothesis is alone.
"""

import argparse
import secrets
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.fuzz.start import start_django

CRASHES = Path("fuzz-crashes")
NO_ATHERIS = (
    "atheris is not installed, so nothing looks at coverage: Hypothesis is alone. It has wheels "
    "for some Pythons on Linux: pip install --only-binary :all: -r requirements/fuzz.txt"
)


def main() -> int:
    """The exit code: 1 where anything crashed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--target", action="append", help="only this one (may be repeated)")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="of Hypothesis")
    parser.add_argument("--replay", type=Path, help="attack --target with this file, once")
    asked = parser.parse_args()
    start_django()
    from tests.fuzz.site import Site
    from tests.fuzz.targets import all_targets

    targets = all_targets(Site())
    names = asked.target or [target.name for target in targets]
    if unknown := set(names) - {target.name for target in targets}:
        parser.error(f"no target {', '.join(unknown)}: {', '.join(t.name for t in targets)}")
    targets = [target for target in targets if target.name in names]
    if asked.replay:
        for target in targets:
            target.attack(asked.replay.read_bytes())
        print("No crash.")
        return 0
    return _run(targets, asked.seconds, asked.seed)


def _run(targets: list, seconds: float, seed: int) -> int:  # type: ignore[type-arg]
    from tests.fuzz.engines import HAS_ATHERIS, Guided, Outcome, run_hypothesis

    console = Console()
    if not HAS_ATHERIS:
        console.print(NO_ATHERIS, style="yellow")
    outcomes: dict[tuple[str, str], Outcome] = {}
    columns = (TextColumn("{task.description:16}"), BarColumn(), TimeElapsedColumn())
    start = time.monotonic()
    # Both at the same time, each through all targets.
    guided = Guided(targets, seconds) if HAS_ATHERIS else None
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("", total=seconds)
            for number, target in enumerate(targets):
                progress.update(bar, description=target.name)
                outcomes[target.name, "Hypothesis"] = run_hypothesis(
                    target,
                    start + seconds * (number + 1) / len(targets),
                    seed,
                    lambda: progress.update(bar, completed=time.monotonic() - start),
                )
            if guided:
                progress.update(bar, description="atheris")
                made = guided.outcomes()
                outcomes |= {(name, "atheris"): outcome for name, outcome in made.items()}
    finally:
        if guided:
            guided.close()
    return _report(console, outcomes, seed, time.monotonic() - start)


def _report(console: Console, outcomes: dict, seed: int, took: float) -> int:  # type: ignore[type-arg]
    table = Table("target", "engine", title=f"{took:.0f} s, seed {seed}")
    table.add_column("inputs tried", justify="right")
    table.add_column("crashes found", justify="right")
    for (name, engine), outcome in sorted(outcomes.items()):
        found = len(outcome.crashes)
        table.add_row(
            name, engine, f"{outcome.tried:,}", str(found), style="bold red" if found else None
        )
    tried = sum(outcome.tried for outcome in outcomes.values())
    crashes = [(name, crash) for (name, _), made in outcomes.items() for crash in made.crashes]
    table.add_section()
    table.add_row("all", "", f"{tried:,}", str(len(crashes)), style="bold")
    console.print(table)
    for name, crash in crashes:
        path = crash.save(CRASHES, name)
        shown = repr(crash.data if len(crash.data) < 500 else crash.data[:500] + b"...")
        console.rule(f"{name} crashed", style="red")
        console.print(crash.report[-3000:], shown, sep="\n", markup=False, highlight=False)
        again = f"python -m tests.fuzz --target {name} --replay {path}"
        console.print(f"In full: {path.with_suffix('.txt')}. Again: {again}", markup=False)
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
