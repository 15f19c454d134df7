"""What the projects share: a small API with one view for each freshness."""

import json
import os
from datetime import timedelta
from typing import Any

from tests import console
from tests.docs.project import code_of

SECRET_KEY = "a key for the tests alone, 0123456789abcdefghijklmnop"
# The tests start one process.
SILENCED_SYSTEM_CHECKS = ["ratchet.W006"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.tenants.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The real hashers take a quarter of a second each.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "drf_ratchet",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
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
            ],
        },
    },
]
STATIC_URL = "/static/"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["drf_ratchet.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_RATES": {"sign_in": "5/hour"},
}
#: An ending is seen soon, so that a test need not wait.
RATCHET: dict[str, Any] = {"FEED_INTERVAL": timedelta(milliseconds=50)}


def database(url: str, engine: str = "django.db.backends.postgresql") -> dict[str, Any]:
    """A database by its URL, and by the options that ``TENANTS_DATABASE`` has as JSON."""
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    return {
        "ENGINE": engine,
        "NAME": parts.path[1:],
        "USER": parts.username,
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        **json.loads(os.environ.get("TENANTS_DATABASE", "{}")),
    }


def of_page(module: str) -> dict[str, Any]:
    """What a module of the how-to defines."""
    found: dict[str, Any] = {}
    code = code_of("howto/tenants.md")[module]
    exec(compile(code, str(console.ROOT / "docs/howto/tenants.md"), "exec"), found)
    return found
