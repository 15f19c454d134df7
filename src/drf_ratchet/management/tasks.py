"""Load tasks of ``manage.py ratchet`` that other packages provide through entry points.

An entry point of the group ``drf_ratchet.tasks`` is a module or an object with
``add_arguments(parser)`` and ``run(stdout, **options)``. Its name is the subcommand's. A task whose
``SKIP_CHECKS`` is true runs without the system checks.
"""

from argparse import ArgumentParser
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from django.core.management.base import CommandError

GROUP = "drf_ratchet.tasks"


class _Broken:
    """A placeholder for a task that cannot be loaded, so that the other tasks still work.

    Args:
        name: the subcommand's name.
        problem: the reason, shown to the person who runs the task.
    """

    #: A failing system check must not hide the reason why the task cannot be loaded.
    SKIP_CHECKS = True

    def __init__(self, name: str, problem: str) -> None:
        self.name, self.problem = name, problem
        self.__doc__ = f"(Cannot be loaded: {problem})"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Accept any arguments, so that the error names the task and not them."""
        parser.prefix_chars = "\0"  # argparse then treats options as plain words
        parser.add_argument("ignored", nargs="*")

    def run(self, stdout: Any, **options: Any) -> None:
        """Raise the error that explains the problem.

        Raises:
            CommandError: always.
        """
        raise CommandError(f"The task {self.name!r} cannot be loaded: {self.problem}")


def add_tasks(tasks: Any) -> dict[str, Any]:
    """Load the task of each entry point and add a subcommand for it.

    Args:
        tasks: the return value of ``parser.add_subparsers()``. Its existing subcommands win.

    Returns:
        The tasks by name.
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
        # Try a throwaway parser first: a failure must not leave half a subcommand behind.
        task.add_arguments(ArgumentParser())
        if not callable(task.run):
            raise TypeError("its run is not callable")
    # Another package's module may raise anything while it is imported.
    except Exception as error:
        task = _Broken(entry.name, f"{entry.value}: {type(error).__name__}: {error}")
        summary = str(task.__doc__)
    # argparse formats help texts with %.
    task.add_arguments(tasks.add_parser(entry.name, help=summary.replace("%", "%%")))
    return task


def _summary(task: object) -> str:
    lines = (getattr(task, "__doc__", None) or "").strip().splitlines()
    return str(getattr(task, "help", lines[0] if lines else ""))


def skips_checks(tasks: Mapping[str, Any], name: object) -> bool:
    """Return whether a task runs without the system checks.

    Args:
        tasks: the return value of ``add_tasks``.
        name: the name of the subcommand that was called.
    """
    return isinstance(name, str) and bool(getattr(tasks.get(name), "SKIP_CHECKS", False))
