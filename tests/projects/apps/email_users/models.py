"""Users named by an email address."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from tests.projects.apps.managers import UserManager


class User(AbstractUser):
    username = None
    email = models.EmailField(unique=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
