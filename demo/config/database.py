"""The database: SQLite in a file, or whatever `DATABASE_URL` names."""

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

SQLITE = "django.db.backends.sqlite3"

SQLITE_OPTIONS = {
    # A transaction that begins as a reader and then writes cannot wait for another writer: SQLite
    # answers "database is locked" at once, however long the timeout. IMMEDIATE takes its turn to
    # write at BEGIN, where waiting is possible.
    "transaction_mode": "IMMEDIATE",
    # Seconds to wait for that turn.
    "timeout": 20,
    # With a write-ahead log readers and the one writer do not block each other. NORMAL syncs at a
    # checkpoint and not at every commit: a power cut may lose the last commits, never the file.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
}


def database(url: str, *, sqlite_file: Path, atomic_requests: bool) -> dict[str, Any]:
    """One entry of Django's `DATABASES`.

    Args:
        url: a database URL, or an empty string for SQLite.
        sqlite_file: where SQLite stores when there is no URL; its folder is made.
        atomic_requests: whether each request runs in one transaction.

    Raises:
        ImproperlyConfigured: the URL is none. It is not shown, since it may hold a password.
    """
    if url:
        config = _parse(url)
    else:
        sqlite_file.parent.mkdir(parents=True, exist_ok=True)
        config = {"ENGINE": SQLITE, "NAME": sqlite_file}
    if config["ENGINE"] == SQLITE:
        config["OPTIONS"] = SQLITE_OPTIONS | config.get("OPTIONS", {})
    return config | {
        "ATOMIC_REQUESTS": atomic_requests,
        # Each thread keeps its connection for a minute, and looks whether it still works first.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _parse(url: str) -> dict[str, Any]:
    try:
        return {**dj_database_url.parse(url)}
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read. {error}") from None
