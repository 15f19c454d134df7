"""The quick start from its first line to its last, in a new project far from the checkout."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import console

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

PAGE = console.ROOT / "docs" / "quick-start.md"

#: The page's own command would fetch Django and the rest; the environment of the tests has them.
INSTALL = """
echo {packages} > "$(python -c 'import site; print(site.getsitepackages()[0])')/of_the_tests.pth"
pip install --quiet --no-deps --no-build-isolation {root}/packages/ratchet-tokens {root}
python -c 'import drf_ratchet as it, os; assert it.__file__.startswith(os.getcwd()), it.__file__'
"""
SERVE = """
python manage.py runserver --noreload 127.0.0.1:{port} > server.log 2>&1 &
server=$!
trap "kill $server" EXIT
until curl -s -o /dev/null http://127.0.0.1:{port}/ || ! kill -0 $server; do sleep 0.1; done
"""


def steps_of_page() -> list[console.Step]:
    """Every block in the order in which it stands; a file is written where its block is."""
    steps: list[console.Step] = []
    for language, block in console.blocks(PAGE.read_text()):
        if language == "console":
            steps += console.steps_of(block)
        else:
            place = re.match(r"# (\S+), (at the end|a new file)\n", block)
            assert language == "python", language
            assert place, block
            path, how = place.groups()
            test = f"test -e {path}" if how == "at the end" else f"test ! -e {path}"
            steps.append((f"{test}\ncat >> {path} <<'BLOCK'\n{block}BLOCK", ""))
    return steps


def test_from_nothing_to_a_protected_endpoint(tmp_path: Path) -> None:
    steps = steps_of_page()
    assert len(steps) > 18
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    # What the tests have set is not there for a user.
    strange = ("PYTHONPATH", "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SECRET_KEY", "VIRTUAL_ENV")
    environment = {name: text for name, text in os.environ.items() if name not in strange}
    programs = Path(sys.executable).parent
    install = INSTALL.format(packages=packages, root=console.ROOT)
    console.run(
        steps,
        tmp_path,
        replaced=[
            ("python3 -m venv .venv", f"{programs / 'python'} -m venv .venv"),
            ("pip install ~/drf-ratchet/packages/ratchet-tokens ~/drf-ratchet", install.strip()),
            # An installed Django's program is in the tests' environment, not in the new one.
            ("django-admin startproject", "python -m django startproject"),
            ("python manage.py runserver", SERVE.format(port=port).strip()),
            ("http://127.0.0.1:8000", f"http://127.0.0.1:{port}"),
        ],
        environment=environment,
        timeout=300,
    )
    left = tmp_path / ".venv" / "bin" / "python"
    done = [left, "manage.py", "check", "--fail-level", "WARNING"]
    subprocess.run(done, cwd=tmp_path, env=environment, check=True, capture_output=True)
