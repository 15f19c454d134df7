"""Users named by an email address, in whatever case it is written."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from tests.projects.apps.managers import UserManager


class AnyCaseEmailField(models.EmailField):
    """PostgreSQL's citext, and SQLite's NOCASE. MariaDB's own collation knows no case either."""

    def db_type(self, connection: Any) -> str | None:
        if connection.vendor == "postgresql":
            return "citext"
        return super().db_type(connection)

    def db_parameters(self, connection: Any) -> Any:
        collation = {"collation": "NOCASE"} if connection.vendor == "sqlite" else {}
        return {**super().db_parameters(connection), **collation}


class User(AbstractUser):
    username = None
    email = AnyCaseEmailField(unique=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
