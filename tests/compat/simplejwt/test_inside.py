"""The tests of a project that has moved in: its settings want a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SETTINGS = "tests.compat.simplejwt.settings"


def test_inside() -> None:
    tests = [str(file) for file in sorted((HERE / "inside").glob("with_*.py"))]
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", f"--ds={SETTINGS}", *tests]

    done = subprocess.run(
        [sys.executable, *command],
        cwd=HERE.parents[2],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": SETTINGS},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout
