"""Users named by a field of two words."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from tests.projects.apps.managers import UserManager


class User(AbstractUser):
    username = None
    login_name = models.CharField(max_length=100, unique=True)

    objects = UserManager()

    USERNAME_FIELD = "login_name"
    REQUIRED_FIELDS = []
