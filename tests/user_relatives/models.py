"""A user model with a parent, proxies and children: all of them save the same row."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Account(AbstractBaseUser):
    """The parent, whose table has the password."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)

    objects: BaseUserManager[Any] = BaseUserManager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class Member(Account):
    """The user model."""

    nickname = models.CharField(max_length=20, default="")


class Editor(Member):
    """A proxy of the user model."""

    class Meta:
        proxy = True


class AnyAccount(Account):
    """A proxy of its parent."""

    class Meta:
        proxy = True


class Employee(Member):
    """A child of the user model."""

    room = models.CharField(max_length=20, default="")


class Robot(Member):
    """A child with a primary key of its own."""

    serial = models.AutoField(primary_key=True)
    member = models.OneToOneField(Member, models.CASCADE, parent_link=True)


class Thing(models.Model):
    """Nobody's."""

    password = models.CharField(max_length=20, default="")
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return str(self.pk)
