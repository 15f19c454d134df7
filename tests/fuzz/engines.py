"""What makes the inputs: Hypothesis here, and atheris in a process of its own."""

import hashlib
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.strategies import inputs
from tests.fuzz.target import Target
from tests.fuzz.words import WORDS

HAS_ATHERIS = find_spec("atheris") is not None
#: Between two looks at the clock.
BATCH = 250


@dataclass(frozen=True)
class Crash:
    """A promise broken, or an exception that nobody answered."""

    data: bytes
    report: str

    def save(self, folder: Path, target: str) -> Path:
        """Keep the input and what it did; return where."""
        folder.mkdir(exist_ok=True)
        path = folder / f"{target}-{hashlib.sha256(self.data).hexdigest()[:12]}"
        path.write_bytes(self.data)
        path.with_suffix(".txt").write_text(f"{self.data!r}\n\n{self.report}", "utf-8", "replace")
        return path


@dataclass
class Outcome:
    """What one engine did to one target."""

    tried: int = 0
    crashes: list[Crash] = field(default_factory=list)


def hypothesis_batch(target: Target, number: int, size: int = BATCH) -> Outcome:
    """Try a batch of inputs; the first that crashes is made as small as it goes.

    Args:
        target: what to attack.
        number: another one makes other inputs.
        size: how many inputs.
    """
    outcome = Outcome()
    crashing: list[bytes] = []

    @seed(number)
    @settings(
        max_examples=size,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(inputs(target))
    def attack(data: bytes) -> None:
        outcome.tried += 1
        try:
            target.attack(data)
        except Exception:
            crashing.append(data)
            raise

    try:
        attack()
    except Exception:
        # The last that crashed is the smallest; without any, Hypothesis itself is at fault.
        if not crashing:
            raise
        outcome.crashes.append(Crash(crashing[-1], traceback.format_exc()))
    return outcome


def run_hypothesis(target: Target, until: float, first: int, tick: Callable[[], None]) -> Outcome:
    """Batch after batch until the time (`time.monotonic`) has come, or until one crashes."""
    total, number = Outcome(), first
    while time.monotonic() < until and not total.crashes:
        # Small at first, so that a short share of the time is kept to.
        batch = hypothesis_batch(target, number, BATCH if number > first else BATCH // 5)
        total.tried += batch.tried
        total.crashes += batch.crashes
        number += 1
        tick()
    return total


class Guided:
    """atheris on all targets in turn, in a process of its own.

    Args:
        targets: what to attack.
        seconds: for how long, from now on; starting up is part of it.
    """

    def __init__(self, targets: Sequence[Target], seconds: float) -> None:
        self._targets = targets
        self._kept = tempfile.TemporaryDirectory(prefix="drf-ratchet-fuzz-")
        self._folder = Path(self._kept.name)
        (self._folder / "words").write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))
        for target in targets:
            corpus = self._folder / target.name / "corpus"
            corpus.mkdir(parents=True)
            (self._folder / target.name / "found").mkdir()
            for number, data in enumerate(target.seeds):
                (corpus / str(number)).write_bytes(data)
        self._log = self._folder / "log"
        names = [target.name for target in targets]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.fuzz.guided"),
                    *(str(self._folder), str(time.time() + seconds), *names),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def outcomes(self) -> dict[str, Outcome]:
        """What it did to each, once it is through."""
        if self._process.wait():
            raise RuntimeError(
                f"atheris failed:\n{self._log.read_text('utf-8', 'replace')[-5000:]}"
            )
        return {target.name: self._outcome(self._folder / target.name) for target in self._targets}

    def _outcome(self, folder: Path) -> Outcome:
        said = (folder / "log").read_text("utf-8", "replace")
        units = re.findall(r"stat::number_of_executed_units:\s*(\d+)", said)
        # Should a crash end it before the statistics, it has said how far it was.
        progress = re.findall(r"^#(\d+)\t", said, re.MULTILINE)
        outcome = Outcome(int((units or progress or ["0"])[-1]))
        for path in sorted((folder / "found").iterdir()):
            if not path.name.startswith("slow-unit"):  # a busy machine is no crash
                outcome.crashes.append(Crash(path.read_bytes(), said[-20_000:]))
        if (folder / "failed").exists() and not outcome.crashes:
            raise RuntimeError(f"atheris failed without an input that crashes:\n{said[-5000:]}")
        return outcome

    def close(self) -> None:
        """Stop it, if it still runs, and delete what it kept."""
        self._process.terminate()
        self._process.wait()
        self._kept.cleanup()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)
