"""The browser's client, clients/js, against the served demo: its own tests, run by Node."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright._impl._driver import compute_driver_executable

from tests.races.databases import ROOT, demo_database
from tests.races.server import serving
from tests.sizes import sized

CLIENT = ROOT / "clients" / "js"
# With no grace period, whatever is forgiven is forgiven for the sake of the Idempotency-Key.
OPTIONS = json.dumps({"ROTATION_GRACE": 0})
#: None for all.
FILES = sized((), ("test/signing.test.js", "test/fetching.test.js"))


pytestmark = [pytest.mark.any_database, pytest.mark.starts]


def _node() -> str:
    """Node; where it is not installed, the one that Playwright brings along."""
    return shutil.which("node") or compute_driver_executable()[0]


def test_its_own_tests_pass(django_db_setup: None, django_db_blocker: Any, tmp_path: Path) -> None:
    node = _node()
    with (
        django_db_blocker.unblock(),
        demo_database(tmp_path) as url,
        serving(url, tmp_path / "server.log", workers=2, RACE_OPTIONS=OPTIONS) as server,
    ):
        done = subprocess.run(
            [node, "--test", "--test-reporter=tap", *FILES],
            cwd=CLIENT,
            env={**os.environ, "BASE_URL": server.address},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, f"{done.stdout}\n{server.text()}"
    # Node is content with a folder in which it finds no tests.
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed, done.stdout
    assert int(passed[1]) > sized(50, 20)
