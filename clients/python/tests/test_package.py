"""The package as it is installed, in an empty environment."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_database

HERE = Path(__file__).resolve().parent


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.full
def test_it_installs_alone_and_survives_three_hours_with_twenty_threads(
    faults_address: str, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", f"-o{tmp_path}", HERE.parent)
    run(sys.executable, "-m", "venv", tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "-q", "install", "--no-index", *tmp_path.glob("*.whl"))

    said = run(python, "-I", HERE / "three_hours.py", faults_address)

    # A token is good for 300 seconds, of which the last 10 are not used: one for every three steps.
    assert said == "2160 requests, 36 refreshes, none refused\n"
    assert "drf_ratchet_client/py.typed" in run(
        python, "-m", "pip", "show", "-f", "drf-ratchet-client"
    )
