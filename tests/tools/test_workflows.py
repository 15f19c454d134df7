"""The workflows call the same targets as a contributor, and name nothing that does not exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.console import ROOT
from tests.matrix import CELLS

pytestmark = pytest.mark.any_database

HOSTED = sorted((ROOT / ".github").rglob("*.y*ml"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("file", HOSTED, ids=lambda file: file.name)
def test_no_file_names_an_address(file: Path) -> None:
    assert yaml.safe_load(file.read_text())
    assert not re.search(r"https?://|www\.|\w@\w+\.\w|\.(org|com|io|dev)\b", file.read_text())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_every_target_that_is_called_exists(workflow: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {
        word
        for step in steps(workflow)
        for words in re.findall(r"^make (.+)$", step.get("run", ""), re.MULTILINE)
        for word in re.sub(r"\$\{\{.+?\}\}", "", words).split()
        if "=" not in word
    }
    assert called <= targets
    assert called


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_actions_are_pinned_by_their_hash(workflow: Path) -> None:
    for step in steps(workflow):
        if uses := step.get("uses"):
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", uses)


def test_every_combination_is_run() -> None:
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    included = ci["jobs"]["matrix"]["strategy"]["matrix"]["include"]
    assert {one["cell"] for one in included} == {str(cell) for cell in CELLS}
    assert all(one["cell"].startswith(f"{one['python']}-") for one in included)


def test_hooks_before_a_commit_run_what_lint_and_types_run() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repo["repo"] for repo in hooks} == {"local"}
    entries = [hook["entry"] for repo in hooks for hook in repo["hooks"]]
    run = {re.search(r"\.venv/bin/([\w-]+)", entry)[1] for entry in entries}  # type: ignore[index]
    recipes = (ROOT / "Makefile").read_text()
    recipes = recipes[recipes.index("\nlint:") : recipes.index("\nformat:")]
    tools = set(re.findall(r"\$\(BIN\)/([\w-]+)", recipes)) - {"python"}
    assert run == tools
