"""The suite's settings, with django-otp as its documentation installs it."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_otp",
    # Before the other one: match_token() tries devices in this order.
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
]
