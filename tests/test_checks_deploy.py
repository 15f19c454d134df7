"""`manage.py check --deploy`, as people run it: on a project full of mistakes, and on the demo."""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

DEMO = Path(__file__).resolve().parents[1] / "demo"

TEN_MISTAKES = {
    "ratchet.E007",
    "ratchet.W001",
    "ratchet.W002",
    "ratchet.W004",
    "ratchet.W005",
    "ratchet.W006",
    "ratchet.W007",
    "ratchet.W008",
    "ratchet.W011",
    "ratchet.W012",
}
PLANTED = """
from datetime import timedelta

SECRET_KEY = "django-insecure-{random}"
EMAIL_HOST_PASSWORD = SECRET_KEY
ALLOWED_HOSTS = ["example.com"]
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "drf_ratchet",
    "corsheaders",
]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
SECURE_SSL_REDIRECT = True
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
CACHES = {{"default": {{"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}}
DRF_RATCHET = {{
    "ACCESS_TOKEN_LIFETIME": timedelta(days=1),
    "SESSION_LIFETIME": None,
    "FRESHNESS": "expiry",
    "CLAIMS": "planted_claims.access_claims",
}}
REST_FRAMEWORK = {{
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "drf_ratchet.authentication.JWTAuthentication",
    ],
    "DEFAULT_THROTTLE_RATES": {{"sign_in": None}},
}}
"""
CLAIMS = """
def access_claims(user, *, session, request):
    return {"role": "author", "password_hash": user.password}
"""
PRODUCTION = """
from config.settings import *

SECRET_KEY = "{random}"
CACHES = {{"default": {{
    "BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://valkey:6379",
}}}}
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
DRF_RATCHET = {{**DRF_RATCHET, "COOKIE_SECURE": True, "MAX_SESSIONS_PER_USER": 100}}
"""


def check(directory: Path, settings: str) -> subprocess.CompletedProcess[str]:
    (directory / "project_settings.py").write_text(settings)
    paths = [str(directory), str(DEMO), *filter(None, sys.path)]
    return subprocess.run(
        [sys.executable, "-m", "django", "check", "--deploy"],
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "DJANGO_SETTINGS_MODULE": "project_settings",
            "DATABASE_URL": "",  # the checks are the same whatever the tests run on
            "SECRET_KEY": "for the import of the demo's settings alone",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_ten_planted_mistakes_are_all_named(tmp_path: Path) -> None:
    random = secrets.token_urlsafe(48)
    (tmp_path / "planted_claims.py").write_text(CLAIMS)
    (tmp_path / "corsheaders").mkdir()
    (tmp_path / "corsheaders" / "__init__.py").touch()

    done = check(tmp_path, PLANTED.format(random=random))
    said = done.stdout + done.stderr

    assert set(re.findall(r"ratchet\.[EW]\d+(?=\))", said)) == TEN_MISTAKES, said
    assert len(TEN_MISTAKES) == 10
    assert "(ratchet.I001)" in said  # advice
    assert done.returncode == 1
    assert random not in said


def test_the_demo_in_production_is_clean(tmp_path: Path) -> None:
    done = check(tmp_path, PRODUCTION.format(random=secrets.token_urlsafe(48)))

    assert "System check identified no issues (0 silenced)." in done.stdout, done.stderr
    assert done.returncode == 0
