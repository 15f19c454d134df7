"""Users in two tables: a member is a person who may sign in."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models

from tests.projects.apps.managers import UserManager


class Person(models.Model):
    called = models.CharField(max_length=100)
    since = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.called


class Member(Person, AbstractBaseUser, PermissionsMixin):
    number = models.CharField(max_length=20, unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects = UserManager()

    USERNAME_FIELD = "number"

    def __str__(self) -> str:
        return self.number
