"""The process of a project: sets Django up, makes its tables, and tells it the story.

``run.py`` starts it. It writes what happened into ``$GAUNTLET_HOME/act-<number>.json``.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.utils.module_loading import import_string


def main() -> None:
    home, number = Path(os.environ["GAUNTLET_HOME"]), int(os.environ["GAUNTLET_ACT"])
    # Ours have to be mended; those of other packages are theirs.
    warnings.filterwarnings("error", module=r"drf_ratchet(\.|$)")
    warnings.filterwarnings("error", category=RuntimeWarning, message=".*naive datetime")
    from tests.projects.recorder import Recorder

    recorder = Recorder()
    recorder.start()
    django.setup()
    shape = settings.GAUNTLET
    wrong: dict[str, str] = {}
    steps: list[str] = []
    requests: list[tuple[str, str, int]] = []
    kept: dict[str, Any] = {}

    from tests.projects import story
    from tests.projects.world import EXTRA, World

    if shape.refuses:
        steps.append("check_refuses")
        wrong.update(_tried("check_refuses", lambda: story.commands.refusal(shape.refuses)))
    elif number or not (wrong := _tried("migrate", lambda: _make_tables(shape))):
        world = World(shape, settings.DRF_RATCHET["FRESHNESS"], recorder, _kept(home, number))
        also = {*shape.also, *(("come_back",) if number else ("keep",) if shape.then else ())}
        for name, step in story.STORY.items():
            if name in shape.without or (name in EXTRA and name not in also):
                continue
            steps.append(name)
            wrong.update(_tried(name, lambda step=step: step(world)))
            requests += [(name, asked, costs) for asked, costs in world.requests]
            world.requests.clear()
        kept = world.keepsakes
    report = {"steps": steps, "wrong": wrong, "requests": requests, "kept": kept}
    (home / f"act-{number}.json").write_text(json.dumps(report))


def _make_tables(shape: Any) -> None:
    call_command("makemigrations", *settings.MIGRATION_MODULES, verbosity=0)
    importlib.invalidate_caches()  # the folders are new
    if shape.prepare:
        import_string(shape.prepare)(shape)
        return
    for alias in settings.DATABASES:
        call_command("migrate", database=alias, verbosity=0)


def _kept(home: Path, number: int) -> dict[str, Any]:
    if not number:
        return {}
    kept: dict[str, Any] = json.loads((home / f"act-{number - 1}.json").read_text())["kept"]
    return kept


def _tried(name: str, step: Any) -> dict[str, str]:
    started = time.monotonic()
    try:
        step()
    except Exception as error:
        return {name: _end_of(error)}
    finally:
        if os.environ.get("GAUNTLET_TIMES"):
            print(f"{time.monotonic() - started:6.3f} s  {name}", file=sys.stderr)
    return {}


def _end_of(error: Exception) -> str:
    if isinstance(error, AssertionError):
        frames = traceback.extract_tb(error.__traceback__)
        told = [frame for frame in frames if "projects/story" in frame.filename.replace("\\", "/")]
        where = " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in reversed(told))
        return f"{error}\n    ({where})"
    return "\n".join("".join(traceback.format_exception(error)).splitlines()[-24:])


if __name__ == "__main__":
    main()
