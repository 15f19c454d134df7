"""What the environment changes in the demo's settings."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.cache import cache
from config.database import database
from drf_ratchet.throttling import RATES

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

DEMO = Path(__file__).resolve().parents[2] / "demo"
OURS = {
    "ATOMIC_REQUESTS",
    "DATABASE_URL",
    "DEBUG",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "THROTTLES",
    "VALKEY_URL",
}


def settings(tmp_path: Path, **environment: str) -> dict[str, Any]:
    """The settings as a new process reads them."""
    program = (
        "import json, config.settings as s;"
        "print(json.dumps({n: v for n, v in vars(s).items() if n.isupper()}, default=str))"
    )
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=DEMO,
        # Both set, so that the process leaves nothing behind in the checkout.
        env={
            **clean,
            "SECRET_KEY": "a key",
            "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
            **environment,
        },
        stdout=subprocess.PIPE,
        check=True,
    )
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_as_it_comes(tmp_path: Path) -> None:
    read = settings(tmp_path)

    assert read["DEBUG"] is False
    assert read["SECRET_KEY"] == "a key"
    assert read["SECRET_KEY_FALLBACKS"] == []
    assert read["DATABASES"]["default"]["ATOMIC_REQUESTS"] is False
    assert read["REST_FRAMEWORK"]["DEFAULT_THROTTLE_RATES"] == {}


def test_changed(tmp_path: Path) -> None:
    read = settings(
        tmp_path,
        ATOMIC_REQUESTS="1",
        DEBUG="1",
        SECRET_KEY_FALLBACKS="an older key, the oldest,",
        THROTTLES="off",
    )

    assert read["DEBUG"] is True
    assert read["SECRET_KEY_FALLBACKS"] == ["an older key", "the oldest"]
    assert read["DATABASES"]["default"]["ATOMIC_REQUESTS"] is True
    assert read["REST_FRAMEWORK"]["DEFAULT_THROTTLE_RATES"] == dict.fromkeys(RATES)


@pytest.mark.parametrize("url", ["", "sqlite:////somewhere/db.sqlite3?timeout=5"])
def test_sqlite_takes_concurrent_requests(tmp_path: Path, url: str) -> None:
    config = database(url, sqlite_file=tmp_path / "var" / "db.sqlite3", atomic_requests=False)

    assert config["ENGINE"] == "django.db.backends.sqlite3"
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in config["OPTIONS"]["init_command"]
    # What the URL says comes before what the demo would have.
    assert config["OPTIONS"]["timeout"] == (5 if url else 20)
    assert (tmp_path / "var").is_dir() is not bool(url)


def test_postgresql(tmp_path: Path) -> None:
    url = "postgresql://somebody:secret@db.example.com:5433/blog"

    config = database(url, sqlite_file=tmp_path / "db.sqlite3", atomic_requests=True)

    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert (config["HOST"], config["PORT"], config["NAME"]) == ("db.example.com", 5433, "blog")
    assert (config["CONN_MAX_AGE"], config["CONN_HEALTH_CHECKS"]) == (60, True)
    assert config["ATOMIC_REQUESTS"] is True
    assert "transaction_mode" not in config.get("OPTIONS", {})


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("redis://127.0.0.1:6379/1", "redis://127.0.0.1:6379/1"),
        ("valkey://127.0.0.1:6379/1", "redis://127.0.0.1:6379/1"),
        ("valkeys://cache.example.com", "rediss://cache.example.com"),
    ],
)
def test_valkey(url: str, location: str) -> None:
    assert cache(url)["LOCATION"] == location
    assert cache("")["BACKEND"].endswith("LocMemCache")
