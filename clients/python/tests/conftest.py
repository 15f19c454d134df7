"""A server of scripted faults, and every kind of program that uses the client."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from callers import CALLERS, Caller, Scene

from drf_ratchet_client import RatchetSession
from tests.sizes import few

FAULTS = Path(__file__).resolve().parents[2] / "faults.py"


@pytest.fixture(scope="session")
def faults_address() -> Iterator[str]:
    """Where clients/faults.py listens, run as for a client in any other language."""
    command = [sys.executable, str(FAULTS), "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = iter(server.stdout.readline, "")
        yield next(line.split()[-1] for line in lines if line.startswith("Listening on"))
        server.terminate()
        server.communicate()


@pytest.fixture
def scene(faults_address: str) -> Callable[[str], Scene]:
    """Begin a scenario."""

    def begin(name: str) -> Scene:
        scene = Scene(faults_address, name)
        scene.reset()
        return scene

    return begin


@pytest.fixture(params=few(CALLERS, lambda name: name != "requests"))
def caller(request: Any, scene: Callable[[str], Scene]) -> Callable[..., Caller]:
    """A program of each kind, in a scenario."""

    def begin(name: str, **options: Any) -> Caller:
        found = scene(name)
        session = RatchetSession(found.base_url, **{"timeout": 2, "patience": 6, **options})
        kind: Caller = CALLERS[request.param](found, session)
        return kind

    return begin


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the server with the faults: ``make test-fast`` starts none."""
    for item in items:
        if "faults_address" in getattr(item, "fixturenames", ()):
            item.add_marker("starts")
