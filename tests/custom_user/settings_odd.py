"""The same, with a user model of two tables, a field that converts, a ``from_db`` of its own."""

from tests.custom_user.settings import *  # noqa: F403
from tests.custom_user.settings import DATABASES

AUTH_USER_MODEL = "custom_user.OddUser"

if "TEST" in DATABASES["default"]:
    DATABASES["default"]["TEST"] = {"NAME": "test_custom_user_odd"}
