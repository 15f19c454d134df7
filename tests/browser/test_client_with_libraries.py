"""The client with the libraries people use, from the npm registry: ``clients/js/libraries``."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_client_under_node import OPTIONS
from tests.npm import CLIENT, downloads, installed, packed, skip_without_network
from tests.openapi.client import run
from tests.races.databases import ROOT, demo_database
from tests.races.server import serving

RECIPES = ROOT / "docs" / "howto" / "javascript-libraries.md"
LOCKS = [file for file in CLIENT.rglob("package-lock.json") if "node_modules" not in file.parts]


class TestFromTheRegistry:
    """Downloads: `make clients`."""

    pytestmark = downloads

    def test_the_client_does_what_it_says_with_each(
        self,
        django_db_setup: None,
        django_db_blocker: Any,
        tmp_path: Path,
        show: Callable[[str], None],
    ) -> None:
        skip_without_network()
        shutil.copytree(CLIENT / "test", tmp_path / "js" / "test")
        shutil.copytree(CLIENT / "src", tmp_path / "js" / "src")
        package = packed(tmp_path / "package")
        libraries = installed(CLIENT / "libraries", tmp_path / "js" / "libraries", package)
        files = sorted(file.name for file in libraries.glob("*.mjs"))
        with (
            django_db_blocker.unblock(),
            demo_database(tmp_path) as url,
            serving(url, tmp_path / "server.log", workers=2, RACE_OPTIONS=OPTIONS) as server,
        ):
            environment = {"BASE_URL": server.address, "RECIPES": str(RECIPES)}
            command = ("node", "--test", "--test-reporter=tap", *files)
            said = run(*command, cwd=libraries, **environment)

        passed = re.search(r"^# pass (\d+)$", said, re.MULTILINE)
        assert passed, said
        assert int(passed[1]) > 60
        for line in re.findall(r"^# (drf-ratchet\S*: \d+ bytes.*)$", said, re.MULTILINE):
            show(f"minified and gzipped: {line}")


@pytest.mark.any_database
@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.parent.relative_to(CLIENT)))
def test_a_lock_names_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()

    assert "resolved" not in text
    assert "://" not in text
    assert text.count('"integrity"') > 20
