"""The README's curl session, line by line: each command prints what the README says it prints."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import PASSWORD

pytestmark = pytest.mark.any_database

README = Path(__file__).resolve().parents[1] / "README.md"
MARK = "<!-- tested by tests/test_readme.py -->"


def session() -> list[tuple[str, str]]:
    """Each command with what should follow it."""
    after = README.read_text().split(MARK)[1].split("\n## ")[0]
    steps: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", after, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], ""))
            else:
                command, expected = steps[-1]
                steps[-1] = (command, f"{expected}{line}\n")
    return steps


@pytest.mark.django_db(transaction=True)
def test_the_session(live_server: Any, tmp_path: Path) -> None:
    User.objects.create_user("alice", password=PASSWORD)
    steps = session()
    assert len(steps) > 10
    lines = []
    for number, (command, _) in enumerate(steps):
        lines += [f"echo '--{number}--'", command, "echo"]
    script = "\n".join(lines).replace("http://127.0.0.1:8000", live_server.url)
    done = subprocess.run(
        ["bash", "-euc", script],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    printed = re.split(r"--\d+--\n", done.stdout)[1:]
    for (command, expected), text in zip(steps, printed, strict=True):
        pattern = re.escape(expected.strip()).replace("…", '[^"]*')
        assert re.fullmatch(pattern, text.strip()), (command, text)
