"""What the task prints."""

import textwrap
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from django.core.management.base import OutputWrapper
from django.core.management.color import color_style

from drf_ratchet_compat.adopt.findings import Effect, Finding
from drf_ratchet_compat.adopt.others import Importer
from drf_ratchet_compat.adopt.packages import OldPackage
from drf_ratchet_compat.adopt.project import Stored, named_in_settings, served
from drf_ratchet_compat.adopt.renaming import Mention
from drf_ratchet_compat.adopt.scan import Scan

_WIDTH = 96


def heading(out: OutputWrapper, text: str) -> None:
    """Begin a section.

    Args:
        out: the command's.
        text: its name.
    """
    out.write(f"\n{text}\n{'-' * len(text)}")


def item(out: OutputWrapper, subject: str, text: str) -> None:
    """One thing, wrapped.

    Args:
        out: the command's.
        subject: what it is about.
        text: what is to say about it.
    """
    out.write(
        textwrap.fill(
            f"{subject}: {text}",
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="      ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def header(out: OutputWrapper, package: OldPackage, root: Path) -> None:
    """Say what is looked at.

    Args:
        out: the command's.
        package: the package.
        root: the project's directory.
    """
    out.write(f"From {package.module} to {package.replacement}, in {root}")


def settings_and_views(out: OutputWrapper, package: OldPackage) -> None:
    """Where the settings in force and the URLconf have the package.

    Args:
        out: the command's.
        package: the package.
    """
    heading(out, "The project")
    named = list(named_in_settings(package))
    for place, path in named:
        out.write(f"  {place}: {path}")
    try:
        views = list(served(package))
    # Whatever the project's URLconf raises; the rest of the report does not need it.
    except Exception as error:
        item(out, "ROOT_URLCONF", f"cannot be read: {type(error).__name__}: {error}")
        views = []
    for view in views:
        of = "" if view.view == view.base else f", made of {view.base}"
        out.write(f"  {view.route} is {view.view}{of}")
    if not named and not views:
        out.write(f"  neither settings nor URLs name {package.module}")


def database(out: OutputWrapper, package: OldPackage, kept: Stored) -> None:
    """What the old package has stored.

    Args:
        out: the command's.
        package: the package.
        kept: what the database has.
    """
    for table, rows in kept.rows.items():
        out.write(f"  table {table}: {rows:,} rows ({package.tables[table]})")
    if kept.migrations:
        out.write(f"  {kept.migrations} migrations of {package.migrations!r} are applied")
    if kept.problem:
        item(out, f"database {kept.alias!r}", f"cannot be read: {kept.problem}")


def others(out: OutputWrapper, importing: list[Importer]) -> None:
    """Which installed apps import the package themselves.

    Args:
        out: the command's.
        importing: those.
    """
    if not importing:
        return
    heading(out, "Cannot move by renaming")
    for other in importing:
        more = f" and {len(other.places) - 3} more" if len(other.places) > 3 else ""
        where = ", ".join(other.places[:3])
        item(
            out, other.name, f"imports the old package by its name ({where}{more}): {other.advice}"
        )


def changes(out: OutputWrapper, package: OldPackage, scanned: Scan) -> None:
    """The lines that change, as a unified diff, masked.

    Args:
        out: the command's.
        package: the package.
        scanned: what was found in the project's files.
    """
    heading(out, "Lines that change")
    style, colours = color_style(), out.isatty()
    for renaming in scanned.renamings:
        for line in renaming.diff(scanned.name(renaming.source.path)):
            paint = {"-": style.ERROR, "+": style.SUCCESS}.get(line[:1]) if colours else None
            out.write(paint(line) if paint else line)
    if not scanned.renamings:
        out.write(f"  none: no file names {package.module}")


def by_hand(out: OutputWrapper, package: OldPackage, scanned: Scan, *, needs_app: bool) -> None:
    """What is left to a person.

    Args:
        out: the command's.
        package: the package.
        scanned: what was found in the project's files.
        needs_app: whether ours has to be added to ``INSTALLED_APPS``.
    """
    findings: list[Finding] = []

    def note(notes: Mapping[Path, list[Mention]], text: str) -> None:
        for path, lines in notes.items():
            for line in lines:
                where = f"{scanned.name(path)}:{line.line}"
                shown = textwrap.shorten(line.text, 60, placeholder=" ...")
                told = f"{shown}  ({text})" if shown else text
                findings.append(Finding(Effect.BY_HAND, where, told))

    if needs_app and not scanned.lists_apps:
        text = f'add "{package.replacement}"; no list with "drf_ratchet" in it was found'
        findings.append(Finding(Effect.BY_HAND, "INSTALLED_APPS", text))
    note(scanned.mentions, "names the old package, and is left as it is")
    note(
        scanned.migrations,
        "a migration is not rewritten: what is applied stays recorded. It needs the old app as "
        f"long as it depends on {package.migrations!r}; keep the old app in INSTALLED_APPS, or "
        "squash the dependency away",
    )
    note(
        scanned.requirements,
        "asks for the old package: keep it as long as you may want to go back, or another app "
        "imports it",
    )
    for path, problem in scanned.unreadable.items():
        findings.append(Finding(Effect.BY_HAND, scanned.name(path), f"cannot be read: {problem}"))
    if findings:
        heading(out, "By hand")
        for finding in findings:
            item(out, finding.subject, finding.text)


def differences(out: OutputWrapper, found: Iterable[Finding], kept: Stored) -> None:
    """What behaves differently, and why.

    Args:
        out: the command's.
        found: the findings.
        kept: what the database has.
    """
    heading(out, "What is different, and why")
    order = list(Effect)
    for finding in sorted(found, key=lambda finding: -order.index(finding.effect)):
        item(out, f"[{finding.effect}] {finding.subject}", finding.text)
    if kept.rows:
        until = kept.last_expiry
        when = (
            f"until {day(until)}, when the last old token expires"
            if until and until > datetime.now(UTC)
            else "for as long as you like: no old token that they note is alive"
        )
        item(
            out,
            f"[{Effect.SAME}] {', '.join(kept.rows)}",
            f"stay where they are, so that what was taken back stays so, {when}. Then drop them.",
        )


def footer(out: OutputWrapper, package: str, only: str | None) -> None:
    """End a run without ``--apply``.

    Args:
        out: the command's.
        package: the package's name.
        only: the part that was asked for.
    """
    part = f" --only {only}" if only else ""
    out.write(f"\nNothing was changed. To do it: manage.py ratchet adopt {package}{part} --apply")


def day(moment: datetime) -> str:
    """A moment as it is printed.

    Args:
        moment: aware.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
