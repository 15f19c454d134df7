"""A project that has moved in from drf-jwt. What differs comes from the environment, as JSON."""

import json
import os
from pathlib import Path

SECRET_KEY = "a key for the tests alone, 0123456789abcdefghijklmnop"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.admin",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "drf_ratchet_compat.drf_jwt",
    *json.loads(os.environ.get("MORE_APPS", "[]")),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "compat_tests.drf_jwt.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
if os.environ.get("DATABASE_URL"):
    from config.database import database
    from tests.mysqldb import use_pymysql_for_mariadb

    use_pymysql_for_mariadb()
    url = os.environ["DATABASE_URL"]
    DATABASES = {"default": database(url, sqlite_file=Path(), atomic_requests=False)}
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # Beside the database of the run that started this one. SQLite's is in memory.
    if "sqlite" not in DATABASES["default"]["ENGINE"]:
        DATABASES["default"]["TEST"] = {"NAME": "test_compat_drf_jwt"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "drf_ratchet_compat.drf_jwt.authentication.JSONWebTokenAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "NUM_PROXIES": 0,
}
JWT_AUTH = json.loads(os.environ.get("JWT_AUTH", "{}"))
