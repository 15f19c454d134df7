"""Tests under other settings than the suite's: Django takes one set for each process."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: In a child: the file that it writes the reports of its tests to.
REPORTS = "RATCHET_TEST_REPORTS"


def run_tests(settings: str, *files: str, **environment: str) -> str:
    """Run test files by pytest, and return what it printed. They must pass.

    Args:
        settings: the settings module.
        files: from the root of the repository.
        environment: variables beside those of this process.
    """
    done = _pytest(settings, ["-s", *files], environment)
    assert done.returncode == 0, done.stdout
    return done.stdout


def run_item_elsewhere(
    item: pytest.Item, together: Iterable[pytest.Item], name: str, settings: str, **environment: str
) -> None:
    """Run a test of this run in a process with other settings, and report here how it went.

    So it has its own name in this run, by which ``pytest -k`` finds it. For a conftest's hook
    ``pytest_runtest_protocol``.

    Args:
        item: the test.
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
    for data in reports.get(item.nodeid) or [_missing(item, output)]:
        report = item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def pytest_configure(config: pytest.Config) -> None:
    """In a child, which loads this module as a plugin of pytest."""
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
                ["-p", "no:hypothesispytest", "-p", "tests.in_its_own_process", f"@{wanted}"],
                given,
            )
            found: dict[str, list[Any]] = {}
            for line in written.read_text().splitlines():
                data = json.loads(line)
                found.setdefault(data["nodeid"], []).append(data)
            kept.write_text(json.dumps([found, done.stdout]))
        reports, output = json.loads(kept.read_text())
    return reports, output


def _missing(item: pytest.Item, output: str) -> dict[str, Any]:
    """A failure for a test that the child did not come to."""
    report = pytest.TestReport(
        item.nodeid, item.location, {}, "failed", f"The process reported nothing:\n{output}", "call"
    )
    data: dict[str, Any] = item.config.hook.pytest_report_to_serializable(
        config=item.config, report=report
    )
    return data


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
