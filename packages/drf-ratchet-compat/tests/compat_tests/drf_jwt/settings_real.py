"""The same project before the move: on the real drf-jwt."""

import json
import os

import django

from compat_tests.drf_jwt.settings import *  # noqa: F403
from compat_tests.drf_jwt.settings import INSTALLED_APPS, JWT_AUTH, REST_FRAMEWORK

#: Its blacklist does not import on Django 6.
HAS_BLACKLIST = django.VERSION < (6,)

INSTALLED_APPS = [name for name in INSTALLED_APPS if not name.startswith("drf_ratchet")]
INSTALLED_APPS += ["rest_framework_jwt"]
if HAS_BLACKLIST and json.loads(os.environ.get("MORE_APPS", "[]")):
    INSTALLED_APPS += ["rest_framework_jwt.blacklist"]
ROOT_URLCONF = "compat_tests.drf_jwt.urls_real"
REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_jwt.authentication.JSONWebTokenAuthentication"
    ],
}
JWT_AUTH = {name: value for name, value in JWT_AUTH.items() if "LEGACY" not in name}
