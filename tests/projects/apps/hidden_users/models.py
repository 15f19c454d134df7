"""Users that the default manager hides once they are deleted."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from tests.projects.apps.managers import UserManager


class VisibleUsers(UserManager):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(is_deleted=False)


class User(AbstractUser):
    is_deleted = models.BooleanField(default=False)

    objects = VisibleUsers()
    everybody = models.Manager()
