"""Users and sessions in a database of their own, beside everything else."""

import os
from pathlib import Path
from typing import Any

from tests.tenants.common import *  # noqa: F403
from tests.tenants.common import RATCHET

#: What has to be where the users are: foreign keys join them.
TOGETHER = {"auth", "contenttypes", "admin", "drf_ratchet"}


class Router:
    """Sends what belongs to accounts to the database of that name."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "accounts" if model._meta.app_label in TOGETHER else "default"

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (db == "accounts") == (app_label in TOGETHER)


DATABASES: dict[str, dict[str, Any]] = {
    alias: {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ["TENANTS_FOLDER"]) / f"{alias}.sqlite3",
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
    for alias in ("default", "accounts")
}
DATABASE_ROUTERS = ["tests.tenants.accounts.Router"]
DRF_RATCHET = RATCHET
