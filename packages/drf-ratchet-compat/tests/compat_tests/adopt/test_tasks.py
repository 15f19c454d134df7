"""Further tasks of ``manage.py ratchet``, from entry points: ours, others', broken ones."""

import sys
import tomllib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from compat_tests.adopt.project import ENTRY_POINT, declare

pytestmark = pytest.mark.any_database

MODULES = {
    "good_task": (
        '"""Greet 100 % of them."""\n'
        'def add_arguments(parser): parser.add_argument("name")\n'
        'def run(stdout, *, name, **options): stdout.write(f"hello {name}")\n'
    ),
    "raising_task": 'raise RuntimeError("out of order")\n',
    "empty_task": "",
    "half_task": "def add_arguments(parser): parser.add_argument(1)\ndef run(stdout): pass\n",
}


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in MODULES.items():
        tmp_path.joinpath(f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    lines = [f"{name.removesuffix('_task')} = {name}" for name in [*MODULES, "missing_task"]]
    # A name that is taken already stays whose it is.
    entry_points = "\n".join(["[drf_ratchet.tasks]", *lines, "doctor = good_task", ""])
    declare(tmp_path, "somebody-elses", entry_points)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(declare(tmp_path / "ours")))


def call(*arguments: str) -> str:
    out = StringIO()
    call_command("ratchet", *arguments, stdout=out)
    return out.getvalue()


def test_the_package_declares_ours() -> None:
    project = tomllib.loads(Path(__file__).parents[3].joinpath("pyproject.toml").read_text())
    group = "drf_ratchet.tasks"
    tasks = project["project"]["entry-points"][group]
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in tasks.items())]
    assert ENTRY_POINT.splitlines() == lines


@pytest.mark.usefixtures("tasks")
class TestTasks:
    def test_a_good_one(self) -> None:
        assert call("good", "you") == "hello you\n"

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("raising", "RuntimeError: out of order"),
            ("empty", "AttributeError"),
            ("half", "TypeError"),
            ("missing", "ModuleNotFoundError"),
        ],
    )
    @pytest.mark.parametrize("arguments", [(), ("--of", "its own", "too")])
    def test_a_broken_one(self, name: str, problem: str, arguments: tuple[str, ...]) -> None:
        with pytest.raises(CommandError, match=rf"task '{name}' cannot be loaded: .*{problem}"):
            call(name, *arguments)

    def test_help(self, capsys: Any) -> None:
        with pytest.raises(SystemExit) as exited:
            call("--help")
        assert exited.value.code == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "Greet 100 % of them." in shown
        assert "adopt Report what changes when a project moves in" in shown

    def test_ours_takes_no_other_package(self) -> None:
        with pytest.raises(CommandError, match="invalid choice: 'allauth'"):
            call("adopt", "allauth")

    def test_batch_size(self) -> None:
        with pytest.raises(CommandError, match="at least 1"):
            call("adopt", "simplejwt", "--import", "--batch-size=0")

    def test_drf_jwt_has_nothing_to_import(self) -> None:
        with pytest.raises(CommandError, match="keeps no list"):
            call("adopt", "drf-jwt", "--import")


@pytest.mark.django_db
@pytest.mark.usefixtures("tasks")
def test_a_task_of_that_name_is_the_commands_own() -> None:
    assert "hello" not in call("end", "--all")
