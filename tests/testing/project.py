"""A small project of somebody else's, and its tests run by pytest in a process of its own."""

import os
import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs" / "testing.md"

SETTINGS = """
SECRET_KEY = "a key for these tests alone, 0123456789abcdefghijkl"
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "drf_ratchet", {apps}
]
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True,
    }}
}}
REST_FRAMEWORK = {{
    "DEFAULT_AUTHENTICATION_CLASSES": ["drf_ratchet.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}}
ROOT_URLCONF = "urls"
USE_TZ = True
STATIC_URL = "/static/"
{more}
"""

URLS = """
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView


class Posts(APIView):
    def get(self, request):
        return Response([])


urlpatterns = [
    path("api/", include("drf_ratchet.urls")),
    path("api/browser/", include("drf_ratchet.browser.urls")),
    path("api/posts/", Posts.as_view()),
]
"""


def begin(pytester: pytest.Pytester, *, apps: str = "", more: str = "") -> None:
    """Write a project without tests.

    Args:
        pytester: in whose directory.
        apps: further items of ``INSTALLED_APPS``.
        more: further settings.
    """
    write(pytester, "settings.py", SETTINGS.format(apps=apps, more=more))
    write(pytester, "urls.py", URLS)
    write(pytester, "pytest.ini", "[pytest]\npythonpath = .\nfilterwarnings =\n    error\n")


def write(pytester: pytest.Pytester, name: str, text: str) -> None:
    file = pytester.path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def run_pytest(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """By the plugins that are installed, as a project has it."""
    return pytester.runpytest_subprocess(
        *("-ra", "-p", "no:schemathesis", "-p", "no:cacheprovider", *options), timeout=300
    )


def run_django_tests(pytester: pytest.Pytester, *modules: str) -> pytest.RunResult:
    """By Django's own runner."""
    program = [sys.executable, "-W", "error", "-m", "django", "test", *modules]
    os.environ["PYTHONPATH"] = str(pytester.path)  # pytester puts the environment back
    return pytester.run(*program, timeout=300)


def from_docs() -> dict[str, str]:
    """The files that docs/testing.md shows: the first line of each block of code is its name."""
    blocks = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", DOCS.read_text(), re.S | re.M)
    assert len(blocks) == DOCS.read_text().count("```python")
    return dict(blocks)
