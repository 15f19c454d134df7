"""Run tests under other settings than the suite's. Django takes one set of settings per process.

A plugin of pytest. Each such test has its own name in the run, so ``pytest -k`` finds it, and a
failure is reported under that name.
"""

import ast
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: In a child: the file that it writes the reports of its tests to.
REPORTS = "RATCHET_TEST_REPORTS"


class Elsewhere(pytest.File):
    """A test file that cannot be imported in this process, because its models are not installed.

    Its tests are read from the source, one for each function. A parametrized test is one test
    here, whose failure names the parameters.
    """

    settings: str
    environment: dict[str, str]

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield the tests and the classes of tests."""
        self.add_marker("starts")
        body = ast.parse(self.path.read_bytes()).body
        _mark(self, body)
        yield from _collected(self, body)


class ElsewhereClass(pytest.Collector):
    """A class of tests in such a file."""

    body: list[ast.stmt]

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield its tests."""
        return _collected(self, self.body)


class ElsewhereItem(pytest.Item):
    """A test in such a file."""

    line: int

    def runtest(self) -> None:
        """Never called: `pytest_runtest_protocol` below has another process run it."""
        raise NotImplementedError

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the test is."""
        return self.path, self.line - 1, self.name


def _collected(
    parent: pytest.Collector, body: Iterable[ast.stmt]
) -> Iterator[pytest.Item | pytest.Collector]:
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            item: ElsewhereItem = ElsewhereItem.from_parent(parent, name=node.name)
            item.line = node.lineno
            _mark(item, node.decorator_list)
            yield item
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            group: ElsewhereClass = ElsewhereClass.from_parent(parent, name=node.name)
            group.body = node.body
            _mark(group, node.decorator_list)
            yield group


def _mark(node: pytest.Item | pytest.Collector, statements: Sequence[ast.AST]) -> None:
    """Add the markers that decorators name, or a module's ``pytestmark``."""
    looked_in = [
        one.value if isinstance(one, ast.Assign) else one
        for one in statements
        if isinstance(one, ast.expr)
        or (isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "pytestmark")
    ]
    named = {
        found.attr
        for one in looked_in
        for found in ast.walk(one)
        if isinstance(found, ast.Attribute) and ast.unparse(found.value) == "pytest.mark"
    }
    for name in named & {"any_database", "clients", "full", "starts"}:
        node.add_marker(name)


def module_elsewhere(
    file: Path, parent: pytest.Collector, settings: str, **environment: str
) -> Elsewhere | None:
    """Return a collector for a test file that needs other settings, or None in its own process.

    For a conftest's hook ``pytest_pycollect_makemodule``.

    Args:
        file: the test file.
        parent: as the hook is given it.
        settings: the settings module.
        environment: variables beside those of this process.
    """
    if os.environ.get(REPORTS):
        return None
    found: Elsewhere = Elsewhere.from_parent(parent, path=file)
    found.settings, found.environment = settings, environment
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Have another process run the tests of an `Elsewhere`."""
    if not isinstance(item, ElsewhereItem):
        return None
    module = _module(item)
    together = [
        one
        for one in item.session.items
        if isinstance(one, ElsewhereItem) and _module(one).settings == module.settings
    ]
    run_item_elsewhere(
        item, nextitem, together, module.settings, module.settings, **module.environment
    )
    return True


def _module(item: ElsewhereItem) -> Elsewhere:
    found = item.getparent(Elsewhere)
    assert found is not None
    return found


def run_item_elsewhere(
    item: pytest.Item,
    nextitem: pytest.Item | None,
    together: Iterable[pytest.Item],
    name: str,
    settings: str,
    **environment: str,
) -> None:
    """Run a test of this run in a process with other settings, and report here how it went.

    For a conftest's hook ``pytest_runtest_protocol``.

    Args:
        item: the test.
        nextitem: the one after it, as the hook is given it.
        together: all that need the same process, which runs them once for all workers of the run.
        name: of the process, in this run.
        settings: the settings module.
        environment: variables beside those of this process.
    """
    directory = item.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    if hasattr(item.config, "workerinput"):
        directory = directory.parent  # the one that all workers of pytest-xdist share
    ids = [one.nodeid for one in together]
    reports, output = _reports(directory / f"{name}.json", ids, settings, environment)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    found = [
        item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
        for nodeid, each in reports.items()
        if nodeid == item.nodeid or nodeid.startswith(f"{item.nodeid}[")
        for data in each
    ]
    for report in _merged(item, found) or [_missing(item, output)]:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # What the tests before it share with this one, and not with the next one, ends here.
    item.session._setupstate.teardown_exact(nextitem)


def pytest_configure(config: pytest.Config) -> None:
    """In such a process, write down how each test went."""
    if os.environ.get(REPORTS):
        config.pluginmanager.register(_Writer(config, Path(os.environ[REPORTS])))


class _Writer:
    def __init__(self, config: pytest.Config, file: Path) -> None:
        self.config, self.file = config, file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        with self.file.open("a") as file:
            file.write(f"{json.dumps(data)}\n")


def _reports(
    kept: Path, ids: Sequence[str], settings: str, environment: dict[str, str]
) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """What the child reported, by the test; and what it printed."""
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            written, wanted = kept.with_suffix(".jsonl"), kept.with_suffix(".txt")
            wanted.write_text("\n".join(ids))
            written.touch()
            given = {**environment, REPORTS: str(written)}
            done = _pytest(
                settings,
                ["-p", "no:hypothesispytest", f"@{wanted}"],
                given,
            )
            found: dict[str, list[Any]] = {}
            for line in written.read_text().splitlines():
                data = json.loads(line)
                found.setdefault(data["nodeid"], []).append(data)
            kept.write_text(json.dumps([found, done.stdout]))
        reports, output = json.loads(kept.read_text())
    return reports, output


def _merged(item: pytest.Item, reports: Sequence[pytest.TestReport]) -> list[pytest.TestReport]:
    """Make one report of each phase out of those of a test with several parameters."""
    merged = []
    for when in ("setup", "call", "teardown"):
        same = [report for report in reports if report.when == when]
        if not same:
            continue
        failed = [report for report in same if report.failed]
        chosen = next(iter([*failed, *(one for one in same if one.passed), *same]))
        told = chosen.longrepr
        if chosen.nodeid != item.nodeid and failed:
            told = "\n\n".join(f"{one.nodeid}\n{one.longreprtext}" for one in failed)
        if isinstance(told, list):
            told = tuple(told)  # the place and the reason of a skip, as JSON has brought it
        merged.append(
            pytest.TestReport(
                item.nodeid,
                item.location,
                chosen.keywords,
                chosen.outcome,
                told,
                when,  # type: ignore[arg-type]
                sections=[section for report in failed for section in report.sections],
                duration=sum(report.duration for report in same),
                user_properties=[known for report in same for known in report.user_properties],
            )
        )
    return merged


def _missing(item: pytest.Item, output: str) -> pytest.TestReport:
    """A failure for a test that the child did not come to."""
    return pytest.TestReport(
        item.nodeid, item.location, {}, "failed", f"The process reported nothing:\n{output}", "call"
    )


def _pytest(
    settings: str, arguments: Sequence[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-p", "no:cacheprovider", "-n0", f"--ds={settings}"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": settings, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
