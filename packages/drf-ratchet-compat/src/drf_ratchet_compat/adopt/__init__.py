"""Move a project in from simplejwt or drf-jwt, and its sessions with it.

A task of ``manage.py ratchet``; see ``drf_ratchet.management.tasks``.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

#: It says itself what the settings of a project on its way are short of.
SKIP_CHECKS = True


def add_arguments(parser: ArgumentParser) -> None:
    """What the task takes.

    Args:
        parser: its own.
    """
    from drf_ratchet_compat.adopt import task

    task.add_arguments(parser)


def run(stdout: OutputWrapper, **options: Any) -> None:
    """Run the task.

    Args:
        stdout: where to print.
        options: what ``add_arguments`` has asked for.

    Raises:
        CommandError: it cannot be done, or not all of it was; the text says what to do.
    """
    from drf_ratchet_compat.adopt import task

    task.run(stdout, **options)
