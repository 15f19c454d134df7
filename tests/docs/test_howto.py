"""The code of the how-tos, put into a project and used: it does what its page says."""

import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import OperationalError
from django.test import AsyncClient, Client, RequestFactory, override_settings
from rest_framework.test import APIClient, APIRequestFactory

from drf_ratchet import checks
from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session
from tests import console
from tests.docs.project import code_of, project_of
from tests.fixtures import PASSWORD, Tokens, payload

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

HOWTO = console.ROOT / "docs" / "howto"
MARK = "<!-- tested by tests/docs/test_howto.py -->"
BAD_TOKEN = {"HTTP_AUTHORIZATION": "Bearer x"}
#: What a browser says of a page of the site itself.
OWN_PAGE = {"HTTP_SEC_FETCH_SITE": "same-origin"}


@pytest.fixture
def project(request: pytest.FixtureRequest) -> Iterator[None]:
    """The project of the page that ``@pytest.mark.parametrize("project", …)`` names."""
    page, yours = request.param if isinstance(request.param, tuple) else (request.param, {})
    with project_of(f"howto/{page}.md", yours=yours):
        yield


def of_page(page: str, **yours: dict[str, Any]) -> pytest.MarkDecorator:
    named = {name.replace("__", "."): contents for name, contents in yours.items()}
    return pytest.mark.parametrize("project", [(page, named)], indirect=True, ids=[page])


def _user_of_card(card: object, pin: object) -> User | None:
    return User.objects.get(username="alice") if (card, pin) == ("0815", "1234") else None


ANY_SIGN_IN = of_page("any-sign-in", shop__cards={"user_of_card": _user_of_card})


def sign_in(api: APIClient, path: str = "/api/token/", **body: Any) -> Any:
    return api.post(path, {"username": "alice", "password": PASSWORD, **body}, **OWN_PAGE)


def is_good(api: APIClient, tokens: Tokens) -> bool:
    return bool(api.get("/api/sessions/", **tokens.bearer).status_code == 200)


# Email or username


@of_page("email-or-username")
def test_both_names_sign_in(project: None, api: APIClient, alice: User) -> None:
    for typed in ("alice", "alice@example.com", "ALICE@example.com"):
        answer = sign_in(api, username=typed)
        assert answer.status_code == 200, typed
        assert Tokens(**answer.json()).session.user == alice
    for typed in ("bob@example.com", "@", "alice@"):
        assert sign_in(api, username=typed).json()["code"] == "no_active_account"
    assert sign_in(api, username="alice@example.com", password="wrong").status_code == 401


@of_page("email-or-username")
def test_email_address_of_two_accounts_is_refused(
    project: None, api: APIClient, alice: User
) -> None:
    User.objects.create_user("bob", "alice@example.com", PASSWORD)
    assert sign_in(api, username="alice@example.com").status_code == 401
    assert sign_in(api, username="alice").status_code == 200


@of_page("email-or-username")
def test_the_account_is_counted_by_whichever_name(
    project: None, api: APIClient, alice: User, settings: Any
) -> None:
    rates = {"DEFAULT_THROTTLE_RATES": {"sign_in": "2/hour", "sign_in_address": "4/hour"}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
    names = ["alice", "alice@example.com", "ALICE@example.com", "alice", "alice@example.com"]
    answers = [sign_in(api, username=name, password="wrong").status_code for name in names]
    assert answers == [401, 401, 429, 429, 429]
    for name in ("bob", "bob@example.com"):
        assert sign_in(api, username=name, password="wrong").status_code == 401
    assert sign_in(api, username="carol", password="wrong").status_code == 429  # the network's


# Further fields


@of_page("login-fields", shop__codes={"is_good": lambda user, code: code == "123456"})
def test_a_field_more(project: None, api: APIClient, alice: User, settings: Any) -> None:
    assert sign_in(api).json() == {"code": ["This field is required."]}
    wrong_code = sign_in(api, code="654321")
    wrong_password = sign_in(api, code="123456", password="wrong")
    assert wrong_code.status_code == wrong_password.status_code == 401
    assert wrong_code.json() == wrong_password.json()
    assert not Session.objects.exists()

    answer = sign_in(api, code="123456").json()
    assert answer["user"] == {"id": alice.pk, "name": "alice"}
    tokens = Tokens(answer["access"], answer["refresh"])
    assert is_good(api, tokens)
    step_up = {"refresh": tokens.refresh, "password": PASSWORD}
    missing = api.post("/api/step-up/", step_up, **tokens.bearer)
    assert missing.json() == {"code": ["This field is required."]}
    for code, status in (("654321", 401), ("123456", 200)):
        answer = api.post("/api/step-up/", {**step_up, "code": code}, **tokens.bearer)
        assert answer.status_code == status
    assert Session.objects.count() == 1


@pytest.mark.parametrize("path", ["/api/token/", "/api/browser/login/", "/api-token-auth/"])
@of_page("login-fields", shop__codes={"is_good": lambda user, code: code == "123456"})
def test_no_endpoint_signs_in_without_the_field(
    project: None, api: APIClient, alice: User, path: str
) -> None:
    assert sign_in(api, path).json() == {"code": ["This field is required."]}
    assert sign_in(api, path, code="654321").status_code in (400, 401)
    assert not Session.objects.exists()
    assert sign_in(api, path, code="123456").status_code in (200, 201)
    assert checks.check_sign_in_endpoints() == []


@of_page("login-fields", shop__codes={"is_good": lambda user, code: False})
def test_a_wrong_code_counts(project: None, api: APIClient, alice: User, settings: Any) -> None:
    rates = {"DEFAULT_THROTTLE_RATES": {"sign_in": "2/hour"}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
    assert [sign_in(api, code="1").status_code for _ in range(3)] == [401, 401, 429]


# "Remember me"


@pytest.mark.parametrize("path", ["/api/token/", "/api/browser/login/"])
@of_page("remember-me")
def test_remember_me(project: None, api: APIClient, alice: User, path: str) -> None:
    for body, lifetime in (
        ({}, timedelta(hours=10)),
        ({"remember_me": False}, timedelta(hours=10)),
        ({"remember_me": True}, timedelta(days=30)),
    ):
        answer = sign_in(api, path, **body)
        assert answer.status_code == 200
        session = Session.objects.get(pk=payload(answer.json()["access"])["sid"])
        assert session.ends_at is not None
        assert session.ends_at - session.created_at == lifetime
        idle = min(lifetime, timedelta(days=7))
        assert session.expires_at - session.created_at == idle
        if "browser" in path:
            cookie = answer.cookies["ratchet-refresh-token"]
            assert idle.total_seconds() - 60 < cookie["max-age"] <= idle.total_seconds()


@of_page("remember-me")
def test_no_refresh_moves_that_end(project: None, api: APIClient, alice: User) -> None:
    tokens = Tokens(**sign_in(api).json())
    before = tokens.session
    Session.objects.filter(pk=before.pk).update(rotated_at=before.rotated_at - timedelta(hours=1))
    assert api.post("/api/token/refresh/", {"refresh": tokens.refresh}).status_code == 200
    after = tokens.session
    assert (after.generation, after.expires_at) == (2, before.ends_at)


# Any other sign-in


@of_page("require-authentication")
def test_a_strong_and_recent_sign_in(project: None, alice: User) -> None:
    view: Any = sys.modules["shop.views"]

    def delete(*amr: str) -> Any:
        access = open_session(alice, amr=amr).access
        request = APIRequestFactory().delete("/", headers={"authorization": f"Bearer {access}"})
        assert payload(access).get("acr") == ("phr" if "hwk" in amr else None)
        return view.DeleteAccount.as_view(authentication_classes=[JWTAuthentication])(request)

    refused = delete("pwd", "hwk")
    assert (refused.status_code, refused.data["code"]) == (401, "reauthentication_required")
    page = (HOWTO / "require-authentication.md").read_text()
    assert f"WWW-Authenticate: {refused['WWW-Authenticate']}" in page
    assert delete("otp").status_code == 204


@ANY_SIGN_IN
def test_a_link_by_mail_counts_once(project: None, api: APIClient, alice: User) -> None:
    page = sys.modules["shop.magic_link"]

    def use(link: object) -> Any:
        return api.post("/api/token/by-link/", {"link": link})

    link = page.text_of_link(alice)
    answer = use(link)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert is_good(api, Tokens(**answer.json()))
    alice.refresh_from_db()
    assert alice.last_login is not None  # user_logged_in was sent
    for bad in (link, "x", f"{page.text_of_link(alice)}x"):
        answer = use(bad)
        assert (answer.status_code, answer.json()["code"]) == (401, "no_active_account")
    assert [use(bad).status_code for bad in ("", {"a": 1}, None, "x" * 501)] == [400] * 4
    fresh = page.text_of_link(alice)
    User.objects.update(is_active=False)
    assert use(fresh).status_code == 401
    assert Session.objects.count() == 1


@ANY_SIGN_IN
def test_the_policy_decides_for_each_sign_in(
    project: None, api: APIClient, alice: User, settings: Any
) -> None:
    policy = {"SIGN_IN_POLICY": "shop.policy.may_sign_in"}
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, **policy}
    tokens = Tokens(**sign_in(api).json())
    User.objects.update(is_staff=True)
    link = sys.modules["shop.magic_link"].text_of_link(alice)
    for path, body in (
        ("/api/token/by-link/", {"link": link}),
        ("/api/token/", {}),
        ("/api/browser/login/", {}),
    ):
        answer = sign_in(api, path, **body)
        assert (answer.status_code, answer.json()["code"]) == (401, "no_active_account")
    assert api.post("/api/token/refresh/", {"refresh": tokens.refresh}).status_code == 200
    assert Session.objects.count() == 1


@ANY_SIGN_IN
def test_a_link_may_end_in_a_cookie(project: None, api: APIClient, alice: User) -> None:
    link = sys.modules["shop.magic_link"].text_of_link(alice)
    answer = api.post("/api/browser/by-link/", {"link": link}, **OWN_PAGE)
    assert set(answer.json()) == {"access", "expires_in"}
    assert api.post("/api/browser/refresh/", **OWN_PAGE).status_code == 200


@ANY_SIGN_IN
def test_link_is_valid_for_ten_minutes(
    project: None, api: APIClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    link = sys.modules["shop.magic_link"].text_of_link(alice)
    for later, status in ((598, 200), (602, 401)):
        cache.clear()
        with monkeypatch.context() as patched:
            patched.setattr("django.core.signing.time.time", lambda by=later: now + by)
            answer = api.post("/api/token/by-link/", {"link": link})
        assert answer.status_code == status


@ANY_SIGN_IN
def test_links_that_fail_are_counted_for_their_network(
    project: None, api: APIClient, alice: User, settings: Any
) -> None:
    rates = {"DEFAULT_THROTTLE_RATES": {"sign_in_address": "1/hour"}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
    page = sys.modules["shop.magic_link"]
    links = [page.text_of_link(alice), page.text_of_link(alice), "x", "x"]
    answers = [api.post("/api/token/by-link/", {"link": link}) for link in links]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 429]


@ANY_SIGN_IN
def test_a_social_account_ends_in_a_cookie(project: None, api: APIClient, alice: User) -> None:
    from django.core.exceptions import PermissionDenied

    page = sys.modules["shop.social"]
    answer = page.signed_in(RequestFactory().get("/callback/"), alice)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert answer.cookies.keys() == {"ratchet-refresh-token", "ratchet-refresh-key"}
    for name, cookie in answer.cookies.items():
        assert cookie["httponly"]
        api.cookies[name] = cookie.value
    refreshed = api.post("/api/browser/refresh/", **OWN_PAGE)
    assert refreshed.status_code == 200
    assert api.get("/api/browser/session/").json()["user"]["username"] == "alice"

    alice.is_active = False
    with pytest.raises(PermissionDenied):
        page.signed_in(RequestFactory().get("/callback/"), alice)


@ANY_SIGN_IN
def test_custom_view_limits_guesses(project: None, api: APIClient, alice: User) -> None:
    view = sys.modules["shop.kiosk"].CardView.as_view()

    def use(pin: object, ip: str = "192.0.2.1", **headers: str) -> Any:
        body = {"card": "0815", "pin": pin}
        request = APIRequestFactory().post("/", body, "json", REMOTE_ADDR=ip, **headers)
        return view(request)

    answers = [use("1234") for _ in range(25)]
    assert [answer.status_code for answer in answers] == [200] * 25
    assert answers[0]["Cache-Control"] == "no-store"
    assert is_good(api, Tokens(**answers[0].data))
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {answers[0].data['access']}"}
    guesses = [use(n, **(bearer if n % 2 else {})).status_code for n in range(22)]
    assert guesses == [403] * 20 + [429] * 2
    # From elsewhere there is another count, and one for the card in all.
    assert [use(n, f"203.0.{n}.1").status_code for n in range(255)].count(403) == 255
    assert [use(n, f"198.51.{n}.1").status_code for n in range(30)].count(403) == 25


# Devices


@of_page("devices")
def test_the_other_devices_are_signed_out(
    project: None, api: APIClient, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    here, *others = (Tokens(**sign_in(api).json()) for _ in range(3))
    User.objects.create_user("bob", password=PASSWORD)
    bob = Tokens(**sign_in(api, username="bob").json())
    assert api.post("/api/logout/others/", **here.bearer).json() == {"ended": 2}
    assert is_good(api, here)
    assert is_good(api, bob)
    assert [is_good(api, other) for other in others] == [False, False]
    assert api.post("/api/logout/others/", **others[0].bearer).status_code == 401


@of_page("devices")
def test_a_new_device_is_told_of(project: None, alice: User, mailoutbox: Any) -> None:
    for agent in ("A phone", "A laptop"):
        request = RequestFactory().post("/", headers={"user-agent": agent})
        open_session(alice, request=request)
    (mail,) = mailoutbox
    assert "You signed in on A laptop from 127.0.0.1." in mail.body


@pytest.mark.django_db(transaction=True)
@of_page("devices")
def test_also_under_atomic_requests(project: None, api: APIClient, alice: User) -> None:
    from django.db import connection

    here, other = (Tokens(**sign_in(api).json()) for _ in range(2))
    before = connection.settings_dict["ATOMIC_REQUESTS"]
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert api.post("/api/logout/others/", **here.bearer).json() == {"ended": 1}
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = before
    assert not is_good(api, other)


@of_page("devices")
def test_out_of_ones_own_code(project: None, api: APIClient, alice: User) -> None:
    for agent in ("a browser", "an iPhone"):
        api.post("/api/token/", {"username": "alice", "password": PASSWORD}, HTTP_USER_AGENT=agent)
    sys.modules["shop.support"].sign_out_phone(alice)
    ended = Session.objects.values_list("user_agent", "end_reason").order_by("user_agent")
    assert list(ended) == [("a browser", ""), ("an iPhone", "lost_device")]


# A new password


@of_page("change-password")
def test_current_device_stays_signed_in(project: None, api: APIClient, alice: User) -> None:
    here, other = (Tokens(**sign_in(api).json()) for _ in range(2))
    new = "another-good-one-7"
    body = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    wrong = api.post("/api/password/", {**body, "old_password": "wrong"}, **here.bearer)
    assert (wrong.status_code, list(wrong.json())) == (400, ["old_password"])
    assert is_good(api, other)

    assert api.post("/api/password/", body, **here.bearer).status_code == 200
    assert is_good(api, here)
    assert api.post("/api/token/refresh/", {"refresh": here.refresh}).status_code == 200
    refused = api.post("/api/token/refresh/", {"refresh": other.refresh})
    assert (refused.status_code, refused.json()["reason"]) == (401, "password_changed")
    assert not is_good(api, other)
    assert sign_in(api, password=new).status_code == 200


@of_page("change-password")
def test_a_stolen_access_token_guesses_no_password(
    project: None, api: APIClient, alice: User
) -> None:
    here, other = (Tokens(**sign_in(api).json()) for _ in range(2))
    new = "another-good-one-7"

    def change(tokens: Tokens, old: str, ip: str) -> int:
        body = {"old_password": old, "new_password1": new, "new_password2": new}
        answer = api.post("/api/password/", body, REMOTE_ADDR=ip, **tokens.bearer)
        status: int = answer.status_code
        return status

    guesses = [change(here, f"guess {n}", f"203.0.113.{n}") for n in range(30)]
    assert guesses == [400] * 20 + [429] * 10
    assert change(here, PASSWORD, "192.0.2.1") == 429
    # At step-up it guesses no further, and the owner's other device goes on.
    body = {"refresh": here.refresh, "password": PASSWORD}
    assert api.post("/api/step-up/", body, **here.bearer).status_code == 429
    assert change(other, PASSWORD, "192.0.2.1") == 200


# Tenants


@of_page("tenants")
def test_each_schema_is_an_issuer(
    project: None, api: APIClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``tests/tenants`` has the page's code under the real django-tenants, and with databases."""
    from django.db import connections

    connection = connections["default"]
    monkeypatch.setattr(connection, "schema_name", "a", raising=False)
    tokens = Tokens(**sign_in(api).json())
    assert payload(tokens.access)["iss"] == payload(tokens.refresh)["iss"] == "a"
    assert is_good(api, tokens)
    monkeypatch.setattr(connection, "schema_name", "b")
    assert not is_good(api, tokens)


@of_page("tenants")
def test_a_task_names_its_tenant(project: None, alice: User, settings: Any) -> None:
    tenant = SimpleNamespace(name="a")
    settings.DRF_RATCHET = {"ISSUER": sys.modules["forum.tenants"].tenant_of}
    grant = sys.modules["forum.invitations"].sign_in_by_task(alice, tenant)
    assert payload(grant.access)["iss"] == "a"
    with sys.modules["billing.verifiers"].verifier_of("a") as verifier:
        assert verifier.issuer == "a"


# Plain Django views


@pytest.mark.parametrize("freshness", ["immediate", "bounded", "expiry"])
@of_page("plain-django")
def test_a_plain_django_view(
    project: None, api: APIClient, alice: User, settings: Any, freshness: str
) -> None:
    settings.DRF_RATCHET = {"FRESHNESS": freshness}
    tokens = Tokens(**sign_in(api).json())
    client = Client(enforce_csrf_checks=True)
    for method in (client.get, client.post):
        assert method("/me/", **tokens.bearer).json() == {"username": "alice"}

    nobody = client.get("/me/")
    assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    User.objects.update(is_active=False)
    for header, reason in ((tokens.bearer, "user_inactive"), (BAD_TOKEN, "malformed")):
        refused = client.get("/me/", **header)
        assert (refused.status_code, refused.json()["reason"]) == (401, reason)
        assert "invalid_token" in refused["WWW-Authenticate"]


@of_page("plain-django")
def test_plain_django_view_gets_503_when_busy(
    project: None, api: APIClient, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = Tokens(**sign_in(api).json())

    def fail() -> Any:
        raise OperationalError

    monkeypatch.setattr("drf_ratchet.sessions.feed.recent_endings", fail)
    settings.DRF_RATCHET = {"FRESHNESS": "bounded"}
    answer = Client().get("/me/", **tokens.bearer)
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "busy", "1")


@of_page("async")
@pytest.mark.parametrize("freshness", ["immediate", "bounded", "expiry"])
@pytest.mark.parametrize("path", ["/plain/me/", "/rest/me/", "/ninja/me", "/ninja/report"])
def test_async_views(project: None, path: str, freshness: str, alice: User, settings: Any) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "FRESHNESS": freshness}
    get = async_to_sync(AsyncClient().get)
    assert get(path).status_code == 401
    refused = get(path, headers={"Authorization": "Bearer x"})
    assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")
    answer = get(path, headers={"Authorization": f"Bearer {open_session(alice).access}"})
    assert answer.json()["username"] == "alice"


# What is served, and the settings


@of_page("single-page-app")
def test_the_cookie_of_a_single_page_app(project: None, api: APIClient, alice: User) -> None:
    answer = sign_in(api, "/api/browser/login/")
    assert set(answer.json()) == {"access", "expires_in"}
    assert api.post("/api/browser/refresh/", **OWN_PAGE).status_code == 200


def test_the_endpoints_of_an_issuer(
    api: APIClient, alice: User, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.management import call_command

    with project_of("howto/microservices.md"):
        settings = vars(sys.modules["shop.settings"])
        assert set(settings["DRF_RATCHET"]) == {"KEYS", "ISSUER", "AUDIENCE"}
        with override_settings(DRF_RATCHET={**settings["DRF_RATCHET"], "KEYS": tmp_path / "keys"}):
            call_command("ratchet", "keys", "new", verbosity=0)
            [key] = api.get("/.well-known/jwks.json").json()["keys"]
            claims = payload(sign_in(api).json()["access"])
    assert key["kty"] == "OKP"
    assert (claims["iss"], claims["aud"]) == ("https://shop.example", ["shop", "orders"])


@pytest.mark.starts
@pytest.mark.django_db(transaction=True)
def test_the_session_of_a_mobile_app(live_server: Any, tmp_path: Any, settings: Any) -> None:
    User.objects.create_user("alice", password=PASSWORD)
    # However late: no grace period helps here.
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ROTATION_GRACE": timedelta(0)}
    text = console.marked((HOWTO / "mobile.md").read_text(), MARK)
    [block] = [block for language, block in console.blocks(text) if language == "console"]
    url = ("http://127.0.0.1:8000", live_server.url)
    console.run(console.steps_of(block), tmp_path, replaced=[url])


def test_the_settings_of_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = (checks.check_cache, checks.check_proxies, checks.check_authenticators)
    monkeypatch.setenv("CACHE_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("SECRET_KEY", "x" * 50)
    signs = {"USE_X_FORWARDED_HOST": True, "REST_FRAMEWORK": {}}
    with override_settings(**signs):
        before = [message.id for check in looked_at for message in check()]
        with project_of("howto/deployment.md"):
            after = [message.id for check in looked_at for message in check()]
    assert before == ["ratchet.W006", "ratchet.W010"]
    assert after == []


def test_both_kinds_of_sessions(api: APIClient, alice: User) -> None:
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.settings import api_settings
    from rest_framework.views import APIView

    class View(APIView):
        def get(self, request: Any) -> Response:
            return Response({"user": request.user.username})

    tokens = Tokens(**sign_in(api).json())
    with project_of("howto/django-sessions.md"):

        class Both(View):
            authentication_classes = api_settings.DEFAULT_AUTHENTICATION_CLASSES

        class Closed(Both):
            permission_classes = [IsAuthenticated]

        view, factory = Both.as_view(), APIRequestFactory()
        assert len(Both.authentication_classes) == 2
        closed = Closed.as_view()(factory.get("/"))
        assert closed.status_code == 401
        assert closed["WWW-Authenticate"].startswith("Bearer")
        assert view(factory.get("/", **tokens.bearer)).data == {"user": "alice"}
        request = factory.get("/")
        request.user = alice
        assert view(request).data == {"user": "alice"}


@pytest.mark.parametrize("page", sorted(HOWTO.glob("*.md")), ids=lambda page: page.stem)
def test_each_block_compiles(page: Any) -> None:
    for language, block in console.blocks(page.read_text()):
        if language == "python":
            compile(block, page.name, "exec")
    # The others have no Python; what they show is run by tests of their own.
    named = code_of(f"howto/{page.name}")
    without = ("mobile", "javascript-libraries", "server-rendering", "own-client")
    assert named or page.stem in without
