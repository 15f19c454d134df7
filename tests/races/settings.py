"""The demo's settings for a server under test; what a test varies comes from the environment.

``RACE_ISOLATION`` is a transaction isolation level, in SQL's words and lower case.
``RACE_OPTIONS`` is a JSON object of ``DRF_RATCHET`` options; a timedelta is given in seconds.
"""

import json
import os
from datetime import timedelta
from typing import Any

from config.settings import *  # noqa: F403
from config.settings import DATABASES, DRF_RATCHET
from drf_ratchet.conf import RatchetSettings
from tests.mysqldb import use_pymysql_for_mariadb

use_pymysql_for_mariadb()

# The real hashers take a quarter of a second each. The second is the old one in a test of upgrades.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "tests.hashers.OfThisYear",
]


def _isolation_level(engine: str, level: str) -> Any:
    if not engine.endswith("postgresql"):
        return level
    from psycopg import IsolationLevel

    return IsolationLevel[level.upper().replace(" ", "_")]


def _option(name: str, value: Any) -> Any:
    is_duration = isinstance(getattr(RatchetSettings(), name), timedelta)
    return timedelta(seconds=value) if is_duration else value


if _level := os.environ.get("RACE_ISOLATION"):
    _default = DATABASES["default"]
    _default["OPTIONS"] = {
        **_default.get("OPTIONS", {}),
        "isolation_level": _isolation_level(_default["ENGINE"], _level),
    }

_options = json.loads(os.environ.get("RACE_OPTIONS", "{}"))
DRF_RATCHET = {**DRF_RATCHET, **{name: _option(name, _options[name]) for name in _options}}
