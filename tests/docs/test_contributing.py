"""The walks through the code in CONTRIBUTING.md name what is there."""

import ast
import re
from pathlib import Path

import pytest

from tests.console import ROOT

pytestmark = pytest.mark.any_database

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
WALKS = ("Follow one refresh", "Follow one request")


def steps(walk: str) -> list[str]:
    text = PAGE.split(f"### {walk}\n")[1].split("\n#")[0]
    return [line for line in text.splitlines() if line.strip()]


def defined(file: Path) -> set[str]:
    """Return the names of a module's functions and classes, and of these classes' methods."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{one.name}" for one in node.body if hasattr(one, "name")}
    return found


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_is_short(walk: str) -> None:
    assert 5 < len(steps(walk)) < 15


@pytest.mark.parametrize("step", [step for walk in WALKS for step in steps(walk)])
def test_its_files_and_functions_exist(step: str) -> None:
    numbered = re.fullmatch(r"\d+\. `([\w/.-]+\.py)`: (.+)", step)
    assert numbered, step
    file = ROOT / numbered[1]
    assert file.is_file()
    named = [name for name in re.findall(r"`([\w.]+)`", numbered[2]) if not name.isupper()]
    assert set(named) <= defined(file)
