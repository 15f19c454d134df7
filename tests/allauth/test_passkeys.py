"""Sign in by a passkey, and by one as the second factor."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User

from drf_ratchet.allauth._internals import is_backup_eligible
from drf_ratchet.models import Session
from tests.allauth.headless import App, Browser, Headless, mailed_code
from tests.allauth.passkey import Passkey
from tests.allauth.test_app import amr  # noqa: F401 (a fixture)
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[True, False], ids=["synced", "bound to the device"])
def passkey(request: pytest.FixtureRequest) -> Passkey:
    return Passkey(synced=request.param)


@pytest.fixture
def value(passkey: Passkey) -> str:
    """The value of RFC 8176 for the passkey."""
    return "swk" if passkey.flags & 0x08 else "hwk"


def register(passkey: Passkey, user: User) -> None:
    """Add a passkey to an account, in a session of its own."""
    app = App()
    app.password()
    app.post("auth/reauthenticate", password=PASSWORD)
    options = app.get("account/authenticators/webauthn?passwordless")["data"]
    app.post(
        "account/authenticators/webauthn",
        name="Phone",
        credential=passkey.create(options["creation_options"]),
    )
    assert app.answer.status_code == 200, app.answer.content
    app.send("DELETE", "auth/session")


def by_passkey(client: Headless, passkey: Passkey) -> dict[str, Any]:
    """Sign in by a passkey alone, and return the credential that was sent."""
    options = client.get("auth/webauthn/login")["data"]["request_options"]
    credential = passkey.get(options)
    client.post("auth/webauthn/login", credential=credential)
    return credential


def test_app(app: App, alice: User, passkey: Passkey, value: str, amr: Any) -> None:  # noqa: F811
    register(passkey, alice)
    by_passkey(app, passkey)
    assert app.answer.status_code == 200, app.answer.content
    assert app.is_in_ours()
    assert app.is_in_allauth()
    assert amr[-1] == (value,)


def test_browser(
    browser: Browser,
    alice: User,
    passkey: Passkey,
    value: str,
    amr: Any,  # noqa: F811
) -> None:
    register(passkey, alice)
    by_passkey(browser, passkey)
    assert browser.exchange().status_code == 200
    assert browser.ours()["username"] == "alice"
    assert amr[-1] == (value,)


@pytest.mark.parametrize("kind", [App, Browser])
def test_second_factor(
    kind: type[Headless],
    alice: User,
    passkey: Passkey,
    value: str,
    amr: Any,  # noqa: F811
) -> None:
    register(passkey, alice)
    client = kind()
    client.password()
    assert client.answer.status_code == 401
    assert Session.objects.filter(ended_at=None).count() == 0
    options = client.get("auth/webauthn/authenticate")["data"]["request_options"]
    client.post("auth/webauthn/authenticate", credential=passkey.get(options))
    if isinstance(client, Browser):
        assert client.exchange().status_code == 200
    else:
        assert isinstance(client, App)
        assert client.is_in_ours()
    assert amr[-1] == ("pwd", value, "mfa")


def test_sign_up_by_passkey(app: App, db: None, amr: Any) -> None:  # noqa: F811
    passkey = Passkey(synced=True)
    app.post("auth/webauthn/signup", username="bob", email="bob@example.com")
    app.post("auth/email/verify", key=mailed_code())
    assert app.answer.status_code == 401
    assert not app.tokens
    options = app.get("auth/webauthn/signup")["data"]["creation_options"]
    app.send(
        "PUT", "auth/webauthn/signup", {"name": "Phone", "credential": passkey.create(options)}
    )
    assert app.is_in_ours(), app.answer.content
    assert amr == [()]


def test_unknown_passkey_counts_as_synced(alice: User) -> None:
    """As one that was removed between the proof and the end of the sign-in."""
    passkey = Passkey(synced=False)
    register(passkey, alice)
    [found] = Authenticator.objects.filter(type="webauthn")
    assert not is_backup_eligible(found.pk, alice)
    assert is_backup_eligible(found.pk, User.objects.create_user("bob"))
    found.delete()
    assert is_backup_eligible(found.pk, alice)


def test_replayed_assertion(app: App, alice: User) -> None:
    passkey = Passkey(synced=True)
    register(passkey, alice)
    credential = by_passkey(app, passkey)
    thief = App()
    thief.get("auth/webauthn/login")
    thief.post("auth/webauthn/login", credential=credential)
    assert thief.answer.status_code == 400
    assert not thief.tokens


def test_passkey_of_another_user(app: App, alice: User) -> None:
    """The attacker's passkey, with the victim's user handle."""
    victims, attackers = Passkey(synced=True), Passkey(synced=True)
    register(victims, alice)
    attackers.user_handle = victims.user_handle
    attackers.id = victims.id
    by_passkey(app, attackers)
    assert app.answer.status_code == 400
    assert not app.tokens
