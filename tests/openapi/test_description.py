"""The description that drf-spectacular makes of us: without a warning, and what is in it."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.openapi.client import ROOT, Failed, describe

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

Json = dict[str, Any]
ALL = "tests.openapi.settings"


#: Two projects that differ in all that a description depends on.
ONE = {"OAS_VERSION": "3.0.3", "JWT_GENERATION": "1.19", "ACCESS_TOKEN_COOKIE": "0"}
OTHER = {
    "OAS_VERSION": "3.1.0",
    "JWT_GENERATION": "1.11",
    "ACCESS_TOKEN_COOKIE": "1",
    "COMPONENT_SPLIT_REQUEST": "1",
}

# In a process of its own each, for Django takes one set of settings; and once.
_made: dict[str, Json] = {}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Json]:
    """A project's description, by its settings."""

    def described(settings: str = ALL, **environment: str) -> Json:
        key = f"{settings} {environment}"
        if key not in _made:
            file = tmp_path_factory.mktemp("described") / "openapi.json"
            describe(file, settings, **environment)
            _made[key] = json.loads(file.read_text())
        return _made[key]

    return described


Describe = Callable[..., Json]


@pytest.fixture(scope="module")
def everything(described: Describe) -> Json:
    """All of our urls, and what a project derives from our views."""
    return described(**ONE)


def body(operation: Json, status: str = "200", kind: str = "application/json") -> Any:
    return operation["responses"][status]["content"][kind]["schema"]


def named(whole: Json, schema: Json) -> Json:
    found: Json = whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def sent(whole: Json, operation: Json, kind: str = "application/json") -> Json:
    return named(whole, operation["requestBody"]["content"][kind]["schema"])


@pytest.mark.parametrize("environment", [ONE, OTHER])
def test_no_warning(described: Describe, environment: dict[str, str]) -> None:
    whole = described(**environment)

    assert whole["openapi"] == environment["OAS_VERSION"]
    assert len(whole["paths"]) > 30


@pytest.mark.full
def test_a_warning_would_be_seen(described: Describe) -> None:
    with pytest.raises(Failed, match="unable to guess serializer"):
        described("tests.openapi.settings_careless")


@pytest.mark.full
def test_the_demo_is_complete(described: Describe) -> None:
    whole = described("tests.settings")

    paths = whole["paths"]
    ours = {"token/", "token/refresh/", "token/verify/", "logout/", "logout/all/", "sessions/"}
    browser = {f"browser/{name}/" for name in ("login", "refresh", "logout", "session", "step-up")}
    blog = {"protected/", "posts/", "posts/create/", "posts/{id}/"}
    below_api = {*ours, "sessions/{id}/", "step-up/", *browser, *blog}
    drf_jwts = {f"/api-token-{name}/" for name in ("auth", "refresh", "verify")}
    assert paths.keys() == {f"/api/{name}" for name in below_api} | drf_jwts | {
        "/.well-known/jwks.json"
    }
    # The browsable API's cookie is for people's pages.
    assert paths["/api/protected/"]["get"]["security"] == [{"jwtAuth": []}]
    for path, operations in paths.items():
        for method, operation in operations.items():
            # One that can be refused says how.
            refusals = {status for status in operation["responses"] if status >= "400"}
            assert refusals or (method, path) in {
                ("get", "/.well-known/jwks.json"),
                ("get", "/api/browser/session/"),
            }


def test_a_refusal_names_every_reason(everything: Json) -> None:
    refresh = everything["paths"]["/api/token/refresh/"]["post"]
    refused = named(everything, body(refresh, "401"))

    assert refused["required"] == ["detail", "code", "reason"]
    assert "session_ended" in named(everything, refused["properties"]["reason"])["enum"]
    assert refresh["responses"]["429"]["headers"].keys() == {"Cache-Control", "Retry-After"}
    assert refresh["responses"]["401"]["headers"].keys() == {"Cache-Control", "WWW-Authenticate"}
    assert [one["name"] for one in refresh["parameters"]] == ["Idempotency-Key"]


@pytest.mark.parametrize(
    ("method", "path", "security"),
    [
        ("post", "/api/token/", [{}]),
        ("post", "/api/logout/", [{"jwtAuth": []}, {}]),
        ("post", "/api/logout/all/", [{"jwtAuth": []}]),
        ("post", "/api/browser/login/", None),
        ("post", "/api/browser/refresh/", [{"refreshCookie": []}]),
        ("post", "/api/browser/logout/", [{"refreshCookie": []}, {}]),
        ("post", "/api/browser/step-up/", [{"jwtAuth": [], "refreshCookie": []}]),
        # Whatever AllowAny says: a service has to say who it is.
        ("post", "/api/introspect/", [{"serviceAuth": []}]),
        ("get", "/own/notes/{id}/", [{"jwtAuth": []}, {"jwtAuth": []}]),
    ],
)
def test_how_requests_are_signed_in(
    everything: Json, method: str, path: str, security: Any
) -> None:
    assert everything["paths"][path][method].get("security") == security


def test_schemes(everything: Json, described: Describe) -> None:
    schemes = everything["components"]["securitySchemes"]
    with_cookie = described(**OTHER)

    assert (schemes["jwtAuth"]["type"], schemes["jwtAuth"]["scheme"]) == ("http", "bearer")
    assert (schemes["serviceAuth"]["type"], schemes["serviceAuth"]["scheme"]) == ("http", "basic")
    assert schemes["refreshCookie"]["name"] == "__Host-ratchet-refresh-token"
    assert schemes["jwtCookieAuth"]["name"] == "__Host-ratchet-access-token"
    step_up = with_cookie["paths"]["/api/browser/step-up/"]["post"]
    assert step_up["security"] == [{"jwtCookieAuth": [], "refreshCookie": []}]
    login = with_cookie["paths"]["/api/browser/login/"]["post"]
    assert named(with_cookie, body(login))["properties"].keys() == {"expires_in"}


@pytest.mark.parametrize(
    ("words", "scheme"),
    [
        (["Bearer"], {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
        (["bearer"], {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
        (
            ["JWT", "Bearer"],
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "Accepted in place of the word Bearer as well: JWT.",
            },
        ),
        (
            ["JWT"],
            {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": 'Token-based authentication with required prefix "JWT"',
            },
        ),
    ],
)
@pytest.mark.full
def test_other_words_than_bearer(words: list[str], scheme: Json) -> None:
    from drf_ratchet.openapi.extensions import header_scheme

    assert header_scheme(words) == scheme


def test_a_projects_own_sign_in(everything: Json) -> None:
    """Fields that it declares: those that are written are sent, those that are read only come."""
    login = everything["paths"]["/own/login/"]["post"]

    assert {"username", "password", "remember"} <= sent(everything, login)["properties"].keys()
    assert sent(everything, login)["properties"]["name"]["readOnly"]
    answered = named(everything, body(login))
    assert answered["properties"].keys() == {"access", "refresh", "name"}
    assert set(answered["required"]) == {"access", "refresh", "name"}
    assert "example" not in json.dumps(login["requestBody"])


def test_what_a_project_has_said_itself_comes_first(everything: Json) -> None:
    annotated = everything["paths"]["/own/annotated/"]["post"]
    logout = everything["paths"]["/own/logout/"]["post"]

    assert (annotated["summary"], annotated["responses"].keys()) == ("Ours", {"200"})
    # And what it has not said is ours still.
    assert "pair of tokens" in annotated["description"]
    assert (logout["tags"], logout["responses"].keys()) == (["mine"], {"204"})
    assert logout["summary"] == "Log out"


def test_a_list_is_no_page(described: Describe) -> None:
    """The project's default pagination is not ours."""
    sessions = described("tests.settings")["paths"]["/api/sessions/"]["get"]

    assert body(sessions)["type"] == "array"
    assert [one["name"] for one in sessions["parameters"]] == ["before"]
    assert sessions["responses"]["200"]["headers"]["Link"].get("required", False) is False
    assert sessions["operationId"] == "sessions_list"


def test_each_generation_has_its_own_answer(everything: Json, described: Describe) -> None:
    older = described(**OTHER)["paths"]["/drf-jwt/auth/"]["post"]
    newer = everything["paths"]["/drf-jwt/auth/"]["post"]

    assert {"200", "201"} & older["responses"].keys() == {"200"}
    assert {"200", "201"} & newer["responses"].keys() == {"201"}


def test_services(everything: Json) -> None:
    paths = everything["paths"]

    introspect = paths["/api/introspect/"]["post"]
    assert introspect["requestBody"]["content"].keys() == {"application/x-www-form-urlencoded"}
    assert named(everything, body(introspect))["required"] == ["active"]
    ended = paths["/api/ended-sessions/"]["get"]
    assert body(ended, kind="application/jwt") == {"type": "string"}
    assert {"200", "304", "401", "404", "429"} == ended["responses"].keys()


@pytest.mark.full
def test_another_username_field(described: Describe) -> None:
    whole = described("tests.openapi.settings_email")
    login = whole["paths"]["/token/"]["post"]

    assert sent(whole, login)["properties"].keys() == {"email", "password"}
    example = next(iter(login["requestBody"]["content"]["application/json"]["examples"].values()))
    assert example["value"].keys() == {"email", "password"}


def test_nothing_is_imported_without_it() -> None:
    """Where drf-spectacular is installed but no app of the project, it costs no time."""
    program = (
        "import sys, django;"
        "from django.conf import settings;"
        "settings.configure(SECRET_KEY='x' * 50, INSTALLED_APPS=["
        "'django.contrib.auth', 'django.contrib.contenttypes', 'rest_framework', 'drf_ratchet']);"
        "django.setup();"
        "import drf_ratchet.views, drf_ratchet.browser.views;"
        "found = [name for name in sys.modules if 'spectacular' in name or 'openapi' in name];"
        "sys.exit(f'{found}' if any('drf_' in name for name in found) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=False, stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == 0, done.stderr
