"""The settings of the tests, with the real simplejwt's blacklist beside us."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework_simplejwt.token_blacklist"]
# A token of any age is somebody's; the bound of our own sessions has a test of its own.
DRF_RATCHET = {"SESSION_LIFETIME": None}

# Beside the database of the run that started this one. SQLite's is in memory.
if "sqlite" not in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": "test_adopt"}
