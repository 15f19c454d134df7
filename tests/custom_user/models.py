"""User models that differ from Django's in what a project may choose."""

import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class VisibleUsers(BaseUserManager[Any]):
    """As soft deletion is often done: the default manager does not know who is hidden."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(is_hidden=False)


class EmailUser(AbstractBaseUser):
    """Named by an email address, numbered by a UUID, and hidden instead of deleted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_hidden = models.BooleanField(default=False)

    objects = VisibleUsers()
    everybody = models.Manager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class NumberUser(AbstractBaseUser):
    """Named by a number, as at a till; with no email address and no `is_active` of its own."""

    number = models.IntegerField(unique=True)

    objects = BaseUserManager()

    USERNAME_FIELD = "number"

    def __str__(self) -> str:
        return str(self.number)


class ShoutedField(models.CharField):
    """Stored in small letters, and read in capitals."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return None if value is None else value.upper()


class Person(models.Model):
    """The first of two tables."""

    code = ShoutedField(max_length=10)
    born = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.code)


class OddUser(AbstractBaseUser, Person):
    """A person who may sign in: multi-table inheritance."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    preferences = models.JSONField(default=dict)

    objects = BaseUserManager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any, **options: Any) -> Any:
        made = super().from_db(db, field_names, values, **options)
        made.seen_by_from_db = True
        return made
