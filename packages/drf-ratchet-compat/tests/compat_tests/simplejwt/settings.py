"""The settings of the tests, in a project that has moved in from simplejwt."""

from datetime import timedelta

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [
    *(app for app in INSTALLED_APPS if app != "drf_ratchet"),
    "drf_ratchet_compat.simplejwt",
    "drf_ratchet_compat.simplejwt.token_blacklist",
]
ROOT_URLCONF = "compat_tests.simplejwt.urls"
DRF_RATCHET = {}
SIMPLE_JWT = {
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "drf_ratchet_compat.simplejwt.authentication.JWTAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# Beside the database of the run that started this one. SQLite's is in memory.
if "sqlite" not in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": "test_compat_simplejwt"}
