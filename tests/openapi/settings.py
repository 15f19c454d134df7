"""A project with all of our urls, and with views and serializers of its own behind them."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "drf_ratchet_compat.drf_jwt.blacklist",
]
ROOT_URLCONF = "tests.openapi.urls"
DRF_RATCHET = {
    "ACCESS_TOKEN_COOKIE": os.environ.get("ACCESS_TOKEN_COOKIE") == "1",
    "SERVICE_SECRETS": {"billing": "hunter2-hunter2-hunter2-hunter2-1"},
}
JWT_AUTH = {"JWT_GENERATION": os.environ.get("JWT_GENERATION", "1.19"), "JWT_LEGACY_KEYS": ()}
SPECTACULAR_SETTINGS = {
    "TITLE": "Everything",
    "VERSION": "1",
    "OAS_VERSION": os.environ.get("OAS_VERSION", "3.0.3"),
    "COMPONENT_SPLIT_REQUEST": os.environ.get("COMPONENT_SPLIT_REQUEST") == "1",
}
