"""A pytest plugin: a run says in its last lines which tests in a browser it left out, and why.

On a second database they are left out on purpose. That run repeats what the first one said.
"""

from collections.abc import Generator
from typing import Any

import pytest

OURS = "tests/chromium/"
REMEMBERED = "chromium/not_run"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any) -> Generator[None]:
    yield  # Everything else that a run has to say.
    lines = _lines(terminalreporter)
    if lines:
        terminalreporter.section("NOT RUN in a browser", yellow=True)
        for line in lines:
            terminalreporter.write_line(line)


def _lines(reporter: Any) -> list[str]:
    cache = getattr(reporter.config, "cache", None)
    ours = [
        report
        for outcome in ("passed", "failed", "error", "skipped")
        for report in reporter.getreports(outcome)
        if report.nodeid.startswith(OURS)
    ]
    if ours:
        lines = [_line(report) for report in ours if report.skipped]
        if cache is not None:
            cache.set(REMEMBERED, lines)
        return lines
    if cache is not None and reporter.config.option.markexpr == "not any_database":
        remembered: list[str] = cache.get(REMEMBERED, [])
        return remembered
    return []


def _line(report: Any) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return f"{report.nodeid}: {reason.removeprefix('Skipped: ')}"
