"""A throwaway project on the real simplejwt, as its owner would have written it, on SQLite."""

import os
import subprocess
import sys
from pathlib import Path

import drf_ratchet
import drf_ratchet_compat
import ratchet_tokens

SETTINGS = """\
from datetime import timedelta
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "a key for a throwaway project, 0123456789abcdef"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_ratchet",
    "shop",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
ROOT_URLCONF = "urls"
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
}
SIMPLE_JWT = {
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "TOKEN_OBTAIN_SERIALIZER": "shop.tokens.ShopSerializer",
}
"""

FILES = {
    "settings.py": SETTINGS,
    # What is left when the old app is gone, and its successor is not there yet.
    "without.py": (
        "from settings import *\n"
        'INSTALLED_APPS = [app for app in INSTALLED_APPS if "simplejwt" not in app]\n'
        "REST_FRAMEWORK = {}\n"
        'ROOT_URLCONF = "no_urls"\n'
    ),
    "bridged.py": (
        "from settings import *\n"
        'INSTALLED_APPS = [*INSTALLED_APPS, "drf_ratchet_compat.simplejwt"]\n'
    ),
    # simplejwt's tables in a database of their own, with a copy of the users.
    "split.py": (
        "from settings import *\n"
        'DATABASES = {**DATABASES, "tokens": {**DATABASES["default"], '
        '"NAME": BASE_DIR / "tokens.sqlite3"}}\n'
        'DATABASE_ROUTERS = ["split.Router"]\n\n\n'
        "class Router:\n"
        "    def db_for_read(self, model, **hints):\n"
        '        return "tokens" if model._meta.app_label == "token_blacklist" else None\n\n'
        "    db_for_write = db_for_read\n\n"
        "    def allow_relation(self, one, other, **hints):\n"
        "        return True\n"
    ),
    "no_urls.py": "urlpatterns = []\n",
    "urls.py": (
        "from django.urls import include, path\n"
        "from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView\n\n"
        "tokens = [\n"
        '    path("", TokenObtainPairView.as_view()),\n'
        '    path("refresh/", TokenRefreshView.as_view()),\n'
        "]\n"
        'urlpatterns = [path("api/token/", include(tokens))]\n'
    ),
    "shop/__init__.py": "",
    "shop/tokens.py": (
        "from rest_framework_simplejwt.serializers import TokenObtainPairSerializer\n\n\n"
        "class ShopSerializer(TokenObtainPairSerializer):\n"
        "    @classmethod\n"
        "    def get_token(cls, user):\n"
        "        token = super().get_token(user)\n"
        '        token["name"] = user.get_username()\n'
        '        token["client_id"] = "shop"\n'
        "        return token\n"
    ),
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": (
        "from django.db import migrations\n\n\n"
        "class Migration(migrations.Migration):\n"
        '    dependencies = [("token_blacklist", "0012_alter_outstandingtoken_user")]\n'
    ),
    "requirements.txt": "djangorestframework-simplejwt==5.5.1\n",
    "manage.py": (
        "import os, sys\n"
        "from django.core.management import execute_from_command_line\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")\n'
        "execute_from_command_line(sys.argv)\n"
    ),
}

#: How an installed drf-ratchet declares the task; the checkout that is tested may not be installed.
ENTRY_POINT = """\
[drf_ratchet.tasks]
adopt = drf_ratchet_compat.adopt
drain = drf_ratchet_compat.simplejwt.drain
"""


def declare(directory: Path, name: str = "drf-ratchet", entry_points: str = ENTRY_POINT) -> Path:
    """Make a directory that, on ``sys.path``, declares entry points of a distribution."""
    info = directory / f"{name.replace('-', '_')}-0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")
    info.joinpath("entry_points.txt").write_text(entry_points)
    return directory


class Project:
    """Its directory, and ``manage.py`` in it."""

    def __init__(self, place: Path) -> None:
        self.root = place / "project"
        for name, text in FILES.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        packages = (drf_ratchet, drf_ratchet_compat, ratchet_tokens)
        sources = [str(Path(str(package.__file__)).parents[1]) for package in packages]
        self._path = [*sources, str(declare(place / "installed"))]

    def start(self, *arguments: str, settings: str = "settings") -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            # Django takes longer to compile than everything here; once is enough.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(self.root.parents[1] / "compiled"),
            "DJANGO_SETTINGS_MODULE": settings,
            "PYTHONPATH": os.pathsep.join(self._path),
        }
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def manage(self, *arguments: str, settings: str = "settings", code: int = 0) -> str:
        process = self.start(*arguments, settings=settings)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == code, output
        return output

    def shell(self, code: str, settings: str = "settings") -> str:
        return self.manage("shell", "-v0", "-c", code, settings=settings)

    def snapshot(self) -> dict[str, bytes]:
        """Every file and what is in it, the database among them."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }
