"""Types for a client: generated from the description, they fit what a program does and no more."""

import os
import re
from pathlib import Path

import pytest

from tests.openapi.client import (
    PROGRAM,
    Failed,
    compile_strictly,
    describe,
    generate,
    install,
)

pytestmark = pytest.mark.any_database


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program, the types of the demo's API and the compiler."""
    # A machine without a network says so; without a word it is a failure that npm gets nothing.
    if os.environ.get("NO_NETWORK") == "1":
        pytest.skip("NO_NETWORK=1: npm gets no openapi-typescript, and no types were compiled")
    folder = tmp_path_factory.mktemp("typescript")
    install(folder)
    describe(folder / "openapi.json")
    generate(folder)
    return folder


@pytest.mark.starts
@pytest.mark.full
def test_a_program_compiles(typed: Path) -> None:
    compile_strictly(typed, "right.ts")


@pytest.mark.starts
@pytest.mark.full
def test_mistakes_do_not(typed: Path) -> None:
    lines = (typed / "wrong.ts").read_text().splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("// wrong")}

    with pytest.raises(Failed) as failed:
        compile_strictly(typed, "wrong.ts")

    found = re.findall(r"^wrong\.ts\((\d+),", str(failed.value), re.MULTILINE)
    assert {int(line) for line in found} == wrong
    assert len(wrong) > 5


def test_the_lock_names_no_address() -> None:
    lock = (PROGRAM / "package-lock.json").read_text()

    assert "resolved" not in lock
    assert "://" not in lock
    assert lock.count('"integrity"') > 20
