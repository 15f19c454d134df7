"""A copy of ``project/``, on simplejwt alone or with the bridge's line."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.console import SOURCES

HERE = Path(__file__).parent
ROOT = HERE.parents[4]
THE_LINE = ["drf_ratchet", "drf_ratchet_compat.simplejwt"]


@dataclass(frozen=True)
class Project:
    """One that is there to be run.

    Args:
        folder: where.
        environment: what its programs find, beside what the tests themselves find.
    """

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str, **more: str) -> str:
        """What a program printed, run in the project's folder. It must succeed."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={**self.variables, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manage(self, *command: str) -> str:
        """What a command of Django's printed."""
        return self.run("manage.py", *command)

    def converse(self, script: Path, *arguments: str) -> Any:
        """What a script, run inside of the project, printed as its last line, as JSON."""
        # -P: what lies beside the script is not the project.
        return json.loads(self.run("-P", str(script), *arguments).splitlines()[-1])

    @property
    def variables(self) -> dict[str, str]:
        """The environment of its programs."""
        paths = [str(self.folder), *SOURCES]
        return {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": os.pathsep.join(paths),
            **self.environment,
        }


def copy_project(
    folder: Path,
    *,
    phase: str = "",
    settings: dict[str, Any] | None = None,
    apps: Sequence[str] = (),
    **environment: str,
) -> Project:
    """Write the project and migrate its database.

    Args:
        folder: where; it may be there already, as when a project moves.
        phase: of the bridge; "" for simplejwt alone.
        settings: for SIMPLE_JWT, on top of what the project says.
        apps: further apps.
        environment: further variables.
    """
    copy_files(HERE / "project", folder)
    project = Project(folder, {**chosen(phase, settings, apps), **environment})
    project.manage("migrate", "--verbosity=0")
    return project


def copy_files(source: Path, folder: Path) -> None:
    """Copy Python files.

    Args:
        source: the folder that has them.
        folder: where they go; what is there is overwritten.
    """
    for file in sorted(source.rglob("*.py")):
        copy = folder / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text())


def chosen(
    phase: str, settings: dict[str, Any] | None = None, apps: Sequence[str] = ()
) -> dict[str, str]:
    """Return the variables that the project's settings read.

    Args:
        phase: of the bridge; "" for simplejwt alone.
        settings: for SIMPLE_JWT, on top of what the project says.
        apps: further apps.
    """
    return {
        "SIMPLE_JWT": json.dumps(settings or {}),
        "MORE_APPS": json.dumps([*(THE_LINE if phase else ()), *apps]),
        "BRIDGE": json.dumps({"PHASE": phase} if phase else {}),
    }
