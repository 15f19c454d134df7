"""The same, with a user model named by a number."""

from tests.custom_user.settings import *  # noqa: F403
from tests.custom_user.settings import DATABASES

AUTH_USER_MODEL = "custom_user.NumberUser"

if "TEST" in DATABASES["default"]:
    DATABASES["default"]["TEST"] = {"NAME": "test_custom_user_number"}
