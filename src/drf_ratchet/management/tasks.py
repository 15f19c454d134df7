"""Tasks of ``manage.py ratchet`` that come from elsewhere, through entry points.

An entry point of the group ``drf_ratchet.tasks`` is a module or an object with
``add_arguments(parser)`` and ``run(stdout, **options)``; its name is the subcommand's. One with a
true ``SKIP_CHECKS`` runs whatever the system checks say.
"""

from argparse import ArgumentParser
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from django.core.management.base import CommandError

GROUP = "drf_ratchet.tasks"


class _Broken:
    """Stands in for a task that cannot be loaded: the others go on working.

    Args:
        name: the subcommand's.
        problem: why, for the person who calls it.
    """

    #: What is wrong with the project may be wrong with the task.
    SKIP_CHECKS = True

    def __init__(self, name: str, problem: str) -> None:
        self.name, self.problem = name, problem
        self.__doc__ = f"(Cannot be loaded: {problem})"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take anything, so that it is not blamed."""
        parser.prefix_chars = "\0"  # options are words like others
        parser.add_argument("ignored", nargs="*")

    def run(self, stdout: Any, **options: Any) -> None:
        """Say what is wrong.

        Raises:
            CommandError: always.
        """
        raise CommandError(f"The task {self.name!r} cannot be loaded: {self.problem}")


def add_tasks(tasks: Any) -> dict[str, Any]:
    """Add a subcommand for each entry point, and load it.

    Args:
        tasks: what ``parser.add_subparsers()`` returned. A name that it has stays what it is.

    Returns:
        Each task by its name.
    """
    found: dict[str, Any] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        if entry.name not in tasks.choices:
            found[entry.name] = _add(tasks, entry)
    return found


def _add(tasks: Any, entry: EntryPoint) -> Any:
    try:
        task = entry.load()
        summary = _summary(task)
        # Onto a parser that nobody sees first: half a subcommand is no use.
        task.add_arguments(ArgumentParser())
        if not callable(task.run):
            raise TypeError("its run is not callable")
    # Whatever a stranger's module raises while it is imported.
    except Exception as error:
        task = _Broken(entry.name, f"{entry.value}: {type(error).__name__}: {error}")
        summary = str(task.__doc__)
    # A literal % would be argparse's own.
    task.add_arguments(tasks.add_parser(entry.name, help=summary.replace("%", "%%")))
    return task


def _summary(task: Any) -> str:
    lines = (getattr(task, "__doc__", None) or "").strip().splitlines()
    return str(getattr(task, "help", lines[0] if lines else ""))


def skips_checks(tasks: Mapping[str, Any], name: object) -> bool:
    """Whether a task of these runs whatever the system checks say.

    Args:
        tasks: what ``add_tasks`` returned.
        name: what was called.
    """
    return isinstance(name, str) and bool(getattr(tasks.get(name), "SKIP_CHECKS", False))
