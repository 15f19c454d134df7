"""A key for each user. A new one signs the user out everywhere."""

from django.conf import settings
from django.db import models
from django.utils.crypto import get_random_string


def new_key():
    return get_random_string(64)


class Key(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
    text = models.CharField(max_length=64, default=new_key)

    def __str__(self):
        return f"the key of {self.user}"
