"""What the projects have in common: what ``startproject`` makes, on PostgreSQL.

As a program, make a peer's tables and its one user:

    DATABASE_URL=... python -m peers.project simplejwt
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import dj_database_url
import django
from django.conf import settings

from peers import PASSWORD, USERNAME

APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
# To the server's log: without DEBUG, Django mails what went wrong.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}


def configure(
    urlconf: str, apps: Sequence[str], middleware: Sequence[str] = (), **own: Any
) -> None:
    """Configure Django. ``apps``, ``middleware`` and ``own`` come on top of the usual settings."""
    settings.configure(
        **{
            "ROOT_URLCONF": urlconf,
            "INSTALLED_APPS": [*APPS, *apps],
            "MIDDLEWARE": [*MIDDLEWARE, *middleware],
            "TEMPLATES": TEMPLATES,
            "SECRET_KEY": os.environ["SECRET_KEY"],
            "ALLOWED_HOSTS": ["127.0.0.1"],
            "LOGGING": LOGGING,
            "STATIC_URL": "static/",
            "USE_TZ": True,
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            "DATABASES": {
                "default": dj_database_url.parse(
                    os.environ["DATABASE_URL"],
                    conn_max_age=60,
                    # Django's default is off: it is one more round trip for each request that asks
                    # the database anything, whoever's package that does.
                    conn_health_checks=os.environ.get("CONN_HEALTH_CHECKS") == "1",
                )
            },
            **own,
        }
    )
    django.setup()


def main(peer: str) -> None:
    importlib.import_module(f"peers.{peer}")

    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    get_user_model()._default_manager.create_user(username=USERNAME, password=PASSWORD)


if __name__ == "__main__":
    main(sys.argv[1])
