"""A pytest plugin that runs a project's tests with more apps and writes down what came of each.

It is loaded by name (``-p peers_plugin``) from a directory of its own: the project has a package
``tests`` too.
"""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.db.backends.signals import connection_created
from django.dispatch import receiver

APPS = json.loads(os.environ.get("PEERS_APPS", "[]"))
SETTINGS = json.loads(os.environ.get("PEERS_SETTINGS", "{}"))
FOUND = Path(os.environ["PEERS_FOUND"])

# With PBKDF2 most of the time goes into passwords, and nothing here is about those.
QUICK_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

#: "passed", "failed" or "skipped", by test id; and the message of each test's first failure.
outcomes: dict[str, str] = {}
failures: dict[str, str] = {}
#: The tests that opened a session of ours.
opened: list[str] = []
#: simplejwt's modules, and what was in them before the first test.
modules: dict[str, tuple[ModuleType, dict[str, Any]]] = {}

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
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "rest_framework_simplejwt":
            modules[name] = module, dict(vars(module))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[Any]:
    # Since 5.4 some of simplejwt's tests reload its modules. What follows would run on new classes,
    # which no app has patched, and pass whatever a bridge does.
    ran = yield
    for module, names in modules.values():
        vars(module).update(names)
    return ran


def _note_session(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    # PYTEST_CURRENT_TEST is "the id (the stage)".
    if re.match(r"\W*INSERT\b.*?\bdrf_ratchet_session\b", sql, re.IGNORECASE | re.DOTALL):
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        if test not in opened:
            opened.append(test)
    return execute(sql, params, many, context)


@receiver(connection_created)
def _watch(connection: Any, **_: Any) -> None:
    if _note_session not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note_session)


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
    found = {"outcomes": outcomes, "failures": failures, "opened": opened}
    FOUND.write_text(json.dumps(found, indent=1))


def _message(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longrepr)
    return " ".join(text.split())[:300]
