"""Projects in the shapes that broke before: the line comes in, goes out by draining, and is back.

Each shape is ``project/`` with the files of ``overlays/<its name>`` on top. ``story.py`` has what
all of them are asked, ``own.py`` what only this shape is asked. To add a shape, add a folder and a
line in ``SHAPES``.
"""

import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.db import connection

from compat_tests.simplejwt.project_copy import HERE, Project, chosen, copy_files
from tests.console import SOURCES
from tests.races.databases import new_database
from tests.sizes import few

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.starts]

ROTATES = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
STAGES = {
    "before": "",
    "inside": "enforce",
    "draining": "drain",
    "outside": "",
    "again": "enforce",
}


@dataclass(frozen=True)
class Shape:
    """A project that is not like the others.

    Args:
        needs: packages that must be installed.
        environment: variables of its processes.
        overlay: the folder of its files; its name's by default.
    """

    needs: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    overlay: str = ""


ATOMIC = {"ATOMIC_REQUESTS": "1"}
SHAPES = {
    "as_it_is": Shape(),
    "per_user_keys": Shape(environment=ATOMIC),
    "rs256_with_axes": Shape(needs=("axes",)),
    "rs256_with_allauth_and_axes": Shape(
        needs=("allauth", "axes"), environment={"ALLAUTH": "1"}, overlay="rs256_with_axes"
    ),
    "kinds_of_tokens": Shape(),
    "cookies": Shape(),
    "djoser_with_email": Shape(needs=("djoser",)),
    "user_id_is_a_uuid": Shape(),
    "user_id_is_an_email": Shape(),
    "decodes_by_hand": Shape(),
    "foreign_key_to_a_row": Shape(),
    "cleanup_job": Shape(),
    "routed_blacklist": Shape(environment=ATOMIC),
    "without_the_blacklist_app": Shape(),
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """An empty database of the tests' kind; its URL."""
    if connection.vendor == "mysql":
        pytest.skip("a project's own driver for MariaDB needs a compiler; inside/ runs there")
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    with nullcontext(url) if connection.vendor == "sqlite" else new_database(tmp_path) as made:
        yield made


@pytest.mark.parametrize("name", few(SHAPES, lambda name: name == "per_user_keys"))
def test_in_and_out_and_in_again(name: str, tmp_path: Path, database: str) -> None:
    shape = SHAPES[name]
    for package in shape.needs:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder, outside = tmp_path / "project", tmp_path / "outside"
    overlay = HERE / "shapes" / "overlays" / (shape.overlay or name)
    copy_files(HERE / "project", folder)
    copy_files(overlay, folder)
    copy_files(overlay / "outside", outside)
    environment = {
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": settings_of(overlay),
        "PYTHONPATH": os.pathsep.join([str(folder), str(outside), *SOURCES]),
        **shape.environment,
    }
    stages = {stage: chosen(phase, ROTATES) for stage, phase in STAGES.items()}
    Project(folder, environment).run(
        "-P", "-m", "compat_tests.simplejwt.shapes.stages", json.dumps(stages)
    )


def settings_of(overlay: Path) -> str:
    """Return the name of the module that has a shape's settings."""
    if (overlay / "outside").exists():
        return "site_settings"
    return "shape_settings" if (overlay / "shape_settings.py").exists() else "settings"
