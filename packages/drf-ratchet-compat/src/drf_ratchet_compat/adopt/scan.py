"""All that is found in the project's files, in one walk."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from drf_ratchet_compat.adopt.claims import OwnClaim, own_registered_claims
from drf_ratchet_compat.adopt.packages import OldPackage
from drf_ratchet_compat.adopt.renaming import Mention, Renaming, lines_with, mentions, rename
from drf_ratchet_compat.adopt.sources import (
    TEXTS,
    Unreadable,
    is_migration,
    project_files,
    read,
    read_text,
)


@dataclass(slots=True)
class Scan:
    """What the project's files say of the old package.

    Args:
        root: the project's directory.
        renamings: the files that change.
        mentions: lines that name it and stay, by file.
        migrations: lines of migrations that depend on its app, by file.
        claims: own claims with registered names, by file.
        unreadable: what could not be read, by file.
        requirements: lines of other files that ask for its distribution, by file.
        lists_apps: whether a file lists ``"drf_ratchet"`` where ours can be added after it.
    """

    root: Path
    renamings: list[Renaming] = field(default_factory=list)
    mentions: dict[Path, list[Mention]] = field(default_factory=dict)
    migrations: dict[Path, list[Mention]] = field(default_factory=dict)
    claims: dict[Path, list[OwnClaim]] = field(default_factory=dict)
    unreadable: dict[Path, str] = field(default_factory=dict)
    requirements: dict[Path, list[Mention]] = field(default_factory=dict)
    lists_apps: bool = False

    def name(self, path: Path) -> str:
        """A file's name from the project's directory.

        Args:
            path: the file.
        """
        return path.relative_to(self.root).as_posix()


def scan(root: Path, package: OldPackage, *, install: bool) -> Scan:
    """Walk through the project's files.

    Args:
        root: the project's directory.
        package: which package.
        install: whether ours has to be added to ``INSTALLED_APPS``.
    """
    found = Scan(root)
    for path in project_files(root):
        if path.suffix == ".py":
            try:
                _python(found, path, package, install)
            except Unreadable as error:
                found.unreadable[path] = str(error)
        elif path.suffix in TEXTS or path.name.startswith(".env"):
            _note(found.mentions, path, mentions(text := read_text(path), package))
            _note(found.requirements, path, _requirements(text, package))
    return found


def _python(found: Scan, path: Path, package: OldPackage, install: bool) -> None:
    source = read(path)
    if is_migration(path):
        _note(found.migrations, path, _dependencies(source.text, package))
        return
    renaming = rename(source, package, install=install)
    if renaming.changes:
        found.renamings.append(renaming)
        app = f'"{package.replacement}"'
        found.lists_apps |= install and app in renaming.text and app not in source.text
    _note(found.mentions, path, iter(renaming.mentions))
    if claims := list(own_registered_claims(source.text)):
        found.claims[path] = claims


def _note(notes: dict[Path, list[Mention]], path: Path, lines: Iterator[Mention]) -> None:
    if listed := list(lines):
        notes[path] = listed


def _dependencies(text: str, package: OldPackage) -> Iterator[Mention]:
    """Lines of a migration that name the package or its app's label in a dependency or a key."""
    label = rf"""["']{package.migrations}(\.\w+)?["']"""
    return lines_with(re.compile(f"{label}|{package.word.pattern}"), text, package)


def _requirements(text: str, package: OldPackage) -> Iterator[Mention]:
    named = "|".join(map(re.escape, package.distributions))
    asks = rf"(?<![\w.-])(?:{named})(?![\w-])"
    # Not in a comment.
    return lines_with(re.compile(rf"(?i)^(?!\s*#).*?{asks}"), text, None)
