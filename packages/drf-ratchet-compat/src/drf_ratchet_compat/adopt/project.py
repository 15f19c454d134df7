"""What a running project has of the old package: settings, views, tables, migrations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder
from django.urls import URLPattern, get_resolver

from drf_ratchet_compat.adopt.packages import OldPackage


@dataclass(frozen=True, slots=True)
class Served:
    """A view of the old package, or made of one.

    Args:
        route: where.
        view: its class, as a dotted path.
        base: the class of the old package that it is or derives from.
    """

    route: str
    view: str
    base: str


@dataclass(slots=True)
class Stored:
    """What the database has of the old package.

    Args:
        alias: which database.
        rows: by table; only those that exist.
        migrations: how many of its migrations are applied.
        last_expiry: when the last token that it has noted expires, aware.
        problem: why it could not be read, else "".
    """

    alias: str
    rows: dict[str, int] = field(default_factory=dict)
    migrations: int = 0
    last_expiry: datetime | None = None
    problem: str = ""


def project_root() -> Path:
    """The project's directory: ``BASE_DIR`` of its settings, else where the command was called."""
    base = getattr(settings, "BASE_DIR", None)
    return Path(base).resolve() if isinstance(base, str | Path) and str(base) else Path.cwd()


def named_in_settings(package: OldPackage) -> Iterator[tuple[str, str]]:
    """Each dotted path of the package in the settings in force, with the place that it has there.

    Nothing else of them is shown: they hold secrets.

    Args:
        package: which one.
    """
    for name in sorted(dir(settings)):
        if name.isupper():
            for place, path in _strings(getattr(settings, name), name, depth=0):
                if package.is_within(path):
                    yield place, path


def _strings(value: Any, place: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str):
        yield place, value
    elif depth > 6:  # nobody's settings; something that refers to itself
        return
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _strings(key, f"{place} (a key)", depth + 1)
            yield from _strings(inner, f"{place}[{key!r}]", depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _strings(inner, place, depth + 1)


def served(package: OldPackage) -> Iterator[Served]:
    """The views of the URLconf that are the package's, or are subclasses of its views.

    Args:
        package: which one.

    Raises:
        Exception: whatever the project's URLconf raises when it is imported.
    """
    yield from _served(get_resolver().url_patterns, "/", package)


def _served(patterns: Any, prefix: str, package: OldPackage) -> Iterator[Served]:
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if not isinstance(pattern, URLPattern):
            yield from _served(pattern.url_patterns, route, package)
            continue
        view = getattr(pattern.callback, "cls", getattr(pattern.callback, "view_class", None))
        for base in getattr(view, "__mro__", ()):
            if package.is_within(base.__module__):
                yield Served(route, _path(view), _path(base))
                break


def _path(named: Any) -> str:
    return f"{named.__module__}.{named.__qualname__}"


def stored(package: OldPackage) -> Stored:
    """What the database has. A handful of queries, whose counts read the old tables once.

    Args:
        package: which one.
    """
    from drf_ratchet_compat.adopt import old_tables

    found = Stored(old_tables.database_of(package))
    try:
        tables = old_tables.tables_of(package, found.alias)
        found.rows = {
            table: old_tables.row_count(table, found.alias)
            for table in package.tables
            if table in tables
        }
        if next(iter(package.tables)) in tables:
            found.last_expiry = old_tables.last_expiry(package, found.alias)
        recorder = MigrationRecorder(connections[found.alias])
        applied = recorder.applied_migrations()
        found.migrations = sum(1 for label, _ in applied if label == package.migrations)
    # A table of another shape, a server that is away, no database at all; and SQLite keeps any
    # text for a time.
    except (DatabaseError, ImproperlyConfigured, ValueError, AttributeError) as error:
        found.problem = str(error).strip()
    return found
