"""A pytest plugin that runs a project's tests with more apps and writes down what came of each.

It is loaded by name (``-p peers_plugin``) from a directory of its own: the project has a package
``tests`` too.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

import django
import pytest
from django.apps import apps
from django.conf import settings

APPS = json.loads(os.environ.get("PEERS_APPS", "[]"))
SETTINGS = json.loads(os.environ.get("PEERS_SETTINGS", "{}"))
FOUND = Path(os.environ["PEERS_FOUND"])

# With PBKDF2 most of the time goes into passwords, and nothing here is about those.
QUICK_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

#: "passed", "failed" or "skipped", by test id; and the message of each test's first failure.
outcomes: dict[str, str] = {}
failures: dict[str, str] = {}

_setup = django.setup


@functools.wraps(_setup)
def _setup_with_apps(set_prefix: bool = True) -> None:
    # Whether settings come from a module or from settings.configure(), Django's own setup() is the
    # first to read INSTALLED_APPS.
    missing = [app for app in APPS if app not in settings.INSTALLED_APPS]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *missing]
    for name, value in ({"PASSWORD_HASHERS": QUICK_HASHERS} | SETTINGS).items():
        setattr(settings, name, value)
    _setup(set_prefix)


django.setup = _setup_with_apps


def pytest_collection_finish() -> None:
    # Else both runs would be without, and agree.
    if not apps.ready or not set(APPS) <= set(settings.INSTALLED_APPS):
        pytest.exit(f"Not installed: {APPS}", returncode=pytest.ExitCode.INTERNAL_ERROR)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        outcomes[report.nodeid] = "failed"
        failures.setdefault(report.nodeid, _message(report))
    elif report.when == "call" or report.skipped:
        outcomes.setdefault(report.nodeid, report.outcome)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        failures[report.nodeid] = _message(report)


def pytest_sessionfinish() -> None:
    FOUND.write_text(json.dumps({"outcomes": outcomes, "failures": failures}, indent=1))


def _message(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longrepr)
    return " ".join(text.split())[:300]
