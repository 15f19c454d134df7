"""The table of docs/clients.md: what each client is tried in."""

import re
from pathlib import Path

import pytest

from tests.races.databases import ROOT

pytestmark = pytest.mark.any_database

PAGE = (ROOT / "docs" / "clients.md").read_text()
NOTES = dict(re.findall(r"^\[\^([\w-]+)\]: (.+)$", PAGE, re.MULTILINE))


def _table() -> dict[str, dict[str, str]]:
    """The cells, by situation and client."""
    lines = PAGE[PAGE.index("| situation |") :].split("\n\n")[0].splitlines()
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


TABLE = _table()


def test_every_client_is_tried_in_every_situation() -> None:
    assert len(TABLE) == 9
    for situation, cells in TABLE.items():
        assert set(cells) == {"browser", "axios", "react", "native", "server", "python"}
        for client, cell in cells.items():
            assert re.fullmatch(rf"\[\^[a-z]+-{client}\]", cell), f"{client}: {situation}"

    named = [name for cells in TABLE.values() for cell in cells.values() for name in cell.split()]
    assert sorted(named) == sorted(f"[^{name}]" for name in NOTES)


@pytest.mark.parametrize("note", NOTES)
def test_a_note_names_a_test_that_there_is(note: str) -> None:
    found = re.fullmatch(r"`([\w./-]+)`: (.+)", NOTES[note])
    assert found, NOTES[note]
    file, name = ROOT / found[1], found[2]

    assert any(re.fullmatch(test, name) for test in _tests_in(file)), NOTES[note]


def _tests_in(file: Path) -> list[str]:
    """A pattern for each test's name."""
    text = file.read_text()
    if file.suffix == ".py":
        return re.findall(r"^ *(?:async )?def (test_\w+)\(", text, re.MULTILINE)
    quoted = re.findall(r'^ *test\("(.+)", ', text, re.MULTILINE)
    templates = re.findall(r"^ *test\(`(.+)`, ", text, re.MULTILINE)
    parts = [re.split(r"\$\{\w+\}", template) for template in templates]
    return [re.escape(name) for name in quoted] + [
        ".+".join(map(re.escape, part)) for part in parts
    ]


def test_a_name_that_no_test_has_is_found_out() -> None:
    file = ROOT / "clients" / "js" / "libraries" / "situations.mjs"

    assert not any(re.fullmatch(test, "axios: nothing") for test in _tests_in(file))
