"""The table of docs/services.md says what the tests beside this one see."""

import json

import pytest

from tests.interop.table import HEADINGS, markdown
from tests.interop.test_jose import HERE
from tests.races.databases import ROOT

pytestmark = pytest.mark.any_database


def test_the_documented_table_is_the_tested_one() -> None:
    section = (ROOT / "docs" / "services.md").read_text().split("\n## Algorithms and clients\n")[1]
    section = section.split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("|")] == markdown()


def test_the_table_names_the_version_of_jose_that_is_tested() -> None:
    tested = json.loads((HERE / "package.json").read_text())["dependencies"]["jose"]
    assert f"jose {tested.rpartition('.')[0]} verifies ours" in HEADINGS
