"""One policy for every sign-in, and one serializer for every endpoint that takes a password."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.test import Client, override_settings
from django.urls import include, path, resolve
from django.urls.exceptions import Resolver404
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from drf_ratchet import checks
from drf_ratchet.browser.views import BrowserLoginView
from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.models import Session
from drf_ratchet.serializers import StepUpSerializer, TokenObtainPairSerializer
from drf_ratchet.sessions import open_session, refresh_session
from drf_ratchet.views import StepUpView, TokenObtainPairView
from ratchet_tokens.errors import Reason, TokenRefused
from tests.fixtures import PASSWORD, Tokens, payload
from tests.test_views import assert_refused

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

OWN_PAGE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
RIGHT = {"username": "alice", "password": PASSWORD}
NO_ACCOUNT = {
    "detail": "No active account was found with these credentials.",
    "code": "no_active_account",
}
FORM = "application/x-www-form-urlencoded"
JSON_ENDPOINTS = ["/api/token/", "/api/browser/login/"]


class CodeSerializer(TokenObtainPairSerializer):
    """As docs/howto/login-fields.md has it."""

    amr = ("pwd", "otp")
    code = serializers.CharField(max_length=10, write_only=True)

    def validate_code(self, code: str) -> str:
        if not code.isdigit():
            raise ValidationError("Digits.")
        return code

    def get_credentials(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {**super().get_credentials(attrs), "code": attrs["code"]}

    def authenticate(self, credentials: dict[str, Any]) -> Any:
        code = credentials.pop("code")
        user = super().authenticate(credentials)
        if code != "123456":
            raise NoActiveAccount
        return user


def with_two_factors(user: Any, *, amr: Any, session: Any, **_: Any) -> bool:
    """The policy of docs/howto/any-sign-in.md."""
    return session is not None or "otp" in amr


@pytest.fixture
def ratchet(settings: Any) -> Callable[..., None]:
    settings.ROOT_URLCONF = "tests.urls_of_everything"
    settings.LOGIN_REDIRECT_URL = "/"

    def ratchet(**changes: Any) -> None:
        settings.DRF_RATCHET = {"COOKIE_SECURE": False, **changes}

    ratchet()
    return ratchet


def post_form(url: str, **fields: str) -> Any:
    browser = Client(enforce_csrf_checks=True)
    token = browser.get("/api-auth/login/").cookies["csrftoken"].value
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    return browser.post(
        url,
        f"csrfmiddlewaretoken={token}&{body}",
        content_type=FORM,
        HTTP_ORIGIN="http://testserver",
    )


# The policy


@pytest.mark.parametrize("url", JSON_ENDPOINTS)
def test_a_policy_that_says_no_looks_like_a_wrong_password(
    url: str, api: APIClient, alice: User, ratchet: Any
) -> None:
    for verdict in (False, None, 0, ""):
        ratchet(SIGN_IN_POLICY=lambda user, verdict=verdict, **_: verdict)
        answer = api.post(url, RIGHT, **OWN_PAGE)
        assert (answer.status_code, answer.json()) == (401, NO_ACCOUNT)
    assert not Session.objects.exists()


def test_the_page_and_a_projects_own_call_ask_it_too(alice: User, ratchet: Any) -> None:
    ratchet(SIGN_IN_POLICY=lambda user, **_: False)
    assert post_form("/api-auth/login/", **RIGHT).status_code == 401
    with pytest.raises(NoActiveAccount):
        open_session(alice)
    assert not Session.objects.exists()


def test_what_it_is_asked(api: APIClient, alice: User, ratchet: Any) -> None:
    asked: list[Any] = []

    def policy(user: Any, *, request: Any, amr: Any, session: Any, **_: Any) -> bool:
        asked.append((user, amr, session and session.pk, request is not None))
        return True

    ratchet(SIGN_IN_POLICY=policy)
    tokens = Tokens(**api.post("/api/token/", RIGHT).json())
    sid = tokens.session.pk
    refreshed = api.post("/api/token/refresh/", {"refresh": tokens.refresh}).json()
    body = {"refresh": refreshed["refresh"], "password": PASSWORD}
    assert api.post("/api/step-up/", body, **tokens.bearer).status_code == 200
    open_session(alice, amr=["link"])
    assert asked == [
        (alice, ("pwd",), None, True),
        (alice, (), sid, True),
        (alice, ("pwd",), sid, True),
        (alice, ("link",), None, False),
    ]


def test_an_inactive_user_is_refused_before_it_is_asked(alice: User, ratchet: Any) -> None:
    ratchet(SIGN_IN_POLICY=lambda user, **_: True)
    alice.is_active = False
    with pytest.raises(NoActiveAccount):
        open_session(alice)


def test_refused_refresh_keeps_the_session_active(
    api: APIClient, tokens: Tokens, ratchet: Any
) -> None:
    """A policy may look at the request: another network may be let in again."""
    ratchet(SIGN_IN_POLICY=lambda user, **_: False)
    assert_refused(api.post("/api/token/refresh/", {"refresh": tokens.refresh}), "user_inactive")
    with pytest.raises(TokenRefused) as refused:
        refresh_session(tokens.refresh)
    assert refused.value.reason is Reason.USER_INACTIVE
    ratchet()
    assert api.post("/api/token/refresh/", {"refresh": tokens.refresh}).status_code == 200


def test_a_used_token_is_still_found_out(api: APIClient, tokens: Tokens, ratchet: Any) -> None:
    from datetime import timedelta

    api.post("/api/token/refresh/", {"refresh": tokens.refresh})
    ratchet(SIGN_IN_POLICY=lambda user, **_: False, ROTATION_GRACE=timedelta(0))
    assert_refused(api.post("/api/token/refresh/", {"refresh": tokens.refresh}), "reused")
    assert tokens.session.end_reason == "reuse_detected"


def test_a_step_up_that_proves_too_little(api: APIClient, tokens: Tokens, ratchet: Any) -> None:
    ratchet(SIGN_IN_POLICY=lambda user, amr, **_: "otp" in amr)
    before = tokens.session
    body = {"refresh": tokens.refresh, "password": PASSWORD}
    answer = api.post("/api/step-up/", body, **tokens.bearer)
    assert (answer.status_code, answer.json()) == (401, NO_ACCOUNT)
    assert (tokens.session.auth_time, tokens.session.ended_at) == (before.auth_time, None)


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (PermissionDenied("secret"), 403, "permission_denied"),
        (ValidationError({"username": ["Prove your address first."]}), 400, None),
    ],
)
def test_a_policy_may_say_why(
    raised: Exception, status: int, code: str | None, api: APIClient, alice: User, ratchet: Any
) -> None:
    def policy(user: Any, **_: Any) -> bool:
        raise raised

    ratchet(SIGN_IN_POLICY=policy)
    answer = api.post("/api/token/", RIGHT)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert "secret" not in answer.content.decode()
    assert not Session.objects.exists()


def test_policy_that_cannot_be_imported_refuses_everyone(
    api: APIClient, alice: User, ratchet: Any
) -> None:
    ratchet(SIGN_IN_POLICY="nowhere.policy")
    with pytest.raises(ImproperlyConfigured):
        api.post("/api/token/", RIGHT)
    assert not Session.objects.exists()


# The serializer


@pytest.fixture
def two_factors(ratchet: Any) -> None:
    """A second factor, in the project's own serializer."""
    ratchet(SIGN_IN_SERIALIZER=f"{__name__}.CodeSerializer")


@pytest.mark.parametrize("url", JSON_ENDPOINTS)
def test_every_endpoint_asks_for_the_second_factor(
    url: str, api: APIClient, alice: User, two_factors: None
) -> None:
    missing = api.post(url, RIGHT, **OWN_PAGE)
    assert (missing.status_code, missing.json()) == (400, {"code": ["This field is required."]})
    assert api.post(url, {**RIGHT, "code": "x"}, **OWN_PAGE).json() == {"code": ["Digits."]}
    wrong = api.post(url, {**RIGHT, "code": "1"}, **OWN_PAGE)
    assert (wrong.status_code, wrong.json()) == (401, NO_ACCOUNT)
    assert not Session.objects.exists()
    assert api.post(url, {**RIGHT, "code": "123456"}, **OWN_PAGE).status_code == 200


def test_the_page_shows_the_second_factor(alice: User, two_factors: None) -> None:
    page = Client().get("/api-auth/login/").content.decode()
    for name in ("username", "password", "code"):
        assert f'name="{name}"' in page
    assert 'type="password"' in page
    missing = post_form("/api-auth/login/", **RIGHT)
    assert missing.status_code == 400
    assert "This field is required." in missing.content.decode()
    assert PASSWORD not in missing.content.decode()
    assert post_form("/api-auth/login/", **RIGHT, code="123456").status_code == 302


def test_a_step_up_asks_for_it_and_opens_nothing(
    api: APIClient, alice: User, two_factors: None
) -> None:
    tokens = Tokens(**api.post("/api/token/", {**RIGHT, "code": "123456"}).json())
    body = {"refresh": tokens.refresh, "password": PASSWORD}

    assert api.post("/api/step-up/", {}, **tokens.bearer).json().keys() == {
        *("refresh", "password", "code")
    }
    assert api.post("/api/step-up/", body, **tokens.bearer).status_code == 400
    wrong = api.post("/api/step-up/", {**body, "code": "1"}, **tokens.bearer)
    assert (wrong.status_code, wrong.json()) == (401, NO_ACCOUNT)
    # The account is the token's, whatever the body says.
    other = {**body, "code": "123456", "username": "bob"}
    assert api.post("/api/step-up/", other, **tokens.bearer).status_code == 200
    assert Session.objects.count() == 1


def test_a_step_up_in_a_browser(api: APIClient, alice: User, two_factors: None) -> None:
    answer = api.post("/api/browser/login/", {**RIGHT, "code": "123456"}, **OWN_PAGE)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {answer.json()['access']}", **OWN_PAGE}
    url = "/api/browser/step-up/"
    assert api.post(url, {"password": PASSWORD}, **headers).status_code == 400
    body = {"password": PASSWORD, "code": "123456"}
    assert api.post(url, body, **headers).json().keys() == {"access", "expires_in"}
    assert Session.objects.count() == 1


def test_a_validate_of_the_projects_opens_no_session_at_a_step_up(
    api: APIClient, tokens: Tokens, ratchet: Any
) -> None:
    class Opening(TokenObtainPairSerializer):
        def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
            raise AssertionError

    ratchet(SIGN_IN_SERIALIZER=Opening)
    body = {"refresh": tokens.refresh, "password": PASSWORD}
    assert api.post("/api/step-up/", body, **tokens.bearer).status_code == 200
    assert Session.objects.count() == 1


def test_another_name_for_the_account(api: APIClient, alice: User, ratchet: Any) -> None:
    class ByEmail(TokenObtainPairSerializer):
        username_field = "login"

        def get_credentials(self, attrs: dict[str, Any]) -> dict[str, Any]:
            user = User.objects.filter(email=attrs["login"]).first()
            return {"username": user and user.username, "password": attrs["password"]}

        def account_name(self, user: Any) -> str:
            return str(user.email)

    ratchet(SIGN_IN_SERIALIZER=ByEmail)
    body = {"login": "alice@example.com", "password": PASSWORD}
    tokens = Tokens(**api.post("/api/token/", body).json())
    step_up = {"refresh": tokens.refresh, "password": PASSWORD}
    assert api.post("/api/step-up/", step_up, **tokens.bearer).status_code == 200
    # DRF's form calls it "username".
    signed_in = post_form("/api-auth/login/", username="alice@example.com", password=PASSWORD)
    assert signed_in.status_code == 302


def test_a_view_may_have_one_of_its_own(api: APIClient, two_factors: None) -> None:
    class Own(TokenObtainPairSerializer):
        pass

    view = TokenObtainPairView(serializer_class=Own)
    assert view.get_serializer_class() is Own
    assert BrowserLoginView(serializer_class=Own).get_serializer_class() is Own
    assert StepUpView(serializer_class=StepUpSerializer).get_serializer_class() is StepUpSerializer


@pytest.mark.parametrize("named", [serializers.Serializer, "rest_framework.serializers.Serializer"])
def test_serializer_of_another_class_refuses_everyone(
    named: Any, api: APIClient, alice: User, ratchet: Any
) -> None:
    ratchet(SIGN_IN_SERIALIZER=named)
    with pytest.raises(ImproperlyConfigured, match="SIGN_IN_SERIALIZER"):
        api.post("/api/token/", RIGHT)


def test_policy_and_serializer_together(api: APIClient, alice: User, ratchet: Any) -> None:
    """Also an endpoint that was forgotten opens nothing for the password alone."""
    ratchet(SIGN_IN_POLICY=with_two_factors)
    for url in JSON_ENDPOINTS:
        assert api.post(url, RIGHT, **OWN_PAGE).status_code == 401
    assert post_form("/api-auth/login/", **RIGHT).status_code == 401
    ratchet(SIGN_IN_POLICY=with_two_factors, SIGN_IN_SERIALIZER=CodeSerializer)
    answer = api.post("/api/token/", {**RIGHT, "code": "123456"})
    assert answer.status_code == 200
    refreshed = api.post("/api/token/refresh/", {"refresh": answer.json()["refresh"]})
    assert payload(refreshed.json()["access"])["sub"] == str(alice.pk)


# URL modules without a sign-in


@pytest.mark.parametrize(
    ("module", "everything", "sign_in"),
    [
        ("drf_ratchet.session_urls", "drf_ratchet.urls", "token/"),
        ("drf_ratchet.browser.session_urls", "drf_ratchet.browser.urls", "login/"),
    ],
)
def test_session_urls_are_everything_but_the_sign_in(
    module: str, everything: str, sign_in: str
) -> None:
    def names(of: str) -> list[str]:
        return [pattern.name for pattern in import_module(of).urlpatterns]

    first, *others = names(everything)
    assert others == names(module)
    assert resolve(f"/{sign_in}", everything).url_name == first
    with pytest.raises(Resolver404):
        resolve(f"/{sign_in}", module)


# The check


class OtherSerializer(TokenObtainPairSerializer):
    pass


class LinkSerializer(serializers.Serializer[Any]):
    link = serializers.CharField()


class NeedsRequest(TokenObtainPairView):
    def get_serializer_class(self) -> Any:
        return OtherSerializer if self.request.user else None


class Plain(APIView):
    def post(self, request: Any) -> Response:
        return Response()


def checked(*patterns: Any, **ratchet: Any) -> list[str]:
    urlconf: Any = ModuleType("urlconf")
    urlconf.urlpatterns = list(patterns)
    with override_settings(ROOT_URLCONF=urlconf, DRF_RATCHET=ratchet):
        found = checks.check_sign_in_endpoints()
    assert [message.id for message in found] == ["ratchet.W022"] * len(found)
    assert all("session_urls" in str(message.hint) for message in found)
    return [message.msg for message in found]


OURS = path("api/", include("drf_ratchet.urls"))
BROWSERS = path("api/browser/", include("drf_ratchet.browser.urls"))
PAGE = path("api-auth/", include("drf_ratchet.browser.browsable_urls"))
CODE = path("api/login/", TokenObtainPairView.as_view(serializer_class=CodeSerializer))


def test_endpoints_that_ask_for_the_same_are_not_reported() -> None:
    assert checked() == []
    assert checked(OURS, BROWSERS, PAGE) == []
    assert checked(OURS, BROWSERS, SIGN_IN_SERIALIZER=CodeSerializer) == []
    assert checked(OURS, CODE, SIGN_IN_SERIALIZER=f"{__name__}.CodeSerializer") == []
    assert checked(CODE, path("", include("drf_ratchet.session_urls"))) == []
    before = path("api/token/", TokenObtainPairView.as_view(serializer_class=CodeSerializer))
    assert checked(before, OURS) == []  # the second is never reached
    link = TokenObtainPairView.as_view(serializer_class=LinkSerializer)
    assert checked(OURS, path("link/", link)) == []  # it takes no password


def test_a_second_endpoint_that_asks_for_less_is_reported() -> None:
    before = path("api/token/", TokenObtainPairView.as_view(serializer_class=CodeSerializer))
    [text] = checked(before, OURS, BROWSERS)
    assert "/api/browser/login/" in text
    [text] = checked(CODE, path("v/<str:version>/", include([OURS])), BROWSERS)
    name = f"{__name__}.CodeSerializer"
    plain = "drf_ratchet.serializers.TokenObtainPairSerializer"
    assert f"/api/login/ ({name})" in text
    assert f"/v/<str:version>/api/token/ ({plain})" in text
    assert f"/api/browser/login/ ({plain})" in text


def test_endpoints_of_other_packages_are_reported() -> None:
    from rest_framework.authtoken.serializers import AuthTokenSerializer
    from rest_framework_simplejwt.views import TokenObtainPairView as SimpleJWT

    class ObtainAuthToken(APIView):
        """DRF's needs its app; the check knows it by its name."""

        __module__ = "rest_framework.authtoken.views"
        __qualname__ = "ObtainAuthToken"
        serializer_class = AuthTokenSerializer

    others = [
        path("simple/", SimpleJWT.as_view()),
        path("drf/", ObtainAuthToken.as_view()),
    ]
    assert checked(OURS, *others) == []  # all ask for the password alone
    [text] = checked(OURS, *others, SIGN_IN_SERIALIZER=CodeSerializer)
    assert "/simple/" in text
    [text] = checked(OURS, *others, SIGN_IN_POLICY=with_two_factors)
    assert text.count("without SIGN_IN_POLICY") == 2


@pytest.mark.parametrize(
    "patterns",
    [
        [path("a/", NeedsRequest.as_view()), OURS],
        [path("a/", Plain.as_view()), path("b/", lambda request: None)],
        [SimpleNamespace(pattern=None), object(), None],
        [path("a/", include("nowhere.urls")) if False else SimpleNamespace(url_patterns=7)],
        [SimpleNamespace(callback=SimpleNamespace(cls=7, initkwargs=7, generations=7))],
        [SimpleNamespace(callback=SimpleNamespace(cls=TokenObtainPairView, initkwargs={"x": 1}))],
    ],
)
def test_odd_urlconfs_are_no_matter(patterns: Any) -> None:
    assert checked(*patterns) == []


def test_a_urlconf_that_is_not_there_or_includes_itself() -> None:
    for name in ("nowhere.urls", None, ""):
        with override_settings(ROOT_URLCONF=name):
            assert checks.check_sign_in_endpoints() == []
    endless = SimpleNamespace(pattern="a/")
    endless.url_patterns = [endless, OURS]
    assert checked(endless) == []


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"SIGN_IN_SERIALIZER": "nowhere.Serializer"}, "cannot be imported"),
        ({"SIGN_IN_SERIALIZER": "rest_framework.serializers.Serializer"}, "is not a subclass"),
        ({"SIGN_IN_SERIALIZER": serializers.Serializer}, "is not a subclass"),
        ({"SIGN_IN_POLICY": "nowhere.policy"}, "cannot be imported"),
        ({"SIGN_IN_POLICY": f"{__name__}.PASSWORD"}, "is not callable"),
    ],
)
def test_settings_that_name_nothing_of_use(given: dict[str, Any], problem: str) -> None:
    with override_settings(DRF_RATCHET=given):
        [found] = checks.check_sign_in_settings()
        assert checks.check_settings() == []  # one mistake, one message
    assert found.id == "ratchet.E002"
    assert problem in found.msg
    assert next(iter(given)) in found.msg


def test_valid_settings_are_not_reported() -> None:
    given = {
        "SIGN_IN_SERIALIZER": f"{__name__}.CodeSerializer",
        "SIGN_IN_POLICY": f"{__name__}.with_two_factors",
    }
    with override_settings(DRF_RATCHET=given):
        assert checks.check_sign_in_settings() == []
    with override_settings(DRF_RATCHET={"SIGN_IN_SERIALIZER": 7}):
        assert checks.check_sign_in_settings() == []  # check_settings says it
