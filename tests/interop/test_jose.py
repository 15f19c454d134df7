"""jose (npm) and its createRemoteJWKSet: our tokens, and its tokens with our keys."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.interop.issuer import JWKS_PATH, issuer, shown
from tests.interop.table import NODE, TABLE

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

HERE = Path(__file__).parent


class Jose:
    """The Node program beside this file."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def verifies(self, token: str, jwk: dict[str, Any]) -> bool:
        if jwk["kty"] == "oct":
            return "ok" in self.ask(do="secret", token=token, secret=jwk["k"])
        return "ok" in self.ask(do="fetched", token=token)

    def signs(self, claims: dict[str, Any], jwk: dict[str, Any]) -> str | None:
        return self.ask(do="sign", claims=claims, jwk=jwk).get("ok")


@contextmanager
def _running(folder: Path, address: str, node: str) -> Iterator[Jose]:
    command = [node, str(folder / "client.mjs"), address + JWKS_PATH]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Jose(process)
        finally:
            process.kill()


def _not_here(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _installed(folder: Path) -> str:
    """Install jose into a folder, the program beside it; Node's path."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        _not_here("Node 20 or newer and npm are not installed (on Debian: nodejs and npm)")
    folder.mkdir()
    for name in ("package.json", "client.mjs"):
        shutil.copy(HERE / name, folder)
    # A lock file would record where it came from.
    done = subprocess.run(
        [str(npm), "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        _not_here(f"npm could not install jose: {done.stderr.strip()[-400:]}")
    return str(node)


def test_the_table_is_true_of_jose(
    django_db_setup: None, django_db_blocker: Any, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    node = _installed(tmp_path / "jose")
    algorithms = list(TABLE)
    with (
        django_db_blocker.unblock(),
        issuer(tmp_path, algorithms[0]) as server,
        _running(tmp_path / "jose", server.address, node) as jose,
    ):
        found = shown(server, jose, algorithms)
        # Node's word, and not jose's.
        known = {alg: "ok" in jose.ask(do="knows", alg=alg) for alg in TABLE if "ML" in alg}
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    new_enough = tuple(map(int, version.strip().lstrip("v").split(".")[:2])) >= (24, 7)
    assert set(known.values()) == {new_enough}
    assert found.keys() == TABLE.keys()
    for alg, (ours, its) in found.items():
        for cell, seen in zip(TABLE[alg].jose, (ours, its), strict=True):
            with subtests.test(alg=alg, cell=cell):
                assert seen is (new_enough if cell == NODE else True)
