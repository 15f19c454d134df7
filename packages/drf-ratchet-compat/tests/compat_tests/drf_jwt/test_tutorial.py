"""The tutorial of djangorestframework-jwt, in a project made for the moment, over HTTP.

Its views and settings, with the package's name replaced. What it does not have is one line in
INSTALLED_APPS, and `migrate`: the old package needed no table.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

ROOT = Path(__file__).resolve().parents[5]
PACKAGE = "drf_ratchet_compat.drf_jwt"

SETTINGS = f"""
from datetime import timedelta
SECRET_KEY = "a key for the tests alone, 0123456789abcdefghijklmnop"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "rest_framework",
    "{PACKAGE}",
]
ROOT_URLCONF = "urls"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}}}
USE_TZ = True
# It has one process.
SILENCED_SYSTEM_CHECKS = ["ratchet.W006"]
REST_FRAMEWORK = {{
    "DEFAULT_AUTHENTICATION_CLASSES": ("{PACKAGE}.authentication.JSONWebTokenAuthentication",),
}}
JWT_AUTH = {{
    "JWT_ALLOW_REFRESH": True,
    "JWT_REFRESH_EXPIRATION_DELTA": timedelta(days=7),
    "JWT_AUTH_HEADER_PREFIX": "Bearer",
    "JWT_AUTH_COOKIE": None,
    "JWT_AUTH_TOKEN_CLASSES": (
        "{PACKAGE}.tokens.AccessToken",
        "{PACKAGE}.tokens.RefreshToken",
    ),
}}
"""

URLS = f"""
from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from {PACKAGE}.settings import api_settings
from {PACKAGE}.views import ObtainJSONWebToken, RefreshJSONWebToken

class SignIn(ObtainJSONWebToken):
    def post(self, request, *args, **kwargs):
        answer = super(SignIn, self).post(request, *args, **kwargs)
        return Response({{"token": answer.data["token"]}})

class Refresh(RefreshJSONWebToken):
    def post(self, request, *args, **kwargs):
        answer = super(Refresh, self).post(request, *args, **kwargs)
        return Response({{"token": answer.data["token"]}})

class Endpoint(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({{"user": request.user.username}})

urlpatterns = [
    path("api-token-auth/", SignIn.as_view()),
    path("api-token-refresh/", Refresh.as_view()),
    path("api/endpoint/", Endpoint.as_view()),
]
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "settings.py").write_text(SETTINGS)
    (tmp_path / "urls.py").write_text(URLS)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
    }
    make = (
        "import django; django.setup(); from django.core.management import call_command as call; "
        "call('check', fail_level='WARNING'); call('migrate', verbosity=0); "
        "from django.contrib.auth.models import User; "
        "User.objects.create_user('user1', password='password123')"
    )
    subprocess.run([sys.executable, "-c", make], cwd=tmp_path, env=environment, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve = ["-m", "django", "runserver", "--noreload", "--skip-checks", f"127.0.0.1:{port}"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *serve], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    try:
        wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def ask(url: str, body: Any = None, header: str = "") -> tuple[int, Any]:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            **({"Authorization": header} if header else {}),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def test_the_recipe_works_again(address: str) -> None:
    credentials = {"username": "user1", "password": "password123"}
    status, body = ask(f"{address}/api-token-auth/", credentials)
    assert (status, list(body)) == (200, ["token"])
    token = body["token"]
    # It configures one prefix and sends the other.
    for word in ("JWT", "Bearer"):
        asked = ask(f"{address}/api/endpoint/", header=f"{word} {token}")
        assert asked == (200, {"user": "user1"})
    assert ask(f"{address}/api/endpoint/", header="JWT nonsense")[0] == 401
    assert ask(f"{address}/api/endpoint/")[0] == 401

    # It sends the token in the header, and no body at all.
    status, body = ask(f"{address}/api-token-refresh/", {}, f"JWT {token}")
    assert (status, list(body)) == (200, ["token"])
    assert body["token"] != token
    asked = ask(f"{address}/api/endpoint/", header=f"JWT {body['token']}")
    assert asked == (200, {"user": "user1"})
    empty = urllib.request.Request(
        f"{address}/api-token-refresh/", data=b"", headers={"Authorization": f"JWT {token}"}
    )
    with urllib.request.urlopen(empty, timeout=20) as answer:
        assert answer.status == 200
