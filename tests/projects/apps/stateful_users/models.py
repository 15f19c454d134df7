"""Users that remember how they were loaded, and that come with a number counted for them."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Count

from tests.projects.apps.managers import UserManager


class CountedUsers(UserManager):
    def get_queryset(self) -> Any:
        return super().get_queryset().annotate(number_of_notes=Count("notes"))


class User(AbstractUser):
    phone = models.CharField(max_length=20, default="")

    objects = CountedUsers()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # As packages that track changes do it.
        self.loaded_phone = self.phone

    def save(self, *args: Any, **kwargs: Any) -> None:
        assert self.loaded_phone is not None
        super().save(*args, **kwargs)
        self.loaded_phone = self.phone
