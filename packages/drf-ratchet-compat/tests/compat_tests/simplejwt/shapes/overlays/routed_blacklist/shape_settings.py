from pathlib import Path

from settings import *  # noqa: F403
from settings import DATABASES

DATABASES["revoked"] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": Path(__file__).with_name("revoked.sqlite3"),
    # The users are in the other database.
    "OPTIONS": {"timeout": 30, "init_command": "PRAGMA foreign_keys = OFF"},
}
DATABASE_ROUTERS = ["routers.Revoked"]
