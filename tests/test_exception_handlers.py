"""Whatever a project's ``EXCEPTION_HANDLER`` does with a refusal, the client gets its code."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse, JsonResponse
from django.test import override_settings
from rest_framework.exceptions import APIException, ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView, exception_handler

from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.permissions import RecentSignIn
from ratchet_tokens.errors import Reason
from tests.fixtures import PASSWORD, Tokens

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

OWN_PAGE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
WRONG = {"username": "alice", "password": "wrong"}
FORM = "application/x-www-form-urlencoded"

seen: list[APIException] = []


def watching_handler(exc: Any, context: Any) -> Any:
    """As drf-standardized-errors and DRF JSON:API do: ask for codes, and walk the leaves."""
    seen.append(exc)
    exc.get_codes()
    exc.get_full_details()
    return exception_handler(exc, context)


class View(APIView):
    authentication_classes = [JWTAuthentication]
    permission_classes = [RecentSignIn(minutes=0.0001)]

    def get(self, request: Request) -> Response:
        return Response({})


def view(**headers: Any) -> Any:
    return View.as_view()(APIRequestFactory().get("/", **headers)).render()


def leaves(detail: Any) -> Iterator[Any]:
    if isinstance(detail, dict | list):
        for part in detail.values() if isinstance(detail, dict) else detail:
            yield from leaves(part)
    else:
        yield detail


Ask = Callable[[APIClient, Tokens], Any]

#: Each way in which something of ours refuses, and the code of every leaf of its body.
REFUSALS: dict[str, tuple[str, Ask]] = {
    "a token at a view": ("token_not_valid", lambda api, _: view(HTTP_AUTHORIZATION="Bearer x")),
    "an old sign-in": ("reauthentication_required", lambda api, mine: view(**mine.bearer)),
    "wrong password": ("no_active_account", lambda api, _: api.post("/api/token/", WRONG)),
    "missing field": ("required", lambda api, _: api.post("/api/token/", {})),
    "no object": ("invalid", lambda api, _: api.post("/api/token/", [])),
    "no JSON": (
        "parse_error",
        lambda api, _: api.post("/api/token/", "{", content_type="application/json"),
    ),
    "unknown type": (
        "unsupported_media_type",
        lambda api, _: api.post("/api/token/", "x", content_type="text/plain"),
    ),
    "throttled": (
        "throttled",
        lambda api, _: [api.post("/api/token/", WRONG) for _ in range(21)][-1],
    ),
    "refresh": (
        "token_not_valid",
        lambda api, _: api.post("/api/token/refresh/", {"refresh": "x"}),
    ),
    "key": (
        "bad_idempotency_key",
        lambda api, mine: api.post(
            "/api/token/refresh/", {"refresh": mine.refresh}, HTTP_IDEMPOTENCY_KEY=""
        ),
    ),
    "verify": ("token_not_valid", lambda api, _: api.post("/api/token/verify/", {"token": "x"})),
    "logout": ("token_not_valid", lambda api, _: api.post("/api/logout/", {"refresh": "x"})),
    "logout of nobody": ("not_authenticated", lambda api, _: api.post("/api/logout/")),
    "two users": ("different_users", lambda api, mine: api.post("/api/logout/", **bobs(api, mine))),
    "two sessions": (
        "different_sessions",
        lambda api, mine: api.post("/api/step-up/", **another_session(api, mine)),
    ),
    "step-up": (
        "no_active_account",
        lambda api, mine: api.post(
            "/api/step-up/", {"refresh": mine.refresh, "password": "x"}, **mine.bearer
        ),
    ),
    "no such session": (
        "not_found",
        lambda api, mine: api.delete("/api/sessions/x/", **mine.bearer),
    ),
    "a cursor": ("invalid", lambda api, mine: api.get("/api/sessions/?before=x", **mine.bearer)),
    "method": ("method_not_allowed", lambda api, _: api.get("/api/token/")),
    "another site": ("cross_site", lambda api, _: api.post("/api/browser/login/", WRONG)),
    "no cookie": (
        "not_authenticated",
        lambda api, _: api.post("/api/browser/refresh/", **OWN_PAGE),
    ),
    "a body that is none": (
        "parse_error",
        lambda api, _: api.post("/api/browser/logout/", [1], **OWN_PAGE),
    ),
    "no service": ("invalid_client", lambda api, _: api.post("/api/introspect/", {"token": "x"})),
}


def bobs(api: APIClient, mine: Tokens) -> dict[str, Any]:
    User.objects.create_user("bob", password=PASSWORD)
    bob = api.post("/api/token/", {"username": "bob", "password": PASSWORD}).json()
    return {"data": {"refresh": bob["refresh"]}, **mine.bearer}


def another_session(api: APIClient, mine: Tokens) -> dict[str, Any]:
    other = api.post("/api/token/", {"username": "alice", "password": PASSWORD}).json()
    return {"data": {"refresh": other["refresh"], "password": PASSWORD}, **mine.bearer}


@pytest.fixture
def handle(settings: Any) -> Callable[[str], None]:
    """Let the project's exception handler be a function of this module."""
    settings.ROOT_URLCONF = "tests.urls_of_everything"
    plain = settings.REST_FRAMEWORK

    def handle(name: str) -> None:
        settings.REST_FRAMEWORK = {**plain, "EXCEPTION_HANDLER": f"{__name__}.{name}"}

    seen.clear()
    return handle


@pytest.mark.parametrize("name", REFUSALS)
def test_every_leaf_has_the_code(
    name: str, api: APIClient, tokens: Tokens, handle: Callable[[str], None]
) -> None:
    code, ask = REFUSALS[name]
    handle("watching_handler")

    answer = ask(api, tokens)

    assert answer.status_code >= 400
    found = list(leaves(seen[-1].detail))
    assert all(type(leaf) is ErrorDetail for leaf in found), found
    assert {leaf.code for leaf in found} == {code}
    body = json.loads(answer.content)
    if "code" in body and isinstance(body["code"], str):
        assert body["code"] == code


def test_the_reason_of_a_refusal_survives(
    api: APIClient, db: None, handle: Callable[[str], None]
) -> None:
    handle("watching_handler")
    api.post("/api/token/refresh/", {"refresh": "x"})

    [refusal] = seen
    full: Any = refusal.get_full_details()
    assert refusal.get_codes() == dict.fromkeys(("detail", "code", "reason"), "token_not_valid")
    assert full["reason"] == {"message": Reason.MALFORMED.value, "code": "token_not_valid"}
    assert full["code"]["message"] == "token_not_valid"


@pytest.mark.parametrize("name", REFUSALS)
def test_the_json_is_that_of_plain_texts(
    name: str, api: APIClient, tokens: Tokens, handle: Callable[[str], None]
) -> None:
    handle("watching_handler")
    answer = REFUSALS[name][1](api, tokens)

    plain = json.dumps(_plain(seen[-1].detail), separators=(",", ":"), ensure_ascii=False)
    assert answer.content == plain.encode()


def _plain(detail: Any) -> Any:
    if isinstance(detail, dict):
        return {name: _plain(part) for name, part in detail.items()}
    return [_plain(part) for part in detail] if isinstance(detail, list) else str(detail)


def test_a_cache_that_is_down_is_said_with_a_code(
    api: APIClient, alice: User, handle: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: Any) -> None:
        raise OSError

    handle("watching_handler")
    monkeypatch.setattr("drf_ratchet.throttling.counts_in", down)
    assert api.post("/api/token/", WRONG).json()["code"] == "busy"
    assert {leaf.code for leaf in leaves(seen[-1].detail)} == {"busy"}


# Handlers of other shapes


def no_handler(exc: Exception, context: Any) -> None:
    """Leaves everything open."""


def list_handler(exc: Any, context: Any) -> Response:
    return Response([str(exc)], status=exc.status_code)


def text_handler(exc: Any, context: Any) -> Response:
    return Response(str(exc), status=exc.status_code)


def json_handler(exc: Any, context: Any) -> HttpResponse:
    """Not one of DRF's responses."""
    return JsonResponse({"error": True}, status=exc.status_code)


def always_200_handler(exc: Any, context: Any) -> Response:
    return Response({"ok": False}, status=200, headers={"X-Own": "1"})


def test_what_a_handler_leaves_open_is_no_500(
    api: APIClient, tokens: Tokens, handle: Callable[[str], None]
) -> None:
    handle("no_handler")
    for code, ask in (REFUSALS[name] for name in ("refresh", "wrong password", "another site")):
        answer = ask(api, tokens)
        assert (answer.status_code, answer.json()["code"]) == (
            403 if code == "cross_site" else 401,
            code,
        )
    assert api.get("/api-auth/login/?format=x", HTTP_ACCEPT="text/html").status_code < 500


@pytest.mark.parametrize("name", ["list_handler", "text_handler", "json_handler"])
def test_headers_that_a_handler_forgets_are_there(
    name: str, api: APIClient, tokens: Tokens, handle: Callable[[str], None]
) -> None:
    handle(name)

    refused = REFUSALS["refresh"][1](api, tokens)
    assert refused["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'
    assert refused["Cache-Control"] == "no-store"
    assert REFUSALS["wrong password"][1](api, tokens)["WWW-Authenticate"] == 'Bearer realm="api"'
    assert REFUSALS["no service"][1](api, tokens)["WWW-Authenticate"] == 'Basic realm="services"'
    throttled = REFUSALS["throttled"][1](api, tokens)
    assert (throttled.status_code, int(throttled["Retry-After"]) > 0) == (429, True)


@pytest.mark.parametrize("name", ["no_handler", "list_handler", "text_handler", "json_handler"])
def test_the_sign_in_page_stays_a_page(
    name: str, api: APIClient, alice: User, handle: Callable[[str], None]
) -> None:
    handle(name)
    page = api.get("/api-auth/login/")
    body = f"username=alice&password=wrong&csrfmiddlewaretoken={page.cookies['csrftoken'].value}"

    answer = api.post("/api-auth/login/", body, content_type=FORM)

    assert answer.status_code == 401
    assert "No active account was found" in answer.content.decode()
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_status_of_the_projects_own_is_kept(
    api: APIClient, db: None, handle: Callable[[str], None]
) -> None:
    handle("always_200_handler")
    answer = api.post("/api/token/refresh/", {"refresh": "x"})

    assert (answer.status_code, answer.json(), answer["X-Own"]) == (200, {"ok": False}, "1")
    assert "WWW-Authenticate" not in answer


def test_another_name_for_errors_of_no_field(
    api: APIClient, alice: User, settings: Any, handle: Callable[[str], None]
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NON_FIELD_ERRORS_KEY": "errors"}
    assert api.post("/api/token/", []).json().keys() == {"errors"}
    with override_settings(ROOT_URLCONF="tests.urls_of_everything"):
        page = api.get("/api-auth/login/")
    assert page.status_code == 200


def test_an_error_of_the_projects_is_still_raised(
    api: APIClient, alice: User, settings: Any
) -> None:
    """Also where ``raise_uncaught_exception`` looks at the renderer, under DEBUG."""

    def claims(user: Any, **_: Any) -> Any:
        raise LookupError("of the project")

    settings.DEBUG = True
    settings.DRF_RATCHET = {"CLAIMS": claims}
    with pytest.raises(LookupError):
        api.post("/api/token/", {"username": "alice", "password": PASSWORD})
