"""Makes a project of a cell and tells it the story, in processes of its own.

    python -m tests.projects.run camel_case-bounded-sqlite ...

PostgreSQL is the one that DATABASE_URL names, or else one that is started for the cell; so is
Valkey, by VALKEY_URL.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from uuid import uuid4

from tests import servers
from tests.projects.cells import Cell, named
from tests.projects.shape import Shape
from tests.projects.shapes import SHAPES

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 240.0


@dataclass
class Told:
    """What happened in a cell.

    Args:
        cell: which.
        steps: that were told.
        wrong: what went wrong, by step.
        requests: made, each as (step, request, statements).
    """

    cell: Cell
    steps: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str, int]] = field(default_factory=list)


def missing(cell: Cell) -> str:
    """Return what this machine lacks for a cell; "" for nothing."""
    program, package = "", ""
    if SHAPES[cell.shape].through_pgbouncer:
        program = package = "pgbouncer"
    elif cell.database == "mariadb":
        program, package = "mariadbd", "mariadb-server"
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    if not program or shutil.which(program, path=places):
        return ""
    return f"{program} was not found: apt-get install --no-install-recommends {package}"


def tell(cell: Cell, *, full: bool = True) -> Told:
    """Tell the story in a cell, with everything that its shape needs made for it.

    Args:
        cell: which.
        full: False for a part of the malformed bodies, another one for each shape.
    """
    shape, told = SHAPES[cell.shape], Told(cell)
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="gauntlet-")))
        _startproject(home)
        databases = opened.enter_context(_databases(cell, shape, home))
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(home), *_python_path()]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "tests.projects.settings",
            "GAUNTLET_HOME": str(home),
            "GAUNTLET_SHAPE": cell.shape,
            "GAUNTLET_FRESHNESS": cell.freshness,
            "GAUNTLET_DATABASES": json.dumps(databases),
            "DATABASE_URL": databases["default"],
        }
        if shape.caches_at_valkey and "VALKEY_URL" not in os.environ:
            environment["VALKEY_URL"] = opened.enter_context(servers.valkey())
        if not full:
            environment["GAUNTLET_SHARE"] = str(list(SHAPES).index(cell.shape))
        for number in range(2 if shape.then else 1):
            environment["GAUNTLET_ACT"] = str(number)
            act = subprocess.run(
                [sys.executable, "-m", "tests.projects.act"],
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
            if os.environ.get("GAUNTLET_TIMES"):
                print(act.stdout)
            written = home / f"act-{number}.json"
            if not written.exists():
                told.wrong[f"process {number}"] = act.stdout[-3000:]
                break
            report = json.loads(written.read_text())
            name = (lambda step: f"{step} (then)") if number else str
            told.steps += map(name, report["steps"])
            told.wrong |= {name(step): text for step, text in report["wrong"].items()}
            told.requests += [(name(step), asked, n) for step, asked, n in report["requests"]]
    return told


def _python_path() -> list[str]:
    own = os.environ.get("PYTHONPATH", "")
    return [str(Path(part).resolve()) for part in own.split(os.pathsep) if part]


def _startproject(home: Path) -> None:
    for path, text in _written_by_startproject().items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    (home / "shop_migrations").mkdir()
    (home / "shop_migrations" / "__init__.py").touch()


@cache
def _written_by_startproject() -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="gauntlet-") as name:
        command = [sys.executable, "-m", "django", "startproject", "shop", name]
        without = {key: value for key, value in os.environ.items() if key != SETTINGS}
        subprocess.run(command, check=True, env=without, stdin=subprocess.DEVNULL)
        return {str(path.relative_to(name)): path.read_text() for path in Path(name).rglob("*.py")}


SETTINGS = "DJANGO_SETTINGS_MODULE"


@contextmanager
def _databases(cell: Cell, shape: Shape, home: Path) -> Iterator[dict[str, str]]:
    """Make a database for each alias and yield their URLs."""
    # A replica is the same one, by another connection.
    names = {alias: alias.replace("replica", "default") for alias in shape.aliases}
    if cell.database == "sqlite":
        yield {alias: f"sqlite:///{home / name}.sqlite3" for alias, name in names.items()}
        return
    with ExitStack() as opened:
        server = _server(cell.database, opened)
        prefix = f"gauntlet_{uuid4().hex[:12]}"
        made = {
            name: opened.enter_context(_new_database(server, f"{prefix}_{name}"))
            for name in dict.fromkeys(names.values())
        }
        urls = {alias: made[name] for alias, name in names.items()}
        if shape.through_pgbouncer:
            bouncer = opened.enter_context(servers.pgbouncer(server))
            urls = {alias: _at(bouncer, url.rpartition("/")[2]) for alias, url in urls.items()}
        yield urls


def _server(kind: str, opened: ExitStack) -> str:
    url = os.environ.get("DATABASE_URL", "")
    scheme = {"postgresql": "postgres", "mariadb": "mysql"}[kind]
    if url.startswith(scheme):
        return url
    return opened.enter_context(servers.SERVERS[kind][1]())


@contextmanager
def _new_database(server: str, name: str) -> Iterator[str]:
    if server.startswith("mysql"):
        import pymysql

        _, _, path = server.partition("unix_socket=")
        from urllib.parse import unquote

        with pymysql.connect(user="root", unix_socket=unquote(path)) as connection:
            connection.cursor().execute(f"CREATE DATABASE {name}")
            try:
                yield _at(server, name)
            finally:
                connection.cursor().execute(f"DROP DATABASE {name}")
        return
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield _at(server, name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _at(server: str, name: str) -> str:
    own, mark, options = server.partition("?")
    return f"{own.rpartition('/')[0]}/{name}{mark}{options}"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Tell cells of the gauntlet the story.")
    parser.add_argument("cells", nargs="+", type=named, metavar="shape-freshness-database")
    failed = False
    for cell in parser.parse_args(argv).cells:
        told = tell(cell)
        print(f"{cell}: {len(told.steps)} steps, {len(told.requests)} requests")
        for step, text in told.wrong.items():
            failed = True
            print(f"\n== {cell}: {step}\n{text}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
