"""Configure the database: SQLite in a file, or the one that `DATABASE_URL` names."""

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

SQLITE = "django.db.backends.sqlite3"

SQLITE_OPTIONS = {
    # A transaction that starts as a reader and then writes cannot wait for another writer: SQLite
    # fails with "database is locked" at once, whatever the timeout. IMMEDIATE takes the write lock
    # at BEGIN, where SQLite can wait for it.
    "transaction_mode": "IMMEDIATE",
    # Seconds to wait for the write lock.
    "timeout": 20,
    # With a write-ahead log, readers and the writer do not block each other. NORMAL syncs at
    # checkpoints only: a power failure may lose the last commits, but not corrupt the file.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
}


def database(url: str, *, sqlite_file: Path, atomic_requests: bool) -> dict[str, Any]:
    """Return one entry of Django's `DATABASES`.

    Args:
        url: a database URL, or an empty string for SQLite.
        sqlite_file: the path of SQLite's file, used without a URL. Its directory is created.
        atomic_requests: whether each request runs in one transaction.

    Raises:
        ImproperlyConfigured: the URL is invalid. The text does not contain it, because it may
            contain a password.
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
        # Each thread keeps its connection for 60 seconds, and checks it before each request.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _parse(url: str) -> dict[str, Any]:
    try:
        return {**dj_database_url.parse(url)}
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read. {error}") from None
