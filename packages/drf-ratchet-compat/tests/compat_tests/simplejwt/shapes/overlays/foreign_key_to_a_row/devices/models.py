from django.conf import settings
from django.db import models
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken


class Device(models.Model):
    """Where a user has signed in."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    token = models.OneToOneField(OutstandingToken, models.CASCADE)
    name = models.CharField(max_length=100)

    def __str__(self):
        return self.name

    def sign_out(self):
        BlacklistedToken.objects.get_or_create(token=self.token)
