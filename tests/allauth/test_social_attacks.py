"""Attacks by way of a provider: none signs its victim in, nor the attacker as somebody else."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pyotp
import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.core import mail
from joserfc.jwk import RSAKey

from drf_ratchet.models import Session
from provider import APP_CLIENT, PROVIDER_ID, WEB_CLIENT
from tests.allauth.headless import SECRET, add_totp
from tests.allauth.provider import Phone, Provider, Visitor
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]

ERROR_PAGE = "/social-error?error=unknown&error_process=login"


def demand_signed_out(browser: Visitor) -> None:
    """Neither allauth nor we know anybody here, and there is nothing to exchange."""
    assert browser.in_allauth()["status"] == 401
    assert browser.exchange().status_code == 401
    assert browser.ours() is None


# Login CSRF: the attacker's callback in the victim's browser


@pytest.mark.parametrize("pending", [False, True])
def test_callback_of_another_browser(
    carol: Visitor, visitor: Callable[[str], Visitor], pending: bool
) -> None:
    """It signs nobody in, whether or not the victim is on the way to the provider, too."""
    attacker, victim = carol, visitor("carol")
    callback = attacker.to_callback()
    if pending:
        victim.to_provider()
    assert victim.open(callback) == ERROR_PAGE
    demand_signed_out(victim)
    assert not User.objects.exists()
    # The callback was valid: in its own browser it is.
    assert attacker.open(callback) == "/signed-in"
    assert attacker.exchange().status_code == 200


def test_callback_of_another_browser_keeps_who_is_signed_in(
    carol: Visitor, visitor: Callable[[str], Visitor], alice: User
) -> None:
    victim = visitor("carol")
    by_password(victim)
    assert victim.exchange().status_code == 200
    victim.get(carol.to_callback())
    assert victim.ours() == "alice"
    assert victim.exchange().status_code == 401


def test_code_of_another_browser(carol: Visitor, visitor: Callable[[str], Visitor]) -> None:
    """The attacker's code with the victim's own state: PKCE binds the code to its browser."""
    victim = visitor("carol")
    [state] = parse_qs(urlsplit(victim.to_provider()).query)["state"]
    injected = with_query(carol.to_callback(), state=state)
    page = urlsplit(victim.open(injected))
    assert (page.path, parse_qs(page.query)["error"]) == ("/signed-in", ["unknown"])
    demand_signed_out(victim)
    assert not User.objects.exists()


@pytest.mark.any_database
@pytest.mark.parametrize("token", ["", "x" * 32])
def test_form_of_another_site(carol: Visitor, token: str) -> None:
    """It does not send a browser to the provider."""
    assert carol.ask_for_provider(csrfmiddlewaretoken=token).status_code == 403


@pytest.mark.any_database
@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_return_to_another_site(carol: Visitor, url: str) -> None:
    answer = carol.ask_for_provider(callback_url=url)
    assert answer.headers["Location"] == carol.site + ERROR_PAGE


# Replays


def test_replayed_callback(carol: Visitor, visitor: Callable[[str], Visitor]) -> None:
    callback = carol.to_callback()
    assert carol.open(callback) == "/signed-in"
    assert carol.open(callback) == ERROR_PAGE
    assert carol.exchange().status_code == 200
    for browser in (carol, visitor("carol")):
        assert browser.open(callback) == ERROR_PAGE
        assert browser.in_allauth()["status"] == 401
        assert browser.exchange().status_code == 401
    assert Session.objects.count() == 1
    assert carol.ours() == "carol"


def test_replayed_id_token(phone: Phone, carol: Visitor, site: str, provider: Provider) -> None:
    """An ID token that the app has used, found in a log for example."""
    id_token = phone.tokens_of(carol)["id_token"]
    phone.by_provider(id_token)
    assert phone.is_in_ours()
    thief = Phone(site, provider)
    demand_refused(thief, id_token)
    assert Session.objects.count() == 1


# Addresses of somebody else

#: What a project may set. None of it makes an unverified address count.
SETTINGS: list[dict[str, Any]] = [
    {},
    {"SOCIALACCOUNT_EMAIL_AUTHENTICATION": True},
    {
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": True,
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT": True,
    },
    {"SOCIALACCOUNT_EMAIL_VERIFICATION": "none"},
    {"SOCIALACCOUNT_EMAIL_VERIFICATION": "none", "ACCOUNT_EMAIL_VERIFICATION": "none"},
    {"ACCOUNT_PREVENT_ENUMERATION": False},
]


@pytest.mark.parametrize("chosen", SETTINGS, ids=str)
def test_unverified_address_of_somebody_else(
    mallory: Visitor, phone: Phone, alice: User, settings: Any, chosen: dict[str, Any]
) -> None:
    """It neither signs in as that person, nor links the account to them."""
    for name, value in chosen.items():
        setattr(settings, name, value)
    mallory.sign_in()
    demand_signed_out(mallory)
    for path, body in (
        ("auth/provider/signup", {"email": alice.email}),
        ("auth/email/verify", {"key": "000000"}),
    ):
        mallory.fetch("POST", f"/_allauth/browser/v1/{path}", body)
        demand_signed_out(mallory)
    phone.by_provider(phone.tokens_of(mallory)["id_token"])
    assert phone.answer.status_code == 401
    assert not phone.tokens
    assert not SocialAccount.objects.exists()
    assert not Session.objects.exists()
    assert User.objects.get() == alice


@pytest.mark.any_database
def test_owner_of_the_address_is_told(mallory: Visitor, alice: User) -> None:
    """The mail goes to the person whose address it is, and contains no code for the attacker."""
    mallory.sign_in()
    [sent] = mail.outbox
    assert sent.to == [alice.email]
    assert "already exists" in sent.body


def test_provider_that_is_believed_whatever_it_says(
    mallory: Visitor, alice: User, settings: Any
) -> None:
    """Two settings together give alice's account away. The page warns of them."""
    settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["VERIFIED_EMAIL"] = True
    mallory.sign_in()
    mallory.exchange()
    assert mallory.ours() == "alice"


@pytest.mark.parametrize("trusted", [False, True])
def test_verified_address_of_an_account(carol: Visitor, settings: Any, trusted: bool) -> None:
    """It signs in as its owner only if the project has said so of this provider."""
    owner = User.objects.create_user("owner", "carol@example.com", PASSWORD)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    web = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    web["settings"]["email_authentication"] = trusted
    carol.sign_in()
    assert carol.exchange().status_code == (200 if trusted else 401)
    assert carol.ours() == ("owner" if trusted else None)
    assert not SocialAccount.objects.exists()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_account_that_waits_for_the_owner_of_its_address(
    carol: Visitor, visitor: Callable[[str], Visitor], settings: Any
) -> None:
    """An attacker signed up with carol's address, and could not verify it. The password ends."""
    planted = User.objects.create_user("planted", "carol@example.com", PASSWORD)
    EmailAddress.objects.create(user=planted, email=planted.email, verified=False, primary=True)
    settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
    carol.sign_in()
    planted.refresh_from_db()
    assert not planted.has_usable_password()


# ID tokens


def demand_refused(phone: Phone, id_token: str, **options: Any) -> None:
    said = phone.by_provider(id_token, **options)
    assert phone.answer.status_code == 400
    assert said["errors"][0]["code"] == "invalid_token"
    assert not phone.tokens
    assert not phone.session_token


@pytest.mark.any_database
@pytest.mark.parametrize("client_id", [WEB_CLIENT, APP_CLIENT])
def test_id_token_for_another_client(
    phone: Phone, carol: Visitor, settings: Any, client_id: str
) -> None:
    """The client is not one of ours here: anybody's app, which carol has signed in to."""
    del settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][1]
    demand_refused(phone, phone.tokens_of(carol)["id_token"], client_id=client_id)
    assert not User.objects.exists()


@pytest.mark.any_database
def test_access_token_in_place_of_an_id_token(phone: Phone, carol: Visitor) -> None:
    """It names no audience: any client of the provider could present its own."""
    token = {"client_id": APP_CLIENT, "access_token": phone.tokens_of(carol)["access_token"]}
    phone.by_provider("", token=token)
    assert phone.answer.status_code == 400
    assert not phone.tokens


@pytest.mark.any_database
@pytest.mark.parametrize(("seconds", "status"), [(590, 200), (601, 400)])
def test_expired_id_token(phone: Phone, carol: Visitor, seconds: int, status: int) -> None:
    id_token = phone.tokens_of(carol)["id_token"]
    with time_machine.travel(claims_of(id_token)["iat"] + seconds, tick=True):
        phone.by_provider(id_token)
    assert phone.answer.status_code == status
    assert bool(phone.tokens) == (status == 200)


@pytest.mark.any_database
@pytest.mark.parametrize("algorithm", ["RS256", "none", "HS256"])
def test_forged_id_token(phone: Phone, carol: Visitor, provider: Provider, algorithm: str) -> None:
    """The provider has not signed it: a changed user, no signature, or the public key as secret.

    The status is 400, or 500 for HS256: allauth 65.22 does not expect PyJWT's refusal of the key.
    """
    id_token = phone.tokens_of(carol)["id_token"]
    signature = id_token.split(".")[2]
    [key] = httpx.get(f"{provider.address}/.well-known/jwks.json").json()["keys"]
    signed = ".".join(
        (
            encoded({"alg": algorithm, "kid": key["kid"], "typ": "JWT"}),
            encoded({**claims_of(id_token), "sub": "1000", "jti": "another"}),
        )
    )
    made = {
        "RS256": signature,
        "none": "",
        "HS256": base64url(
            hmac.digest(RSAKey.import_key(key).as_pem(private=False), signed.encode(), "sha256")
        ),
    }
    token = {"client_id": APP_CLIENT, "id_token": f"{signed}.{made[algorithm]}"}
    answer = phone.http.generic(
        "POST",
        "/_allauth/app/v1/auth/provider/token",
        json.dumps({"provider": PROVIDER_ID, "process": "login", "token": token}),
        content_type="application/json",
    )
    assert answer.status_code == (500 if algorithm == "HS256" else 400)
    assert "access_token" not in answer.text
    assert not User.objects.exists()


def claims_of(id_token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(id_token, options={"verify_signature": False})
    return claims


def base64url(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def encoded(part: Any) -> str:
    return base64url(json.dumps(part).encode())


# Unfinished and fixed sessions


def test_unfinished_second_factor(carol: Visitor, phone: Phone) -> None:
    """The callback and the ID token leave a session that waits, which holds no token."""
    carol.sign_in()
    carol.exchange()
    add_totp(User.objects.get())
    before = Session.objects.count()

    browser = Visitor(carol.site, "carol")
    callback = browser.get(browser.to_callback())
    assert callback.headers["Location"].endswith("/signed-in")
    assert {cookie.name for cookie in callback.cookies.jar} <= {"sessionid", "csrftoken"}
    demand_signed_out(browser)
    said = phone.by_provider(phone.tokens_of(browser)["id_token"])
    assert phone.answer.status_code == 401
    waiting = [flow["id"] for flow in said["data"]["flows"] if flow.get("is_pending")]
    assert waiting == ["mfa_authenticate"]
    assert not phone.tokens
    assert not phone.is_in_allauth()
    assert Session.objects.count() == before
    phone.post("auth/2fa/authenticate", code=pyotp.TOTP(SECRET).now())
    assert phone.is_in_ours()


def test_session_fixation(carol: Visitor, visitor: Callable[[str], Visitor]) -> None:
    """The attacker knows the session before the provider; the callback gives it a new key."""
    url = carol.to_provider()
    known = carol.cookie("sessionid")
    assert known
    carol.get(carol.consent(url))
    assert carol.cookie("sessionid") not in (known, None)
    attacker = visitor("carol")
    for step in (lambda: None, carol.exchange):
        step()
        attacker.http.cookies.set("sessionid", known, domain="127.0.0.1")
        assert attacker.cookie("sessionid") == known
        demand_signed_out(attacker)
    assert Session.objects.count() == 1


def test_planted_session(mallory: Visitor, carol: Visitor) -> None:
    """The attacker's own session, with a pending state, is in the victim's browser."""
    mallory.to_provider()
    planted = mallory.cookie("sessionid")
    assert planted
    carol.http.cookies.set("sessionid", planted, domain="127.0.0.1")
    assert carol.sign_in() == "/signed-in"
    demand_signed_out(mallory)
    assert carol.exchange().status_code == 200
    demand_signed_out(mallory)
    assert carol.ours() == "carol"


def by_password(browser: Visitor) -> None:
    browser.fetch("GET", "/_allauth/browser/v1/config")
    given = {"username": "alice", "password": PASSWORD}
    assert browser.fetch("POST", "/_allauth/browser/v1/auth/login", given).status_code == 200


def with_query(url: str, **changed: str) -> str:
    parts = urlsplit(url)
    query = {name: value for name, [value] in parse_qs(parts.query).items()}
    return parts._replace(query=urlencode({**query, **changed})).geturl()
