"""`make test-fast` fails where a test starts something and does not say so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console import ROOT

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

TESTS = """
import socket, subprocess, sys

def test_nothing():
    pass

def test_a_process():
    subprocess.run([sys.executable, "-c", ""])

def test_a_server():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
"""


def test_it_fails_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(TESTS)
    plugins = ["-p", "tests.nothing_starts", "-p", "no:django", "-p", "no:drf_ratchet"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", tmp_path, *plugins, file],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert "2 failed, 1 passed" in done.stdout
    assert "test_a_process starts something (subprocess.Popen)" in done.stdout
    assert "test_a_server starts something (socket.bind)" in done.stdout
