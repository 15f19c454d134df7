"""``REST_FRAMEWORK`` as other projects have it: each setting here was a 500."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory, override_settings
from django.urls import set_script_prefix
from rest_framework.renderers import JSONRenderer, StaticHTMLRenderer, TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle, SimpleRateThrottle, UserRateThrottle
from rest_framework.views import APIView

from drf_ratchet.checks import check_browsable_login
from drf_ratchet.permissions import IsOwner, RecentSignIn
from drf_ratchet.sessions import store
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.grant import in_seconds, mint_access
from drf_ratchet.throttling import SignInThrottle
from drf_ratchet.views import SIGN_IN_THROTTLES
from tests.fixtures import PASSWORD, Tokens, payload
from tests.services.conftest import NAME, SECRET
from tests.test_url_shapes import OWN_PAGE, story

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

RIGHT = {"username": "alice", "password": PASSWORD}
WRONG = {"username": "alice", "password": "wrong"}


@pytest.fixture(autouse=True)
def _project(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urls_of_everything"
    settings.DRF_RATCHET = {"SERVICE_SECRETS": {NAME: SECRET}, "COOKIE_SECURE": False}


@pytest.fixture
def rest(settings: Any) -> Any:
    """Set names of REST_FRAMEWORK."""
    plain = settings.REST_FRAMEWORK

    def rest(**changes: Any) -> None:
        settings.REST_FRAMEWORK = {**plain, **changes}

    return rest


# UNAUTHENTICATED_USER and UNAUTHENTICATED_TOKEN


class Token:
    """What somebody's request.auth is when nobody is signed in."""


def test_unauthenticated_user_may_be_none(alice: User, rest: Any) -> None:
    rest(UNAUTHENTICATED_USER=None)
    story(APIClient(), "/{}".format)


def test_unauthenticated_token_setting_is_respected(alice: User, rest: Any) -> None:
    rest(UNAUTHENTICATED_USER=None, UNAUTHENTICATED_TOKEN=f"{__name__}.Token")
    story(APIClient(), "/{}".format)


def test_pages_render_without_an_anonymous_user(alice: User, rest: Any) -> None:
    rest(UNAUTHENTICATED_USER=None)
    api = APIClient(HTTP_ACCEPT="text/html")
    for url in ("/api-auth/login/", "/api/token/", "/api/sessions/", "/api/browser/session/"):
        assert api.get(url).status_code in (200, 401, 405), url
    for url in ("/api-auth/login/", "/api-auth/logout/"):
        assert api.post(url, "", content_type="text/plain").status_code < 500


@pytest.mark.parametrize("permission", [IsOwner, RecentSignIn()])
def test_permissions_refuse_a_missing_user(permission: Any, rest: Any) -> None:
    class View(APIView):
        authentication_classes: Any = []
        permission_classes = [permission]

        def get(self, request: Request) -> Response:
            raise AssertionError

    rest(UNAUTHENTICATED_USER=None)
    assert View.as_view()(RequestFactory().get("/")).status_code == 403


def test_service_has_the_unauthenticated_user(alice: User, rest: Any) -> None:
    from drf_ratchet.services.authentication import ServiceAuthentication
    from tests.services.conftest import basic

    request = Request(RequestFactory().get("/", **basic()))
    assert ServiceAuthentication().authenticate(request)[0].is_anonymous
    rest(UNAUTHENTICATED_USER=None)
    assert ServiceAuthentication().authenticate(request) == (None, NAME)


# ScopedRateThrottle, and throttles that are named later than our modules are imported


def test_a_scoped_throttle_without_a_rate_for_us(
    alice: User, rest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["rest_framework.throttling.ScopedRateThrottle"]
    rest(DEFAULT_THROTTLE_CLASSES=names, DEFAULT_THROTTLE_RATES={"uploads": "1/day"})
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"uploads": "1/day"})
    monkeypatch.setattr(APIView, "throttle_classes", [ScopedRateThrottle])
    story(APIClient(), "/{}".format)


def test_a_scoped_throttle_with_a_rate_for_us(
    api: APIClient, alice: User, rest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the project's, so it counts what succeeds as well."""
    names = ["rest_framework.throttling.ScopedRateThrottle"]
    rest(DEFAULT_THROTTLE_CLASSES=names)
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"token_obtain": "2/day"})
    answers = [api.post("/api/token/", RIGHT) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["code"] == "throttled"


class WithRates(ScopedRateThrottle):
    """A project's own, which knows its rates by itself."""

    THROTTLE_RATES = {"token_obtain": "1/day"}


def test_a_scoped_throttle_with_rates_of_its_own(api: APIClient, alice: User, rest: Any) -> None:
    rest(DEFAULT_THROTTLE_CLASSES=[f"{__name__}.WithRates"])
    answers = [api.post("/api/browser/login/", RIGHT, **OWN_PAGE) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


class OfOurScope(SimpleRateThrottle):
    """A project's own, whose scope has the name of one of ours."""

    scope = "sign_in"
    rate = "3/day"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return "throttle_sign_in_everybody"


def test_a_projects_throttle_with_a_scope_of_ours(api: APIClient, alice: User, rest: Any) -> None:
    rest(DEFAULT_THROTTLE_CLASSES=[f"{__name__}.OfOurScope"])
    answers = [api.post("/api/token/", RIGHT) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    with override_settings(REST_FRAMEWORK={}):
        assert api.post("/api/token/", RIGHT).status_code == 200  # nothing was counted with ours


def test_default_throttles_are_read_when_a_request_comes(rest: Any) -> None:
    assert list(SIGN_IN_THROTTLES) == [SignInThrottle]
    rest(DEFAULT_THROTTLE_CLASSES=["rest_framework.throttling.UserRateThrottle"])
    assert list(SIGN_IN_THROTTLES) == [SignInThrottle, UserRateThrottle]
    rest(DEFAULT_THROTTLE_CLASSES=["drf_ratchet.throttling.SignInThrottle"])
    assert list(SIGN_IN_THROTTLES) == [SignInThrottle]  # counted once


# Renderers


class Renaming(JSONRenderer):
    """As djangorestframework-camel-case does it."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return super().render(_renamed(data), *args, **kwargs)


def _renamed(data: Any) -> Any:
    if isinstance(data, dict):
        return {"".join(map(str.title, name.split("_"))): _renamed(data[name]) for name in data}
    return [_renamed(each) for each in data] if isinstance(data, list) else data


class NamingTheResource(JSONRenderer):
    """As that of DRF JSON:API does it: by the serializer of each view."""

    def render(self, data: Any, accepted: Any = None, context: Any = None) -> bytes:
        assert context["view"].get_serializer_class() is not None
        return super().render(data, accepted, context)


def test_the_browsers_script_gets_the_names_it_reads(
    api: APIClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(APIView, "renderer_classes", [Renaming])
    answer = api.post("/api/browser/login/", RIGHT, **OWN_PAGE)
    assert answer.json().keys() == {"access", "expires_in"}
    assert api.get("/api/browser/session/").json().keys() == {"user", "session", "expires_at"}
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {answer.json()['access']}"}
    assert "LastUsedAt" in api.get("/api/sessions/", **bearer).json()[0]  # the project's wish


@pytest.mark.parametrize(
    "renderer", [JSONRenderer, NamingTheResource, TemplateHTMLRenderer, StaticHTMLRenderer]
)
def test_other_renderers(renderer: type[Any], alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(APIView, "renderer_classes", [renderer])
    story(APIClient(), "/{}".format)
    page = APIClient(HTTP_ACCEPT="text/html").get("/api-auth/login/")
    assert page["Content-Type"].startswith("text/html")


# Time


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_without_time_zones(zone: str, alice: User, settings: Any) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    story(APIClient(), "/{}".format)
    session = store.insert(
        alice,
        rotates=False,
        idle=timedelta(1),
        absolute=None,
        device=device_of(None),
        auth_time=store.NEVER,
    )
    access, _ = mint_access(alice, session, session.created_at, session.expires_at, {})
    assert payload(access)["auth_time"] == 0
    session.refresh_from_db()
    assert in_seconds(session.auth_time) == 0


# The page's form


def test_no_redirect_setting_can_break_a_logout(api: APIClient, tokens: Tokens) -> None:
    """Their names are resolved with what the URL captured, too."""
    for where, expected in (("jwks", "/.well-known/jwks.json"), ("/bye/", "/bye/")):
        with override_settings(LOGOUT_REDIRECT_URL=where):
            page = api.get("/api-auth/login/")
            token = page.cookies["csrftoken"].value
            answer = api.post(
                "/api-auth/logout/",
                f"csrfmiddlewaretoken={token}",
                content_type="application/x-www-form-urlencoded",
            )
        assert (answer.status_code, answer["Location"]) == (302, expected)


def test_the_check_of_the_page_under_a_path(rest: Any) -> None:
    names = ["drf_ratchet.browser.authentication.BrowsableAPIAuthentication"]
    rest(DEFAULT_AUTHENTICATION_CLASSES=names)
    set_script_prefix("/blog/")  # as manage.py does with FORCE_SCRIPT_NAME
    try:
        assert check_browsable_login() == []
        with override_settings(ROOT_URLCONF="drf_ratchet.well_known"):
            assert [message.id for message in check_browsable_login()] == ["ratchet.W018"]
    finally:
        set_script_prefix("/")
