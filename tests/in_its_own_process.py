"""Tests under other settings than the suite's: Django takes one set for each process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_tests(settings: str, *files: str, **environment: str) -> str:
    """Run test files by pytest, and return what it printed. They must pass.

    Args:
        settings: the settings module.
        files: from the root of the repository.
        environment: variables beside those of this process.
    """
    options = ["-q", "-s", "-p", "no:cacheprovider", "-n0", f"--ds={settings}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": settings, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
