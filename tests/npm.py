"""The package of clients/js as people get it: packed by npm, and installed into a project."""

import os
import shutil
from pathlib import Path

import pytest

from tests.openapi.client import run
from tests.races.databases import ROOT

CLIENT = ROOT / "clients" / "js"
QUIET = ("--no-audit", "--no-fund", "--ignore-scripts")

#: For tests that download from npm's registry: `make clients` runs them, `make test` does not.
downloads = [pytest.mark.clients, pytest.mark.any_database]


def skip_without_network() -> None:
    """Skip the test if NO_NETWORK=1 says so. Otherwise an unreachable registry is a failure."""
    if os.environ.get("NO_NETWORK") == "1":
        pytest.skip("NO_NETWORK=1: npm gets no libraries, and the client was tried with none")


def packed(folder: Path) -> Path:
    """Pack the client.

    Args:
        folder: where the package goes; there is only one in it.

    Returns:
        The package.

    Raises:
        Failed: npm cannot pack it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run("npm", "pack", "--silent", "--pack-destination", folder, cwd=CLIENT)
    (package,) = folder.glob("*.tgz")
    return package


def installed(project: Path, folder: Path, package: Path) -> Path:
    """Copy a project, and install into the copy what its lock file lists, and the package.

    Args:
        project: a folder with package.json. Without a lock file it needs the package only.
        folder: for the copy.
        package: made by ``packed``.

    Returns:
        The folder.

    Raises:
        Failed: npm reaches no registry, or gets something else than was locked.
    """
    shutil.copytree(
        project, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules")
    )
    if (folder / "package-lock.json").exists():
        run("npm", "ci", *QUIET, cwd=folder)
    run("npm", "install", *QUIET, "--no-save", package, cwd=folder)
    return folder
