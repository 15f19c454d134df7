"""Console blocks of the documentation: run line by line, each prints what the page says."""

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: For ``PYTHONPATH``: the three distributions, their tests, and the demo.
SOURCES = [
    str(path)
    for path in (
        *(ROOT, ROOT / "src", ROOT / "demo"),
        *sorted(ROOT.glob("packages/*/src")),
        *sorted(ROOT.glob("packages/*/tests")),
    )
]

#: A command, and what should follow it.
Step = tuple[str, str]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(text: str) -> list[tuple[str, str]]:
    """Each fenced block of a page, as (language, content)."""
    return _BLOCK.findall(text)


def steps_of(block: str) -> list[Step]:
    """The steps of a console block."""
    steps: list[Step] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], ""))
        else:
            command, expected = steps[-1]
            steps[-1] = (command, f"{expected}{line}\n")
    return steps


def marked(text: str, mark: str) -> str:
    """What stands after a mark, up to the next section."""
    return text.split(mark, 1)[1].partition("\n## ")[0]


def run(
    steps: Sequence[Step],
    folder: Path,
    *,
    replaced: Iterable[tuple[str, str]] = (),
    environment: dict[str, str] | None = None,
    timeout: float = 60,
) -> None:
    """Run all in one shell. Each has to succeed, and to print what is expected, "…" for anything.

    Args:
        folder: where.
        replaced: texts of the page, and what they are here.
        environment: instead of this process's.
        timeout: seconds, for all.
    """
    lines = []
    for number, (command, _) in enumerate(steps):
        lines += [f"echo '--{number}--'", command, "echo"]
    script = "\n".join(lines)
    for old, new in replaced:
        assert old in script, f"{old} is not there"
        script = script.replace(old, new)
    with subprocess.Popen(
        ["bash", "-euc", script],
        cwd=folder,
        env=os.environ if environment is None else environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            said, complained = shell.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)  # and what it has started
            raise
    assert shell.returncode == 0, said + complained
    printed = re.split(r"--\d+--\n", said)[1:]
    for (command, expected), text in zip(steps, printed, strict=True):
        pattern = re.escape(expected.strip()).replace("…", '[^"]*')
        assert re.fullmatch(pattern, text.strip()), (command, text)
