"""The suites: where each project's tests are in its source distribution, and how they are run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.verdict import Found

ROOT = Path(__file__).resolve().parents[2]
#: Downloaded and unpacked. Nothing of it is under version control.
CACHE = ROOT / "build" / "peers"
PLUGIN = Path(__file__).with_name("plugin")


@dataclass(frozen=True)
class Suite:
    """The tests of one version of a project.

    Args:
        project: its name on the package index.
        version: of the source distribution.
        sha256: of the archive.
        tests: what pytest is asked to run.
        path: directories of the source that its tests import from.
        settings: the module of its settings, if its conftest does not configure them.
    """

    project: str
    version: str
    sha256: str
    tests: Sequence[str] = ("tests",)
    path: Sequence[str] = (".",)
    settings: str = ""

    @property
    def name(self) -> str:
        """As --only takes it."""
        return f"{self.project.removeprefix('djangorestframework-')}-{self.version}"

    @property
    def archive(self) -> Path:
        return CACHE / f"{self.project.replace('-', '_')}-{self.version}.tar.gz"

    @property
    def source(self) -> Path:
        return CACHE / self.archive.name.removesuffix(".tar.gz")


# djoser 2.3.5 is missing: its source distribution holds no tests.
SUITES = (
    Suite(
        "djangorestframework-simplejwt",
        "5.3.1",
        "6c4bd37537440bc439564ebf7d6085e74c5411485197073f508ebdfa34bc9fae",
    ),
    Suite(
        "djangorestframework-simplejwt",
        "5.4.0",
        "cccecce1a0e1a4a240fae80da73e5fc23055bababb8b67de88fa47cd36822320",
    ),
    Suite(
        "djangorestframework-simplejwt",
        "5.5.1",
        "e72c5572f51d7803021288e2057afcbd03f17fe11d484096f40a460abc76e87f",
    ),
    Suite(
        "dj-rest-auth",
        "7.2.0",
        "f77af37da5cf6ee28f03f283a378a2f5761860e72d1d6f2fa3d50e6286000482",
        # Those about JWT: the others sign in with its own tokens, or with none.
        tests=(
            *(f"dj_rest_auth/tests/test_{name}.py" for name in ("api", "social", "mfa")),
            *("-k", "jwt or cookie or csrf or refresh or blacklisting or expiration"),
        ),
        # Its ROOT_URLCONF is "tests.urls".
        path=(".", "dj_rest_auth"),
        settings="dj_rest_auth.tests.settings",
    ),
)


class SuiteBroken(Exception):
    """A suite that could not be run to its end."""


def unpack(suite: Suite) -> None:
    """Put the source of the suite into the cache, downloading its archive if it is not there."""
    if not suite.archive.exists():
        _download(suite)
    if hashlib.sha256(suite.archive.read_bytes()).hexdigest() != suite.sha256:
        raise SuiteBroken(f"{suite.archive} is not the archive that suites.py names. Delete it.")
    # Anew each time: what runs is what was released.
    shutil.rmtree(suite.source, ignore_errors=True)
    with tarfile.open(suite.archive) as archive:
        archive.extractall(CACHE, filter="data")


def _download(suite: Suite) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = CACHE / f"{suite.name}.txt"
    wanted.write_text(f"{suite.project}=={suite.version} --hash=sha256:{suite.sha256}\n")
    # pip makes the metadata of what it downloads. The environment has what that needs.
    only_source = ("--no-deps", "--no-binary", ":all:", "--no-build-isolation")
    pip = (sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check")
    what = ("--require-hashes", "-r", str(wanted), "-d", str(CACHE))
    subprocess.run([*pip, "download", *only_source, *what], check=True)


def run(suite: Suite, apps: Sequence[str] = (), settings: Mapping[str, Any] | None = None) -> Found:
    """Run the suite, with these apps at the end of its INSTALLED_APPS."""
    stem = f"{suite.name}-{'with' if apps else 'without'}"
    found, log = CACHE / f"{stem}.json", CACHE / f"{stem}.log"
    found.unlink(missing_ok=True)
    path = [str(PLUGIN), *(str(suite.source / place) for place in suite.path)]
    left_out = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS")
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    environment |= {
        "PYTHONPATH": os.pathsep.join([*path, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PEERS_APPS": json.dumps(list(apps)),
        "PEERS_SETTINGS": json.dumps(dict(settings or {})),
        "PEERS_FOUND": str(found),
    }
    if suite.settings:
        environment["DJANGO_SETTINGS_MODULE"] = suite.settings
    # Our own plugin is not part of their tests, and comes by itself where we are installed.
    plugins = ("-p", "peers_plugin", "-p", "no:drf_ratchet", "-p", "no:cacheprovider")
    own = suite.source / "pytest.ini"
    configuration = ("-c", str(own if own.exists() else PLUGIN / "pytest.ini"))
    top = (f"--rootdir={suite.source}", f"--confcutdir={suite.source}")
    with log.open("w") as output:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *plugins, *configuration, *top, *suite.tests],
            cwd=suite.source,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    # 0 and 1: all tests ran.
    if done.returncode not in (0, 1) or not found.exists():
        end = "\n".join(log.read_text().splitlines()[-20:])
        raise SuiteBroken(f"{stem} broke off ({done.returncode}); see {log}:\n{end}")
    return Found(**json.loads(found.read_text()))
