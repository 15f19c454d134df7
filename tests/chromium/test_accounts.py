"""The demo's accounts: sign-up, passkeys and second factors, with Chromium's own authenticator."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from provider import PASSWORD as PROVIDER_PASSWORD
from tests.chromium.served import WITH_ACCOUNTS, Demo, demo_on_copy_of, filled
from tests.chromium.visitor import Visitor, expect_nobody, expect_user
from tests.fixtures import PASSWORD
from tests.races.databases import DEMO
from tests.races.server import Server

pytestmark = [pytest.mark.any_database, pytest.mark.starts]


@pytest.fixture(scope="module")
def with_accounts(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo as `make demo` runs it, without its rate limits."""
    template = filled(tmp_path_factory.mktemp("accounts"), **WITH_ACCOUNTS)
    with demo_on_copy_of(template, tmp_path_factory.mktemp("demo"), **WITH_ACCOUNTS) as demo:
        yield demo


@pytest.fixture
def somebody(with_accounts: Demo, visit: Callable[..., Visitor]) -> Visitor:
    return visit(with_accounts)


class Authenticator:
    """A platform authenticator, such as a fingerprint reader, in a tab.

    Args:
        page: the tab. Another page in it has the same.
        synced: whether its passkeys are copied to the user's other devices.
        verifies: whether it can tell its user from somebody else who holds the device.
    """

    def __init__(self, page: Page, *, synced: bool = False, verifies: bool = True) -> None:
        self.devtools = page.context.new_cdp_session(page)
        self.devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verifies,
            "automaticPresenceSimulation": True,
            "defaultBackupEligibility": synced,
            "defaultBackupState": synced,
        }
        added = self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.id = added["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        """All that it keeps, private keys included."""
        found = self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(found["credentials"])

    def take_over(self, credential: dict[str, Any]) -> None:
        """Keep a passkey of another device, too."""
        self.devtools.send(
            "WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential}
        )


def mailed_code(demo: Demo, address: str) -> str:
    """The code of the newest mail to an address, as the terminal shows it."""
    [*_, mail] = re.findall(rf"To: {re.escape(address)}\n(.*?)\n-{{20}}", demo.server.text(), re.S)
    codes = re.findall(r"^([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})*)$", mail, re.M)
    assert codes, mail
    return str(codes[0])


def claim(page: Page, name: str) -> Any:
    """A claim as the token's panel shows it; None where there is none."""
    found = page.locator(f"#token-claims [data-claim={name}] .claim-value code")
    return json.loads(found.inner_text()) if found.count() else None


def sign_out(page: Page) -> None:
    """Until the page has said so: it moves the focus then, and what is to be clicked."""
    # By the keyboard: a click misses what moves, as the focus scrolls the page.
    page.locator("#sign-out").press("Enter")
    expect(page.locator("#sign-in-answer")).to_have_text("You are signed out.")
    expect_nobody(page)


def sign_up(somebody: Visitor, demo: Demo, page: Page, username: str) -> None:
    """As far as the verified address."""
    somebody.expected.add(401)
    page.locator("#create-account summary").click()
    page.locator("#new-username").fill(username)
    page.locator("#new-email").fill(f"{username}@example.com")
    page.locator("#new-password").fill("a long pass phrase")
    page.get_by_role("button", name="Create it").click()
    expect(page.locator("#verify-address")).to_be_visible()
    page.locator("#mailed-code").fill(mailed_code(demo, f"{username}@example.com"))
    page.get_by_role("button", name="Verify").click()


def test_from_a_sign_up_to_a_passkey(
    somebody: Visitor, with_accounts: Demo, visit: Callable[..., Visitor]
) -> None:
    page = somebody.open()
    authenticator = Authenticator(page)

    sign_up(somebody, with_accounts, page, "carol")
    page.locator("#first-passkey").click()
    expect_user(page, "carol")
    assert claim(page, "amr") == ["pwd"]

    sign_out(page)
    page.locator("#passkey-sign-in").press("Enter")
    expect_user(page, "carol")
    assert claim(page, "amr") == ["hwk"]
    expect(page.locator("#devices [data-current=true]")).to_contain_text("passkey of one device")

    # The other device: the same person with a copy of the key.
    other = visit(with_accounts)
    other.expected.add(401)
    there = other.open()
    Authenticator(there).take_over(authenticator.credentials()[0])
    there.locator("#passkey-sign-in").click()
    expect_user(there, "carol")
    page.locator("#devices-reload").click()
    expect(page.locator("#devices li")).to_have_count(2)
    page.locator("#devices [data-current=false] button").click()
    expect(page.locator("#devices li")).to_have_count(1)
    there.locator("#devices-reload").click()
    expect_nobody(there)


@pytest.mark.full
def test_a_passkey_is_asked_for_before_a_post_is_deleted(somebody: Visitor) -> None:
    somebody.expected |= {401, 404}
    page = somebody.open()
    authenticator = Authenticator(page, synced=True)
    somebody.sign_in(page)
    page.locator("#post-title").fill("Not for long")
    page.locator("#post-body").fill("It goes by a passkey.")
    page.locator("#write-post button").click()
    post = page.locator("#posts article").first
    expect(post.locator("h3")).to_have_text("Not for long")

    page.locator("#add-password").fill(PASSWORD)
    page.locator("#add-passkey").click()
    expect(page.locator("#account-answer")).to_contain_text("The passkey is added")
    assert len(authenticator.credentials()) == 1
    assert claim(page, "amr") == ["pwd"]

    post.locator("[data-action=delete]").click()
    post.locator("[data-action=delete-really]").click()
    expect(page.locator("#posts-answer")).to_have_text("“Not for long” is deleted.")
    deleted = [status for status in somebody.deletions() if status != 401]
    assert deleted == [204]
    assert len(somebody.deletions()) == 2
    assert claim(page, "amr") == ["swk"]  # a copy of it is elsewhere
    expect(page.locator("#devices li")).to_have_count(1)

    # From now on the password alone signs nobody in.
    sign_out(page)
    somebody.expected.add(403)
    page.locator("button[data-user=alice]").click()
    expect(page.locator("#second-factor")).to_be_visible()
    page.locator("#second-passkey").click()
    expect_user(page, "alice")
    assert claim(page, "amr") == ["pwd", "swk", "mfa"]
    expect(page.locator("#devices [data-current=true]")).to_contain_text("password and passkey")


@pytest.mark.full
def test_an_authenticator_app_is_asked_for_after_the_password(somebody: Visitor) -> None:
    somebody.expected |= {401, 403, 404}
    page = somebody.signed_in("bob")
    page.locator("#add-password").fill(PASSWORD)
    page.locator("#add-app").click()
    expect(page.locator("#app-secret")).not_to_be_empty()
    app = pyotp.TOTP(page.locator("#app-secret").inner_text())
    page.locator("#app-code").fill(app.now())
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#account-answer")).to_contain_text("The app is added")

    sign_out(page)
    page.locator("button[data-user=bob]").click()
    code = page.locator("#second-code")
    expect(code).to_be_visible()
    assert somebody.refresh_cookie() is None
    somebody.expected.add(400)
    code.fill("000000")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#sign-in-answer")).to_contain_text("Incorrect code")
    assert somebody.refresh_cookie() is None
    code.fill(app.at(time.time() + 30))  # each code counts once
    page.get_by_role("button", name="Go on").click()
    expect_user(page, "bob")
    assert claim(page, "amr") == ["pwd", "otp", "mfa"]


@pytest.mark.full
def test_an_authenticator_that_knows_nobody_signs_nobody_in(
    somebody: Visitor, with_accounts: Demo, visit: Callable[..., Visitor]
) -> None:
    """A passkey stands for two factors: the device, and what unlocks it."""
    page = somebody.open()
    authenticator = Authenticator(page)
    sign_up(somebody, with_accounts, page, "dora")
    page.locator("#first-passkey").click()
    expect_user(page, "dora")

    thief = visit(with_accounts)
    thief.expected |= {400, 401}
    there = thief.open()
    Authenticator(there, verifies=False).take_over(authenticator.credentials()[0])
    there.locator("#passkey-sign-in").click()
    expect(there.locator("#sign-in-answer")).to_have_text("No passkey was used.")
    assert thief.refresh_cookie() is None


@pytest.mark.full
def test_an_address_of_numbers_leads_to_the_name(
    with_accounts: Demo, visit: Callable[..., Visitor]
) -> None:
    page = visit(with_accounts, host="127.0.0.1").open()
    expect(page.locator("#passkey-sign-in")).to_be_hidden()
    page.locator("#passkeys-elsewhere a").click()
    expect(page.locator("#passkey-sign-in")).to_be_visible()


@pytest.mark.full
def test_nothing_is_wider_than_a_small_telephone(
    with_accounts: Demo, visit: Callable[..., Visitor]
) -> None:
    phone = visit(with_accounts, viewport={"width": 360, "height": 740})
    page = phone.open()
    page.locator("#create-account summary").click()
    wide = page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]")
    assert max(wide) <= 360


@pytest.fixture(scope="module")
def beside_a_provider(
    chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Demo, str]]:
    """Both as `make demo-provider` runs them, and the provider's address."""
    folder = tmp_path_factory.mktemp("provider")
    with ExitStack() as stack:
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        port, provider_port = (one.getsockname()[1] for one in free)
    database, log = folder / "db.sqlite3", folder / "server.log"
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        "PORT": str(port),
        "PROVIDER_PORT": str(provider_port),
        "DATABASE_URL": f"sqlite:///{database}",
        "DATA_DIR": str(folder),
        "CLIENT_SECRET": secrets.token_urlsafe(),
    }
    command = [sys.executable, str(DEMO / "serve_with_provider.py")]
    with (
        log.open("w") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            demo = Demo(Server(f"http://127.0.0.1:{port}", log), database)
            demand_answer(demo.server.address, process)
            yield demo, f"http://127.0.0.1:{provider_port}"
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0, log.read_text()


def demand_answer(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(address):
            return
        assert process.poll() is None
        time.sleep(0.1)
    raise AssertionError(address)


def continue_as(page: Page, name: str, provider: str) -> None:
    page.locator("#provider-sign-in button").click()
    page.wait_for_url(f"{provider}/**")
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(PROVIDER_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    consent = page.get_by_role("button", name="Allow").or_(page.locator("[name=allow]"))
    consent.click()


@pytest.mark.full
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_continue_with_a_provider(
    beside_a_provider: tuple[Demo, str], visit: Callable[..., Visitor], host: str
) -> None:
    demo, provider = beside_a_provider
    carol = visit(demo, host=host)
    carol.expected.add(404)  # the provider has no icon
    page = carol.open()
    continue_as(page, "carol", provider)
    expect_user(page, "carol")
    assert page.url == demo.at(host) + "/"
    assert claim(page, "amr") is None  # how the provider signed her in is unknown
    expect(page.locator("#devices [data-current=true]")).to_contain_text("another account")


@pytest.mark.full
def test_an_unverified_address_of_the_provider_is_nobodys(
    beside_a_provider: tuple[Demo, str], visit: Callable[..., Visitor]
) -> None:
    demo, provider = beside_a_provider
    mallory = visit(demo)
    mallory.expected |= {401, 403, 404}
    page = mallory.open()
    continue_as(page, "mallory", provider)
    expect(page.locator("#verify-address")).to_be_visible()  # alice alone gets the mail
    assert "already exists" in demo.server.text()
    page.locator("#mailed-code").fill("AAA-AAA")
    mallory.expected.add(400)
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#sign-in-answer")).to_contain_text("Incorrect code")
    expect_nobody(page)
    assert mallory.refresh_cookie() is None
