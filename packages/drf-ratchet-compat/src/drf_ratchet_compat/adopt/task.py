"""``manage.py ratchet adopt``: look, say what would change, and with ``--apply`` do it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, OutputWrapper
from django.utils.module_loading import import_string

from drf_ratchet.conf import put_underneath
from drf_ratchet_compat.adopt import drf_jwt_rules, findings, report, simplejwt_rules
from drf_ratchet_compat.adopt.others import importers
from drf_ratchet_compat.adopt.packages import DRF_JWT, PACKAGES, SIMPLEJWT, OldPackage
from drf_ratchet_compat.adopt.project import project_root, stored
from drf_ratchet_compat.adopt.scan import Scan, scan
from drf_ratchet_compat.adopt.sessions import run_import
from drf_ratchet_compat.adopt.writing import NotWritten, uncommitted, write

PARTS = ("files", "sessions")

_RULES = {
    SIMPLEJWT.name: (simplejwt_rules.RULES, simplejwt_rules.DEFAULTS),
    DRF_JWT.name: (drf_jwt_rules.RULES, drf_jwt_rules.DEFAULTS),
}


def add_arguments(parser: ArgumentParser) -> None:
    """What the task takes.

    Args:
        parser: its own.
    """
    parser.add_argument("package", choices=PACKAGES, help="what the project runs on now")
    parser.add_argument("--apply", action="store_true", help="do it; without, nothing is changed")
    parser.add_argument("--only", choices=PARTS, help="one part alone (default: both)")
    parser.add_argument(
        "--batch-size", type=int, default=1000, help="tokens in one go (default: %(default)s)"
    )
    parser.add_argument(
        "--project", type=Path, metavar="DIR", help="(default: BASE_DIR of the settings)"
    )


def run(
    out: OutputWrapper,
    *,
    package: str,
    apply: bool,
    only: str | None,
    batch_size: int,
    project: Path | None,
    **options: Any,
) -> None:
    """Run the task.

    Raises:
        CommandError: it cannot be done, or not all of it was; the text says what to do.
    """
    old = PACKAGES[package]
    root = (project or project_root()).resolve()
    if not root.is_dir() or root == Path(root.anchor):
        raise CommandError(f"{root} is no project's directory. Give --project.")
    parts = (only,) if only else PARTS
    if old.underneath:
        # From here on our settings are what they will be after the move.
        put_underneath(old.setting, import_string(old.underneath))
    kept = stored(old)
    scanned = scan(root, old, install=_is_to_install(old)) if "files" in parts else None

    report.header(out, old, root)
    report.settings_and_views(out, old)
    report.database(out, old, kept)
    report.others(out, list(importers(old, root)))
    if scanned:
        report.changes(out, old, scanned)
        report.by_hand(out, old, scanned, needs_app=_is_to_install(old))
    report.differences(out, _findings(old, scanned, root), kept)
    if not apply:
        if "sessions" in parts:
            run_import(out, old, kept, batch_size=batch_size, dry=True)
        report.footer(out, package, only)
        return
    # First what can be stopped and run again; then what the next start of the project runs on.
    if "sessions" in parts:
        run_import(out, old, kept, batch_size=batch_size, dry=False)
    if scanned:
        _write(out, scanned)
        if kept.rows and old is SIMPLEJWT:
            out.write(
                "For the tokens that it hands out till then, after the restart: manage.py ratchet "
                f"adopt {package} --only sessions --apply"
            )


def _is_to_install(package: OldPackage) -> bool:
    """Whether neither the old package nor its successor is an app of the project."""
    return not {package.module, package.replacement} & set(settings.INSTALLED_APPS)


def _findings(package: OldPackage, scanned: Scan | None, root: Path) -> list[findings.Finding]:
    rules, defaults = _RULES[package.name]
    found = list(findings.apply(rules, findings.given(package, defaults)))
    for path, claims in (scanned.claims if scanned else {}).items():
        for claim in claims:
            text = (
                f"{path.relative_to(root).as_posix()}:{claim.line} sets a claim that is "
                "drf-ratchet's own or a standard's. It is refused: give it another name."
            )
            found.append(findings.Finding(findings.Effect.REFUSED, f'claim "{claim.name}"', text))
    return found


def _write(out: OutputWrapper, scanned: Scan) -> None:
    paths = [renaming.source.path for renaming in scanned.renamings]
    report.heading(out, "Files")
    for name in uncommitted(paths, scanned.root) or ():
        out.write(f"  {name} had changes that are not committed; git diff shows both now")
    failed = 0
    for renaming in scanned.renamings:
        name = scanned.name(renaming.source.path)
        try:
            write(renaming, scanned.root)
        except NotWritten as error:
            failed += 1
            out.write(f"  {name} is as it was: {error}")
        else:
            out.write(f"  {name} changed")
    if not paths:
        out.write("  nothing to change")
    if failed:
        raise CommandError(f"{failed} of {len(paths)} files could not be changed.")
    if paths:
        out.write(
            "Then manage.py check, and restart the project: it runs on the old package till then."
        )
