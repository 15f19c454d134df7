"""Every test is found by its own name, and fails under it."""

import ast
import subprocess
import sys

import pytest

from tests.in_its_own_process import ROOT, _merged

pytestmark = pytest.mark.any_database

TESTS = [ROOT / "tests", *ROOT.glob("packages/*/tests")]
OWN = "packages/drf-ratchet-compat/tests/compat_tests/drf_jwt/test_way_back.py"


def test_tests_stand_in_files_that_pytest_collects() -> None:
    elsewhere = [
        str(file.relative_to(ROOT))
        for folder in TESTS
        for file in folder.rglob("*.py")
        if not file.name.startswith("test_")
        and any(
            isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
            for node in ast.walk(ast.parse(file.read_bytes()))
        )
    ]
    assert elsewhere == []


def test_no_file_is_named_after_where_its_test_came_from() -> None:
    assert [file for folder in TESTS for file in folder.rglob("*seed_[0-9]*")] == []


@pytest.mark.starts
def test_a_test_with_other_settings_is_selected_by_its_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-q", "--co", OWN, "-k", "taken_and_exchanged"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"{OWN}::test_it_is_taken_and_exchanged" in done.stdout.splitlines()


class TestReports:
    """What a process reports of one test is reported here as that test."""

    def report(self, nodeid: str, outcome: str, text: str | None = None) -> pytest.TestReport:
        return pytest.TestReport(
            nodeid,
            ("f.py", 1, "test_x"),
            {},
            outcome,  # type: ignore[arg-type]
            text,
            "call",
        )

    @pytest.fixture
    def item(self, request: pytest.FixtureRequest) -> pytest.Item:
        item: pytest.Item = request.node
        return item

    def test_one_parameter_that_fails_fails_it_and_is_named(self, item: pytest.Item) -> None:
        reports = [self.report("x[a]", "passed"), self.report("x[b]", "failed", "1 != 2")]
        (merged,) = _merged(item, reports)
        assert (merged.nodeid, merged.outcome) == (item.nodeid, "failed")
        assert "x[b]\n1 != 2" in merged.longreprtext

    def test_it_passes_where_some_are_skipped(self, item: pytest.Item) -> None:
        reports = [self.report("x[a]", "skipped"), self.report("x[b]", "passed")]
        assert [report.outcome for report in _merged(item, reports)] == ["passed"]

    def test_nothing_reported_is_no_success(self, item: pytest.Item) -> None:
        assert _merged(item, []) == []
