"""The client with the libraries people use, from the npm registry: ``clients/js/libraries``."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_client_under_node import CLIENT, OPTIONS
from tests.openapi.client import run
from tests.races.databases import ROOT, demo_database
from tests.races.server import serving

pytestmark = pytest.mark.any_database

LIBRARIES = CLIENT / "libraries"
RECIPES = ROOT / "docs" / "howto" / "javascript-libraries.md"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A copy of the folder, with the package and the libraries as npm installs them."""
    # A machine without a network says so; without a word it is a failure that npm gets nothing.
    if os.environ.get("NO_NETWORK") == "1":
        pytest.skip("NO_NETWORK=1: npm gets no libraries, and the client was tried with none")
    folder = tmp_path / "js"
    shutil.copytree(CLIENT, folder, ignore=shutil.ignore_patterns("node_modules"))
    libraries = folder / "libraries"
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts")
    run("npm", "ci", *quiet, cwd=libraries)
    package = run("npm", "pack", "--silent", cwd=folder).split()[-1]
    run("npm", "install", *quiet, "--no-save", f"../{package}", cwd=libraries)
    return libraries


def test_the_client_does_what_it_says_with_each(
    installed: Path,
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path: Path,
    show: Callable[[str], None],
) -> None:
    files = sorted(file.name for file in installed.glob("*.mjs"))
    with (
        django_db_blocker.unblock(),
        demo_database(tmp_path) as url,
        serving(url, tmp_path / "server.log", workers=2, RACE_OPTIONS=OPTIONS) as server,
    ):
        environment = {"BASE_URL": server.address, "RECIPES": str(RECIPES)}
        command = ("node", "--test", "--test-reporter=tap", *files)
        said = run(*command, cwd=installed, **environment)

    passed = re.search(r"^# pass (\d+)$", said, re.MULTILINE)
    assert passed, said
    assert int(passed[1]) > 40
    for line in re.findall(r"^# (drf-ratchet\S*: \d+ bytes.*)$", said, re.MULTILINE):
        show(f"minified and gzipped: {line}")


def test_the_lock_names_no_address() -> None:
    lock = (LIBRARIES / "package-lock.json").read_text()

    assert "resolved" not in lock
    assert "://" not in lock
    assert lock.count('"integrity"') > 20
