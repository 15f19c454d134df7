"""The settings of the tests, with a user model that has a parent, proxies and children."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.user_relatives"]
AUTH_USER_MODEL = "user_relatives.Member"
# The blog's claims are made for Django's own user.
DRF_RATCHET = {}

# Beside the database of the run that started this one. SQLite's is in memory.
if "sqlite" not in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": "test_user_relatives"}
