"""An old token becomes a session exactly once: two processes, each with several threads."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from compat_tests.drf_jwt.adopters import THREADS, TOKENS
from tests.console import ROOT, SOURCES
from tests.races.databases import new_database

pytestmark = [pytest.mark.starts, pytest.mark.full]


def test_exactly_once(
    django_db_setup: None, django_db_blocker: Any, tmp_path: Path, show: Callable[[str], None]
) -> None:
    with django_db_blocker.unblock(), new_database(tmp_path) as url:
        tokens = json.loads(finished(start(url, "prepare")))
        # Both need a while to start.
        given = json.dumps({"tokens": tokens, "start": time.time() + 6})
        running = [start(url, "refresh") for _ in range(2)]
        for process in running:
            assert process.stdin is not None
            process.stdin.write(given)
            process.stdin.close()
            process.stdin = None
        answers = [answer for process in running for answer in json.loads(finished(process))]
    sessions = defaultdict(set)
    for token, status, session in answers:
        assert status == 201, session
        sessions[token].add(session)
    assert {len(found) for found in sessions.values()} == {1}
    assert len({sid for found in sessions.values() for sid in found}) == TOKENS
    show(
        f"old tokens of drf-jwt, {connection.vendor}: {len(answers)} refreshes of {TOKENS} tokens, "
        f"{2 * THREADS} at once for each: {TOKENS} sessions"
    )


def start(url: str, what: str) -> "subprocess.Popen[str]":
    path = os.pathsep.join([*SOURCES, os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "compat_tests.drf_jwt.adopters", what],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "compat_tests.drf_jwt.settings",
            "DATABASE_URL": url,
            "PYTHONPATH": path,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: "subprocess.Popen[str]") -> str:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output
