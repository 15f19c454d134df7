"""The tests of other user models, each in a process of its own: Django takes one for each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("settings", "tests"),
    [
        ("tests.custom_user.settings", "tests/custom_user/with_email_user.py"),
        ("tests.custom_user.settings_number", "tests/custom_user/with_number_user.py"),
        ("tests.custom_user.settings_odd", "tests/custom_user/with_odd_user.py"),
    ],
)
def test_another_user_model(settings: str, tests: str) -> None:
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", f"--ds={settings}", tests]

    done = subprocess.run(
        [sys.executable, *command],
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
