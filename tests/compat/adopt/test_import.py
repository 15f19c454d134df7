"""The tests of the import, in a process of its own: they need simplejwt's tables."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_with_simplejwts_tables(show: Callable[[str], None]) -> None:
    command = ["-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-n0"]
    settings = "tests.compat.adopt.settings"

    done = subprocess.run(
        [sys.executable, *command, f"--ds={settings}", "tests/compat/adopt/with_simplejwt.py"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout
    measured = re.search(r"measured: (.+)", done.stdout)
    assert measured
    show(measured[1])
