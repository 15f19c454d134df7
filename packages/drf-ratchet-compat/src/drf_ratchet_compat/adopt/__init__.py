"""Report what changes when a project moves in from simplejwt or drf-jwt; import its sessions.

A task of ``manage.py ratchet``; see ``drf_ratchet.management.tasks``.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

#: The report itself names invalid settings of a project that is still moving.
SKIP_CHECKS = True


def add_arguments(parser: ArgumentParser) -> None:
    """Add the task's arguments.

    Args:
        parser: the task's own parser.
    """
    from drf_ratchet_compat.adopt import task

    task.add_arguments(parser)


def run(stdout: OutputWrapper, **options: Any) -> None:
    """Run the task.

    Args:
        stdout: where to print.
        options: the values of the arguments.

    Raises:
        CommandError: the task failed, or was interrupted; the text says what to do.
    """
    from drf_ratchet_compat.adopt import task

    task.run(stdout, **options)
