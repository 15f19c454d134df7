"""The demo's settings, quick and on the database that DATABASE_URL names (SQLite unless set)."""

import os

os.environ.setdefault("SECRET_KEY", "a key for the tests alone, 0123456789abcdefghijklmnop")

from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS, REST_FRAMEWORK
from tests.mysqldb import use_pymysql_for_mariadb

use_pymysql_for_mariadb()

# The real hashers take a quarter of a second each; what they do is not what is tested here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Else WhiteNoise looks through all static files for each client of a test: 0.1 s, nine tenths of a
# request.
WHITENOISE_AUTOREFRESH = True

# For tests/test_axes.py alone, which switches it on.
INSTALLED_APPS = [*INSTALLED_APPS, "axes"]
AXES_ENABLED = False
SILENCED_SYSTEM_CHECKS = ["axes.W002", "axes.W003"]

REST_FRAMEWORK = {**REST_FRAMEWORK, "TEST_REQUEST_DEFAULT_FORMAT": "json"}

# With a persistent connection the test database cannot be dropped.
DATABASES["default"]["CONN_MAX_AGE"] = 0

# Where tests/sessions/test_replica.py sends reads. Its tables are made without migrations: quickly.
DATABASES["replica"] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": ":memory:",
    "TEST": {"MIGRATE": False},
}
