"""Report what changes when a project moves in from simplejwt or drf-jwt; import its sessions.

A task of ``manage.py ratchet``; see ``drf_ratchet.management.tasks``.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, OutputWrapper

#: The report itself names invalid settings of a project that is still moving.
SKIP_CHECKS = True
PACKAGES = ("simplejwt", "drf-jwt")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the task's arguments.

    Args:
        parser: the task's own parser.
    """
    parser.add_argument("package", choices=PACKAGES, help="the package that the project uses now")
    parser.add_argument(
        "--import",
        dest="imports",
        action="store_true",
        help="import simplejwt's living refresh tokens as sessions; without, nothing is written",
    )
    parser.add_argument(
        "--batch-size", type=int, default=1000, help="tokens per batch (default: %(default)s)"
    )
    parser.add_argument(
        "--project", type=Path, metavar="DIR", help="(default: BASE_DIR of the settings)"
    )


def run(
    stdout: OutputWrapper,
    *,
    package: str,
    imports: bool = False,
    batch_size: int = 1000,
    project: Path | None = None,
    **options: Any,
) -> None:
    """Run the task.

    Raises:
        CommandError: the task failed, or was interrupted; the text says what to do.
    """
    root = (project or project_root()).resolve()
    if not root.is_dir() or root == Path(root.anchor):
        raise CommandError(f"{root} is no project directory. Pass --project.")
    if package == "drf-jwt":
        if imports:
            raise CommandError(
                "drf-jwt keeps no list of its tokens, so nothing can be imported. Each token "
                "becomes a session at its first refresh."
            )
        from drf_ratchet_compat.adopt import drf_jwt_report

        drf_jwt_report.write(stdout, root)
        return
    # Late: a project that comes from drf-jwt has no simplejwt.
    from drf_ratchet_compat.adopt import sessions, simplejwt_report

    if imports:
        sessions.run_import(stdout, batch_size)
        return
    simplejwt_report.write(stdout, root)
    sessions.write_preview(stdout)


def project_root() -> Path:
    """Return ``BASE_DIR`` of the settings, else the current directory."""
    base = getattr(settings, "BASE_DIR", None)
    return Path(base) if isinstance(base, str | Path) and str(base) else Path.cwd()
