"""The suite's settings, with django-otp as its documentation installs it."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_otp",
    # Before the other one: match_token() tries devices in this order.
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
]

# Beside the database of the run that started this one. SQLite's is in memory.
if "sqlite" not in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": "test_otp"}
