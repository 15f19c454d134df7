"""The tests that the documentation names as holding a promise are there."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES = [file.read_text() for file in (CHECKOUT / "tests").rglob("*.py")]


@pytest.mark.parametrize("page", ["security.md", "guarantees.md", "design.md"])
def test_named_files_and_tests_exist(page: str) -> None:
    text = (CHECKOUT / "docs" / page).read_text()
    files = set(re.findall(r"`((?:tests|clients|benchmarks)/[\w/.-]*)`", text))
    assert [file for file in sorted(files) if not (CHECKOUT / file).exists()] == []
    names = set(re.findall(r"`((?:test_|Test)\w+)`", text))
    known = "\n".join(SOURCES)
    defined = set(re.findall(r"(?:def|class) ((?:test_|Test)\w+)", known))
    assert sorted(names - defined) == []
