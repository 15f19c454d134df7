"""Social accounts of a real OpenID Connect provider, over HTTP, as a page and an app use them."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as DjangoSession
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from playwright.sync_api import sync_playwright

from drf_ratchet.allauth.models import LinkedSession
from drf_ratchet.models import Session
from provider import APP_CLIENT, APP_REDIRECT_URIS, PROVIDER_ID, WEB_CLIENT
from provider import PASSWORD as PROVIDER_PASSWORD
from tests import console
from tests.allauth.headless import SECRET, add_totp, mailed_code
from tests.allauth.provider import Phone, Provider, Visitor
from tests.allauth.urls import urlpatterns as project_urls
from tests.fixtures import PASSWORD, payload

pytestmark = pytest.mark.django_db(transaction=True)

asked: list[tuple[str, ...]] = []


def record(user: Any, *, amr: tuple[str, ...], session: Any, **others: Any) -> bool:
    if session is None:
        asked.append(amr)
    return True


@pytest.fixture
def amr(policy: Any) -> list[tuple[str, ...]]:
    """What each sign-in says of itself."""
    asked.clear()
    policy(f"{__name__}.record")
    return asked


def demand_unknown_methods(access: str) -> None:
    """The token says when the user signed in, and not how."""
    claims = payload(access)
    assert claims["auth_time"] == pytest.approx(time.time(), abs=60)
    assert "amr" not in claims
    assert "acr" not in claims


@pytest.mark.any_database
def test_offer_of_the_provider(provider: Provider) -> None:
    """The authorization code with PKCE by S256 alone, and the claims of the scopes."""
    offered = httpx.get(f"{provider.address}/.well-known/openid-configuration").json()
    assert offered["issuer"] == provider.address
    assert offered["response_types_supported"] == ["code"]
    assert offered["code_challenge_methods_supported"] == ["S256"]
    assert offered["scopes_supported"] == ["openid", "profile", "email"]
    assert {"sub", "email", "email_verified", "name"} <= set(offered["claims_supported"])


def test_single_page_app(carol: Visitor, amr: Any) -> None:
    assert carol.sign_in() == "/signed-in"
    assert not Session.objects.exists()
    answer = carol.exchange()
    assert answer.status_code == 200, answer.text
    demand_unknown_methods(answer.json()["access"])
    assert amr == [()]
    assert carol.ours() == "carol"
    assert carol.in_allauth()["status"] == 401
    assert not DjangoSession.objects.exists()
    assert carol.fetch("POST", "/api/browser/refresh/").status_code == 200


@pytest.mark.parametrize("redirect_uri", [APP_REDIRECT_URIS[0], "http://127.0.0.1:49152/signed-in"])
def test_mobile_app(phone: Phone, carol: Visitor, amr: Any, redirect_uri: str) -> None:
    """The system browser returns to the app's own scheme, or to its port on the loopback."""
    phone.by_provider(phone.tokens_of(carol, redirect_uri=redirect_uri)["id_token"])
    assert phone.answer.status_code == 200, phone.answer.text
    demand_unknown_methods(phone.tokens["access_token"])
    assert amr == [()]
    assert phone.session.user.get_username() == "carol"
    assert phone.is_in_ours()
    assert phone.is_in_allauth()
    assert phone.refresh().status_code == 200
    assert Session.objects.count() == LinkedSession.objects.count() == 1


def test_page_and_app_sign_in_to_one_account(carol: Visitor, phone: Phone) -> None:
    carol.sign_in()
    carol.exchange()
    phone.by_provider(phone.tokens_of(carol)["id_token"])
    assert phone.is_in_ours()
    assert User.objects.count() == SocialAccount.objects.count() == 1
    assert Session.objects.count() == 2


def test_second_factor_after_a_social_account(carol: Visitor, amr: Any) -> None:
    """It is the only method that is known, and makes it two with the social account."""
    carol.sign_in()
    carol.exchange()
    user = User.objects.get()
    add_totp(user)
    carol.sign_in()
    assert carol.exchange().status_code == 401
    code = {"code": pyotp.TOTP(SECRET).now()}
    assert (
        carol.fetch("POST", "/_allauth/browser/v1/auth/2fa/authenticate", code).status_code == 200
    )
    assert payload(carol.exchange().json()["access"])["amr"] == ["otp", "mfa"]
    assert amr == [(), ("otp", "mfa")]


def test_address_that_the_provider_has_verified(carol: Visitor) -> None:
    carol.sign_in()
    [address] = EmailAddress.objects.all()
    assert (address.email, address.verified) == ("carol@example.com", True)


def test_address_that_the_provider_has_not_verified(mallory: Visitor) -> None:
    """The user has to verify it here. This is no attack: the address is nobody else's."""
    mallory.sign_in()
    assert mallory.exchange().status_code == 401
    key = {"key": mailed_code()}
    mallory.fetch("POST", "/_allauth/browser/v1/auth/email/verify", key)
    assert mallory.exchange().status_code == 200


@pytest.mark.any_database
def test_cancelled_at_the_provider(carol: Visitor) -> None:
    callback = carol.consent(carol.to_provider(), button="Cancel")
    page = urlsplit(carol.open(callback))
    assert page.path == "/signed-in"
    assert parse_qs(page.query) == {"error": ["cancelled"], "error_process": ["login"]}
    assert carol.exchange().status_code == 401


def test_connect_on_a_page(carol: Visitor, alice: User) -> None:
    """It needs allauth's session, so it comes before the exchange."""
    by_password(carol)
    assert carol.open(carol.to_callback(process="connect")) == "/signed-in"
    assert carol.exchange().status_code == 200
    assert SocialAccount.objects.get().user == alice
    again = Visitor(carol.site, "carol")
    again.sign_in()
    again.exchange()
    assert again.ours() == "alice"


def test_connect_on_a_page_after_the_exchange(carol: Visitor, alice: User) -> None:
    by_password(carol)
    carol.exchange()
    page = urlsplit(carol.open(carol.to_callback(process="connect")))
    assert parse_qs(page.query) == {"error": ["permission_denied"], "error_process": ["connect"]}
    assert not SocialAccount.objects.exists()


def test_connect_an_account_of_another_user(carol: Visitor, alice: User) -> None:
    carol.sign_in()
    carol.exchange()
    by_password(carol)
    page = urlsplit(carol.open(carol.to_callback(process="connect")))
    assert parse_qs(page.query) == {"error": ["connected_other"], "error_process": ["connect"]}
    assert SocialAccount.objects.get().user.get_username() == "carol"


class NoSignUp(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def test_project_that_opens_no_account(carol: Visitor, settings: Any) -> None:
    settings.ACCOUNT_ADAPTER = f"{__name__}.NoSignUp"
    page = urlsplit(carol.sign_in())
    assert parse_qs(page.query) == {"error": ["signup_closed"], "error_process": ["login"]}
    assert carol.exchange().status_code == 401
    assert not User.objects.exists()


def test_connect_in_an_app(phone: Phone, carol: Visitor, alice: User) -> None:
    phone.password()
    before = phone.session
    phone.by_provider(phone.tokens_of(carol)["id_token"], process="connect")
    assert phone.answer.status_code == 200, phone.answer.text
    assert SocialAccount.objects.get().user == alice
    assert phone.session == before
    assert phone.is_in_ours()
    [listed] = phone.get("account/providers")["data"]
    assert listed["provider"]["id"] == PROVIDER_ID


@pytest.mark.any_database
def test_id_token_without_an_address(phone: Phone, carol: Visitor) -> None:
    """As of a provider that names it at its userinfo endpoint only. The app asks for one."""
    said = phone.by_provider(phone.tokens_of(carol, scope="openid")["id_token"])
    assert phone.answer.status_code == 401
    waiting = [flow["id"] for flow in said["data"]["flows"] if flow.get("is_pending")]
    assert waiting == ["provider_signup"]
    assert not phone.tokens


@pytest.mark.any_database
def test_json_in_place_of_a_form(carol: Visitor) -> None:
    carol.fetch("GET", "/_allauth/browser/v1/config")
    body = {"provider": PROVIDER_ID, "callback_url": "/signed-in", "process": "login"}
    answer = carol.fetch("POST", "/_allauth/browser/v1/auth/provider/redirect", body)
    assert urlsplit(answer.headers["Location"]).path == "/social-error"


# The page docs/howto/social-login.md


PAGE = (console.ROOT / "docs" / "howto" / "social-login.md").read_text()


def blocks(language: str) -> list[str]:
    return [block for name, block in console.blocks(PAGE) if name == language]


@pytest.mark.any_database
def test_request_of_the_page(phone: Phone, carol: Visitor) -> None:
    [block] = blocks("http")
    head, body = block.split("\n\n", 1)
    method, target = head.splitlines()[0].split()
    request = json.loads(body)
    assert request["token"]["client_id"] == "shop-app"
    request["token"] = {"client_id": APP_CLIENT, "id_token": phone.tokens_of(carol)["id_token"]}
    request["provider"] = PROVIDER_ID
    answer = phone.http.generic(
        method, target, json.dumps(request), content_type="application/json"
    )
    assert answer.status_code == 200
    assert {"access_token", "refresh_token"} <= answer.json()["meta"].keys()


@pytest.mark.any_database
def test_clients_that_allauth_lists(carol: Visitor) -> None:
    """Both, to a browser, too, under one id."""
    said = carol.fetch("GET", "/_allauth/browser/v1/config").json()
    listed = said["data"]["socialaccount"]["providers"]
    clients = {one["client_id"] for one in listed if one["id"] == PROVIDER_ID}
    assert clients == {WEB_CLIENT, APP_CLIENT}


@pytest.mark.any_database
def test_path_of_the_callback_of_the_page() -> None:
    assert (
        f"https://shop.example.com{reverse('openid_connect_callback', args=['accounts'])}" in PAGE
    )


def page_with(*, form: bool, script: int) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view with the page's form, or without, and one of its scripts."""

    def view(request: HttpRequest) -> HttpResponse:
        [html] = blocks("html")
        html = html.replace("accounts", PROVIDER_ID) if form else ""
        run = f"<script type=module>{blocks('js')[script]}</script>"
        return HttpResponse(f"<!doctype html><body>{html}{run}")

    return view


#: Of the test below alone.
urlpatterns = [
    *project_urls,
    path("sign-in", page_with(form=True, script=0)),
    path("signed-in", page_with(form=False, script=1)),
    path("", lambda request: HttpResponse("welcome")),
]


@pytest.mark.full
@pytest.mark.any_database
@pytest.mark.parametrize("button", ["Authorize", "Cancel"])
def test_page_in_chromium(
    chromium: str, carol: Visitor, provider: Provider, settings: Any, button: str
) -> None:
    """The page's form and scripts as they are, on the site, with the provider's own pages."""
    settings.ROOT_URLCONF = __name__
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium).new_page()
        page.goto(f"{carol.site}/sign-in")
        page.wait_for_function("document.querySelector('[name=csrfmiddlewaretoken]').value")
        page.get_by_role("button", name="Continue with Accounts").click()
        page.get_by_label("Username").fill(carol.user)
        page.get_by_label("Password").fill(PROVIDER_PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        assert page.url.startswith(f"{provider.address}/authorize/")
        page.get_by_role("button", name=button).click()
        page.get_by_text("welcome" if button == "Authorize" else "cancelled").wait_for()
        read = "() => fetch('/api/browser/session/').then((answer) => answer.json())"
        user = page.evaluate(read)["user"]
    assert (user and user["username"]) == ("carol" if button == "Authorize" else None)
    assert Session.objects.count() == (button == "Authorize")


def by_password(browser: Visitor) -> None:
    browser.fetch("GET", "/_allauth/browser/v1/config")
    given = {"username": "alice", "password": PASSWORD}
    assert browser.fetch("POST", "/_allauth/browser/v1/auth/login", given).status_code == 200
