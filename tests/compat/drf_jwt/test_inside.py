"""The tests in projects that have moved in, in a process of their own: its settings are others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HERE = "tests/compat/drf_jwt"
FILES = {
    "settings": ["with_sessions.py", "with_old_tokens.py", "with_settings.py", "with_browsers.py"],
    "settings_back": ["with_way_back.py"],
}


@pytest.mark.parametrize("name", FILES)
def test_in_a_project_of_its_own(name: str) -> None:
    settings = f"tests.compat.drf_jwt.{name}"
    options = ["-q", "-p", "no:cacheprovider", "-n0", f"--ds={settings}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(f"{HERE}/{file}" for file in FILES[name])],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings,
            "MORE_APPS": '["drf_ratchet.compat.drf_jwt.blacklist"]' if name == "settings" else "[]",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
