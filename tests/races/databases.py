"""Databases for the served demo, beside the tests' own and of its kind."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"


@contextmanager
def demo_database(folder: Path) -> Iterator[str]:
    """A new database with the demo's tables and users.

    Yields:
        Its URL.
    """
    with new_database(folder) as url:
        fill(url)
        yield url


def fill(url: str, **environment: str) -> None:
    """Make the demo's tables and users in a database that is empty."""
    for command in ("migrate", "demo_data"):
        manage = [sys.executable, "manage.py", command, "--verbosity=0"]
        subprocess.run(
            manage,
            cwd=DEMO,
            env={**environment_on(url), **environment},
            check=True,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def copy_of(template: str, folder: Path) -> Iterator[str]:
    """A new database with what ``template`` holds. Nobody may be connected to that one.

    Yields:
        Its URL.
    """
    if connection.vendor == "sqlite":
        copy = folder / f"copy-{uuid4().hex[:12]}.sqlite3"
        shutil.copy(template.removeprefix("sqlite:///"), copy)
        yield f"sqlite:///{copy}"
    elif connection.vendor == "postgresql":
        with new_database(folder, f" TEMPLATE {template.rpartition('/')[2]}") as url:
            yield url
    else:  # MariaDB copies no databases
        with demo_database(folder) as url:
            yield url


@contextmanager
def new_database(folder: Path, clause: str = "") -> Iterator[str]:
    """A new database. ``clause`` ends its CREATE DATABASE, where there is one.

    Yields:
        Its URL.
    """
    name = f"demo_{uuid4().hex[:12]}"
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder / name}.sqlite3"
        return
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}{clause}")
    try:
        own, mark, options = os.environ["DATABASE_URL"].partition("?")
        yield f"{own.rpartition('/')[0]}/{name}{mark}{options}"
    finally:
        force = " WITH (FORCE)" if connection.vendor == "postgresql" else ""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}{force}")


def environment_on(url: str) -> dict[str, str]:
    """The environment of a demo process on that database."""
    own = {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.races.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(DEMO), os.environ.get("PYTHONPATH", "")]),
        "SECRET_KEY": settings.SECRET_KEY,
        "THROTTLES": "off",
    }
    return {**os.environ, **own}
