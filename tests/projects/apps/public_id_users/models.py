"""Users whose key stays inside; tokens name them by another field."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
