"""``sessions.store`` is the only module that writes rows of sessions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console import ROOT

pytestmark = pytest.mark.any_database

PACKAGES = [ROOT / "src" / "drf_ratchet", *ROOT.glob("packages/*/src/*")]
#: ``announcements`` stamps, for the store, when an ending was announced.
WRITERS = {"sessions/store.py", "sessions/announcements.py"}
WRITES = {
    *("save", "asave", "delete", "adelete", "update", "aupdate", "create", "acreate"),
    *("bulk_create", "bulk_update", "get_or_create", "update_or_create"),
}


def writes(source: str) -> Iterator[str]:
    """Yield each call that may write a row of ``Session``: on its managers or on what is one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = ast.unparse(node.func.value)
            is_session = "Session." in of or of.split(".")[-1].split("(")[0] in (
                *("session", "sessions", "row", "rows", "active_sessions"),
            )
            if node.func.attr in WRITES and is_session:
                yield ast.unparse(node)


def test_nothing_else_writes_sessions() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {call}"
        for package in PACKAGES
        for file in package.rglob("*.py")
        if str(file.relative_to(package)) not in WRITERS
        for call in writes(file.read_text())
    }
    assert found == set()


def test_nothing_else_has_all_rows() -> None:
    """``store._rows`` and the managers could write sessions."""
    names = ("store._rows", "Session.objects", "Session._default_manager")
    found = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in package.rglob("*.py")
        if any(name in file.read_text() for name in names)
    }
    assert found == set()


@pytest.mark.parametrize(
    "line",
    [
        "session.save()",
        "store.active_sessions(user).update(generation=2)",
        "Session.objects.filter(pk=1).delete()",
        "Session._base_manager.using(using).filter(pk=1).update(rotates=True)",
        "active_sessions(user).delete()",
    ],
)
def test_a_write_is_found(line: str) -> None:
    assert list(writes(line))


def test_the_store_is_where_it_is() -> None:
    for name in WRITERS:
        assert (Path(PACKAGES[0]) / name).exists()
