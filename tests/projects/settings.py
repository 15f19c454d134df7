"""The settings of one cell: startproject's, the quick start's, and the shape's on top.

The environment names the cell and its databases. ``run.py`` makes both.
"""

import json
import os
from typing import Any

import dj_database_url
from shop import settings as written  # by startproject

from tests.mysqldb import use_pymysql_for_mariadb
from tests.projects.shape import FEED_INTERVAL, SERVICES
from tests.projects.shapes import SHAPES

use_pymysql_for_mariadb()

GAUNTLET = SHAPES[os.environ["GAUNTLET_SHAPE"]]
ACT = int(os.environ.get("GAUNTLET_ACT", "0"))

vars().update({name: value for name, value in vars(written).items() if name.isupper()})

ROOT_URLCONF = "tests.projects.urls"
INSTALLED_APPS = [
    *written.INSTALLED_APPS,
    "rest_framework",
    "drf_ratchet",
    "tests.projects.apps.notes",
    *GAUNTLET.apps,
]
MIDDLEWARE = [*GAUNTLET.first_middleware, *written.MIDDLEWARE, *GAUNTLET.middleware]


def _database(url: str) -> dict[str, Any]:
    entry: dict[str, Any] = {**dj_database_url.parse(url)}
    if entry["ENGINE"] == "django.db.backends.sqlite3":
        # The data is thrown away, so it need not survive a crash.
        entry["OPTIONS"] = {"init_command": "PRAGMA synchronous=OFF"}
        if GAUNTLET.base:  # as docs/support.md says
            entry["OPTIONS"]["transaction_mode"] = "IMMEDIATE"
    return {**entry, **GAUNTLET.database}


DATABASES: dict[str, Any] = {
    alias: _database(url) for alias, url in json.loads(os.environ["GAUNTLET_DATABASES"]).items()
}

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["drf_ratchet.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    **GAUNTLET.rest,
}
DRF_RATCHET: dict[str, Any] = {
    "FRESHNESS": os.environ["GAUNTLET_FRESHNESS"],
    # So that nobody here waits for a second.
    "FEED_INTERVAL": FEED_INTERVAL,
    "SERVICE_SECRETS": SERVICES,
    **GAUNTLET.ratchet,
}

# The real hashers take a quarter of a second each; what they do is not what is tested here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

for _name, _value in {**GAUNTLET.base, **GAUNTLET.settings}.items():
    vars()[_name] = _value

if GAUNTLET.caches_at_valkey:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["VALKEY_URL"],
            "KEY_PREFIX": os.environ["GAUNTLET_HOME"],
        }
    }
if ACT:
    for _name, _value in GAUNTLET.then.items():
        vars()[_name] = {**vars()[_name], **_value} if isinstance(_value, dict) else _value

# The projects write their migrations themselves, as their authors would.
MIGRATION_MODULES = {
    app.rpartition(".")[2]: f"shop_migrations.{app.rpartition('.')[2]}"
    for app in INSTALLED_APPS
    if app.startswith("tests.projects.apps.")
}
