"""The sign-in policy, the proof of identity and other projects' settings."""

from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import RequestFactory, override_settings
from django.urls import clear_url_caches, include, path, re_path
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.urlpatterns import format_suffix_patterns
from rest_framework.views import APIView, exception_handler

from compat_tests.drf_jwt import urls
from compat_tests.drf_jwt.test_sessions import bearer, sign_in
from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.checks import check_sign_in_endpoints
from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.models import Session
from drf_ratchet.permissions import RecentSignIn
from drf_ratchet.serializers import TokenObtainPairSerializer
from drf_ratchet_compat.drf_jwt.serializers import JSONWebTokenSerializer
from drf_ratchet_compat.drf_jwt.utils import (
    jwt_create_payload,
    jwt_decode_handler,
    jwt_encode_handler,
)
from drf_ratchet_compat.drf_jwt.views import ObtainJSONWebTokenView
from tests.fixtures import PASSWORD, payload

RIGHT = {"username": "alice", "password": PASSWORD}


class CodeSerializer(TokenObtainPairSerializer):
    amr = ("pwd", "otp")
    code = serializers.CharField(write_only=True)

    def get_credentials(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {**super().get_credentials(attrs), "code": attrs["code"]}

    def authenticate(self, credentials: dict[str, Any]) -> Any:
        if credentials.pop("code") != "123456":
            raise NoActiveAccount
        return super().authenticate(credentials)


class Sensitive(APIView):
    """As a project that moves step by step has it: our authenticator, and RecentSignIn."""

    authentication_classes = [JWTAuthentication]
    permission_classes = [RecentSignIn()]

    def get(self, request: Any) -> Response:
        return Response({"user": request.user.username})


def sensitive(token: str) -> int:
    request = RequestFactory().get("/", **bearer(token))
    return int(Sensitive.as_view()(request).status_code)


@pytest.fixture
def root(api: APIClient, alice: User) -> str:
    User.objects.create_superuser("root", "", PASSWORD)
    return sign_in(api, "root")


def impersonate(api: APIClient, root: str, alice: User) -> Any:
    return api.post("/api-token-impersonate/", {"user": alice.pk}, **bearer(root))


# What proves who somebody is


def test_an_impersonation_is_no_proof(api: APIClient, root: str, alice: User) -> None:
    assert sensitive(sign_in(api)) == 200
    token = impersonate(api, root, alice).json()["token"]
    assert payload(token)["auth_time"] == 0
    assert sensitive(token) == 401
    row = Session.objects.get(pk=payload(token)["sid"])
    assert row.auth_time.timestamp() == 0
    for _ in range(2):
        token = api.post("/api-token-refresh/", {"token": token}).json()["token"]
        assert sensitive(token) == 401


def test_a_copy_of_a_token_is_no_proof(api: APIClient, root: str, alice: User) -> None:
    old = sign_in(api)
    said = dict(jwt_decode_handler(old))
    said["auth_time"] = said["orig_iat"] = said["iat"] = said["iat"] - 3600
    copied = jwt_encode_handler(said)
    assert payload(copied)["sid"] != payload(old)["sid"]
    assert payload(copied)["auth_time"] == said["auth_time"]
    assert sensitive(copied) == 401

    acting = dict(jwt_decode_handler(impersonate(api, root, alice).json()["token"]))
    assert sensitive(jwt_encode_handler(acting)) == 401
    del acting["auth_time"]
    assert sensitive(jwt_encode_handler(acting)) == 401


@pytest.mark.parametrize("moment", ["x", None, True, -1, float("nan"), [1]])
def test_a_copy_that_says_nonsense_is_no_proof(api: APIClient, alice: User, moment: Any) -> None:
    said = {**jwt_decode_handler(sign_in(api)), "auth_time": moment}
    assert sensitive(jwt_encode_handler(said)) == 401


def test_a_token_made_by_hand_is_a_sign_in(alice: User) -> None:
    """It is the project's own, as ``open_session`` is."""
    assert sensitive(jwt_encode_handler(jwt_create_payload(alice))) == 200


# The policy and the serializer


def test_the_policy_is_asked(api: APIClient, root: str, alice: User, settings: Any) -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def policy(user: Any, *, amr: Any, **_: Any) -> bool:
        asked.append((user.username, amr))
        return bool(user.username == "root")

    settings.DRF_RATCHET = {"SIGN_IN_POLICY": policy}
    answer = api.post("/api-token-auth/", RIGHT)
    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["Unable to log in with provided credentials."]}
    answer = impersonate(api, root, alice)
    assert (answer.status_code, answer.json()) == (
        400,
        {"non_field_errors": ["User account is disabled."]},
    )
    with pytest.raises(NoActiveAccount):
        jwt_encode_handler(jwt_create_payload(alice))
    with override_settings(DEBUG=True), pytest.raises(CommandError):
        call_command("obtain_token", alice.pk)
    assert asked == [("alice", ("pwd",)), *[("alice", ())] * 3]
    assert not Session.objects.filter(user=alice).exists()


def test_a_refresh_asks_the_policy(api: APIClient, alice: User, settings: Any) -> None:
    token = sign_in(api)
    settings.DRF_RATCHET = {"SIGN_IN_POLICY": lambda user, **_: False}
    answer = api.post("/api-token-refresh/", {"token": token})
    assert answer.json() == {"non_field_errors": ["User account is disabled."]}
    settings.DRF_RATCHET = {}
    assert api.post("/api-token-refresh/", {"token": token}).status_code == 201


@pytest.mark.parametrize("url", ["/api-token-auth/", "/older/auth/"])
def test_a_second_factor_is_asked_for_here_too(
    url: str, api: APIClient, alice: User, settings: Any
) -> None:
    settings.DRF_RATCHET = {"SIGN_IN_SERIALIZER": f"{__name__}.CodeSerializer"}
    answer = api.post(url, RIGHT)
    assert (answer.status_code, answer.json()) == (400, {"code": ["This field is required."]})
    assert api.post(url, {**RIGHT, "code": "1"}).status_code == 400
    assert not Session.objects.exists()
    assert api.post(url, {**RIGHT, "code": "123456"}).status_code in (200, 201)


def test_the_check_knows_that_it_does(settings: Any) -> None:
    assert check_sign_in_endpoints() == []
    settings.DRF_RATCHET = {"SIGN_IN_SERIALIZER": f"{__name__}.CodeSerializer"}
    assert check_sign_in_endpoints() == []

    class Bent(JSONWebTokenSerializer):
        pass

    bent = ObtainJSONWebTokenView.as_view(serializer_class=Bent)
    with at([*urls.urlpatterns, path("bent/", bent)]):
        [found] = check_sign_in_endpoints()
    assert "/bent/" in found.msg


def test_the_user_is_deleted_meanwhile(api: APIClient, alice: User, settings: Any) -> None:
    def claims(user: Any, **_: Any) -> dict[str, Any]:
        User.objects.filter(pk=user.pk).delete()
        return {}

    settings.DRF_RATCHET = {"CLAIMS": claims}
    answer = api.post("/api-token-auth/", RIGHT)
    assert answer.status_code == 400
    assert "Unable to log in" in answer.content.decode()


# Other projects' settings


def at(patterns: Any) -> Any:
    urlconf: Any = ModuleType("urlconf")
    urlconf.urlpatterns = patterns
    clear_url_caches()
    return override_settings(ROOT_URLCONF=urlconf)


#: format_suffix_patterns makes patterns of Django's router anew, as DRF's own router has.
VIEWS = [pattern for pattern in urls.urlpatterns if "api-token" in str(pattern.pattern)]


@pytest.mark.parametrize(
    ("patterns", "start", "end"),
    [
        ([path("v/<str:version>/", include(urls.urlpatterns))], "/v/1/", "/"),
        ([path("<slug:tenant>/", include(urls.urlpatterns))], "/acme/", "/"),
        ([re_path("^(v[12])/", include(urls.urlpatterns))], "/v1/", "/"),
        (format_suffix_patterns(VIEWS), "/", ".json"),
    ],
)
def test_captured_arguments(
    patterns: Any, start: str, end: str, api: APIClient, root: str, alice: User
) -> None:
    with at(patterns):
        token = sign_in(api, url=f"{start}api-token-auth{end}")
        for name in ("refresh", "verify"):
            answer = api.post(f"{start}api-token-{name}{end}", {"token": token})
            assert answer.status_code == 201, answer.content
        url = f"{start}api-token-impersonate{end}"
        assert api.post(url, {"user": alice.pk}, **bearer(root)).status_code == 201
        if end == "/":
            assert api.post(f"{start}blacklist/", {}, **bearer(token)).status_code == 201
            assert api.get(f"{start}blacklist/", **bearer(root)).status_code == 200


def test_no_user_where_nobody_is_signed_in(
    api: APIClient, root: str, alice: User, settings: Any
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "UNAUTHENTICATED_USER": None}
    token = sign_in(api)
    assert api.post("/api-token-refresh/", {"token": token}).status_code == 201
    assert api.post("/api-token-verify/", {"token": token}).status_code == 201
    assert impersonate(api, root, alice).status_code == 201
    assert api.post("/api-token-impersonate/", {"user": alice.pk}).status_code == 401
    assert api.post("/blacklist/", {}).status_code == 401


def test_a_scoped_throttle(api: APIClient, alice: User, settings: Any) -> None:
    names = ["rest_framework.throttling.ScopedRateThrottle"]
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_CLASSES": names}
    assert ScopedRateThrottle.THROTTLE_RATES.get("token_obtain") is None
    assert [sign_in(api) for _ in range(3)]


def test_defaults_are_read_when_a_request_comes(
    api: APIClient, root: str, alice: User, settings: Any
) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    }
    assert impersonate(api, root, alice).status_code == 401
    assert api.post("/api-token-auth/", RIGHT).status_code == 415


seen: list[Any] = []


def watching_handler(exc: Any, context: Any) -> Any:
    seen.append(exc)
    exc.get_codes()
    exc.get_full_details()
    return exception_handler(exc, context)


def test_every_leaf_is_drfs(api: APIClient, root: str, alice: User, settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "EXCEPTION_HANDLER": f"{__name__}.watching_handler",
    }
    seen.clear()
    wrong = {**RIGHT, "password": "wrong"}
    asked = [
        api.post("/api-token-auth/", wrong),
        api.post("/api-token-auth/", {}),
        api.post("/api-token-auth/", []),
        api.post("/api-token-refresh/", {"token": "x"}),
        api.post("/api-token-verify/", {"token": "x"}),
        api.get("/whoami/", **bearer("x")),
        api.get("/whoami/"),
        impersonate(api, sign_in(api), alice),
        api.post("/blacklist/", {"token": "x"}, **bearer(root)),
        api.delete("/blacklist/1/", **bearer(root)),
    ]
    assert all(answer.status_code >= 400 for answer in asked)
    assert len(seen) == len(asked)
    for refusal in seen:
        assert all(type(leaf) is ErrorDetail for leaf in _leaves(refusal.detail)), refusal


def _leaves(detail: Any) -> list[Any]:
    if not isinstance(detail, dict | list):
        return [detail]
    parts = detail.values() if isinstance(detail, dict) else detail
    return [leaf for part in parts for leaf in _leaves(part)]
