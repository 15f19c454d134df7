"""Each public class of ours may be named in ``REST_FRAMEWORK``, by whatever its setting is.

DRF reads these settings while it imports its own views. So a module that a setting may name must
not import them: each class is tried in a process that has imported nothing yet.
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.in_its_own_process import ROOT
from tests.sizes import few

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

SOURCES = [ROOT / "src", *ROOT.glob("packages/*/src")]
#: DRF's bases of what each setting names.
KINDS = {
    "BaseAuthentication": "DEFAULT_AUTHENTICATION_CLASSES",
    "BasePermission": "DEFAULT_PERMISSION_CLASSES",
    "BaseThrottle": "DEFAULT_THROTTLE_CLASSES",
    "parsers.JSONParser": "DEFAULT_PARSER_CLASSES",
    "parsers.FormParser": "DEFAULT_PARSER_CLASSES",
    "parsers.MultiPartParser": "DEFAULT_PARSER_CLASSES",
}
#: What is no policy: a base for others, a stand-in in a description, a class within a function.
ABSTRACT = {"CountingThrottle", "RefreshCookie", "BaseJSONWebTokenAuthentication"}
#: Where modules are that belong to another app than ours.
APPS = {
    "drf_ratchet_compat.drf_jwt": [
        "drf_ratchet_compat.drf_jwt",
        "drf_ratchet_compat.drf_jwt.blacklist",
    ],
    "drf_ratchet_compat.simplejwt": ["drf_ratchet_compat.simplejwt"],
}

PROGRAM = """
import json, sys
from django.conf import settings

setting, path, apps = json.loads(sys.argv[1])
settings.configure(
    SECRET_KEY="a key for the tests alone, 0123456789abcdefghijklmnop",
    ALLOWED_HOSTS=["testserver"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.staticfiles",
        "rest_framework",
        *apps,
        "drf_ratchet",
    ],
    STATIC_URL="static/",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    ROOT_URLCONF="__main__",
    REST_FRAMEWORK={setting: [path]},
    DRF_RATCHET={"SERVICE_SECRETS": {"billing": "x" * 40}},
)

import django

django.setup()
import rest_framework.views
from django.core.management import call_command
from django.test import Client
from django.urls import include, path as route
from rest_framework.response import Response


class View(rest_framework.views.APIView):
    def get(self, request):
        return Response({"user": str(request.user)})

    post = get


urlpatterns = [
    route("view/", View.as_view()),
    route("api/", include("drf_ratchet.urls")),
    route("api/browser/", include("drf_ratchet.browser.urls")),
    route("api-auth/", include("drf_ratchet.browser.browsable_urls")),
    route("api/", include("drf_ratchet.services.urls")),
]
call_command("migrate", verbosity=0)
call_command("check", verbosity=0)
named = getattr(rest_framework.views.api_settings, setting)
assert [f"{one.__module__}.{one.__qualname__}" for one in named] == [path], named
client = Client(raise_request_exception=True)
for url in ("/view/", "/api/sessions/", "/api/browser/session/", "/api-auth/login/"):
    assert client.get(url).status_code < 500, url
for url in ("/view/", "/api/token/", "/api/token/refresh/", "/api/introspect/", "/api-auth/login/"):
    answer = client.post(url, "{}", content_type="application/json")
    assert answer.status_code < 500, (url, answer.content)
print("answered")
"""


def public_classes() -> Iterator[tuple[str, str]]:
    """Every policy of DRF's kinds that we define, as (setting, dotted path), out of the source."""
    defined = [
        (".".join(file.relative_to(source).with_suffix("").parts), node)
        for source in SOURCES
        for file in sorted(source.rglob("*.py"))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef)
    ]
    settings = dict(KINDS)
    for _ in range(4):  # as deep as they are derived from each other
        for _, node in defined:
            for base in map(ast.unparse, node.bases):
                if base in settings:
                    settings[node.name] = settings[base]
    for module, node in defined:
        if node.name in settings and node.name not in ABSTRACT and node.name[0] != "_":
            yield settings[node.name], f"{module}.{node.name}"


def test_the_ones_that_people_name_are_tried() -> None:
    tried = {path for _, path in public_classes()}
    assert {
        "drf_ratchet.authentication.JWTAuthentication",
        "drf_ratchet.browser.authentication.CookieJWTAuthentication",
        "drf_ratchet.browser.cross_site.HasCSRFToken",
        "drf_ratchet.browser.cross_site.IsSameOrigin",
        "drf_ratchet.browser.pages.LoginFormParser",
        "drf_ratchet_compat.drf_jwt.blacklist.permissions.IsNotBlacklisted",
        "drf_ratchet.permissions.IsOwner",
        "drf_ratchet.services.authentication.ServiceAuthentication",
        "drf_ratchet.throttling.SignInThrottle",
    } <= tried


@pytest.mark.parametrize(
    ("setting", "path"),
    few(
        sorted(public_classes()),
        lambda named: named[1].endswith(("JWTAuthentication", "IsNotBlacklisted")),
    ),
)
def test_a_class_named_in_settings_answers_requests(setting: str, path: str) -> None:
    try_it(setting, path)


def test_a_class_may_be_named_by_the_module_it_moved_from() -> None:
    done = run("DEFAULT_PERMISSION_CLASSES", "drf_ratchet.browser.pages.HasCSRFToken")
    assert "drf_ratchet.browser.cross_site.HasCSRFToken" in done.stderr  # imported, under its name


def try_it(setting: str, path: str) -> None:
    done = run(setting, path)
    assert done.stdout.endswith("answered\n"), done.stderr


def run(setting: str, path: str) -> subprocess.CompletedProcess[str]:
    apps = next((apps for start, apps in APPS.items() if path.startswith(start)), [])
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([setting, path, apps])],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
