"""The tests that the documentation names as holding a promise are there."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES = [
    file.read_text()
    for folder in (CHECKOUT / "tests", *CHECKOUT.glob("packages/*/tests"))
    for file in folder.rglob("*.py")
]


@pytest.mark.parametrize("page", ["security.md", "guarantees.md", "design.md"])
def test_named_files_and_tests_exist(page: str) -> None:
    text = (CHECKOUT / "docs" / page).read_text()
    files = set(re.findall(r"`((?:tests|packages|clients|benchmarks)/[\w/.-]*)`", text))
    assert [file for file in sorted(files) if not (CHECKOUT / file).exists()] == []
    names = set(re.findall(r"`((?:test_|Test)\w+)`", text))
    known = "\n".join(SOURCES)
    defined = set(re.findall(r"(?:def|class) ((?:test_|Test)\w+)", known))
    assert sorted(names - defined) == []


def test_the_house_is_as_the_design_says() -> None:
    text = (CHECKOUT / "docs" / "design.md").read_text()
    table = text[text.index("## The house") : text.index("## Freshness")]
    places = CHECKOUT / "src" / "drf_ratchet", CHECKOUT / "packages" / "ratchet-tokens" / "src"
    files = re.findall(r"`([\w/]+(?:\.py|/))`", table)
    assert len(files) > 40
    missing = [file for file in files if not any((place / file).exists() for place in places)]
    assert set(missing) <= {"src/drf_ratchet/", "packages/ratchet"}
