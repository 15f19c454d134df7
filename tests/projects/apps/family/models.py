"""A proxy and a child of Django's own user."""

from django.contrib.auth.models import User, UserManager
from django.db import models


class Employee(User):
    objects = UserManager()

    class Meta:
        proxy = True


class Customer(User):
    points = models.IntegerField(default=0)

    objects = UserManager()
