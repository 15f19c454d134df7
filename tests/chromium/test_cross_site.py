"""What pages elsewhere make a victim's browser send.

A site is a scheme and a registrable domain: the port does not count, and subdomains are the same
site. So SameSite=Strict keeps the cookie from evil.localhost, and does nothing against a sibling of
the victim's host; there the server's look at the request's origin is all there is.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.elsewhere import second_site
from tests.chromium.served import Demo, demo_on_copy_of
from tests.chromium.visitor import Visitor, expect_nobody, expect_user
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.full, pytest.mark.starts]

APP = "app.example.localhost"
TRUSTED = "spa.example.localhost"
SIBLING = "evil.example.localhost"
OTHER = "evil.localhost"

BOB = json.dumps({"username": "bob", "password": PASSWORD})
ENDPOINTS = ("login", "refresh", "logout")


@dataclass(frozen=True)
class Scene:
    """The demo, the second site, and the victim between them.

    Args:
        demo: which trusts a page on the second site.
        port: the second site's.
        victim: whose browser it is.
    """

    demo: Demo
    port: int
    victim: Visitor

    def lure(self, host: str) -> Page:
        """A tab of the victim's browser, on a page of the second site."""
        page = self.victim.context.new_page()
        page.goto(f"http://{host}:{self.port}/")
        return page

    def target(self, endpoint: str) -> str:
        """The address that the attack is aimed at."""
        return f"{self.victim.address}/api/browser/{endpoint}/"

    def state(self) -> tuple[Any, ...]:
        """What an attack must leave as it is."""
        return self.demo.sessions(), self.victim.refresh_cookie()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with second_site() as port:
        yield port


@pytest.fixture(scope="module")
def demo(template: Path, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with a trusted page elsewhere, so that the others are not refused for lack of CORS."""
    folder = tmp_path_factory.mktemp("demo")
    origin = f"http://{TRUSTED}:{port}"
    with demo_on_copy_of(template, folder, TRUSTED_ORIGINS=origin) as demo:
        yield demo


@pytest.fixture
def scene(demo: Demo, port: int, visit: Callable[..., Visitor]) -> Scene:
    victim = visit(demo, host=APP)
    victim.expected.add(403)
    return Scene(demo, port, victim)


def assert_unharmed(scene: Scene, before: tuple[Any, ...], page: Page) -> None:
    """Nothing has changed, and the victim goes on as alice."""
    assert scene.state() == before
    page.locator("#refresh-now").click()
    expect(page.locator("#token-answer")).to_contain_text("A new access token")
    expect_user(page, "alice")


FORM = """({ target, enctype, fields }) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "POST", action: target, enctype });
    for (const [name, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement("input"), { name, value }));
    }
    document.body.append(form);
    form.submit();
}"""

FORMS = {
    "empty": ("application/x-www-form-urlencoded", {}),
    "urlencoded": (
        "application/x-www-form-urlencoded",
        {"username": "bob", "password": PASSWORD},
    ),
    "multipart": ("multipart/form-data", {"username": "bob", "password": PASSWORD}),
    # What is sent is name=value, which is JSON here.
    "json": ("text/plain", {BOB.replace("}", ', "x": "'): '"}'}),
}


@pytest.mark.parametrize("host", [OTHER, SIBLING])
def test_a_form_elsewhere(scene: Scene, host: str) -> None:
    page = scene.victim.signed_in()
    before = scene.state()
    lure = scene.lure(host)

    for endpoint, kind in product(ENDPOINTS, FORMS):
        with refusal(scene, host, endpoint):
            submit(scene, lure, endpoint, kind)

    assert_unharmed(scene, before, page)


def submit(scene: Scene, lure: Page, endpoint: str, kind: str) -> None:
    """Have a form on that page sent there, as if the victim had pressed its button."""
    # Chromium also looks for a favicon beside the answer, which it shows.
    scene.victim.expected.add(404)
    target = scene.target(endpoint)
    enctype, fields = FORMS[kind]
    with lure.expect_navigation(url=target):
        lure.evaluate(FORM, {"target": target, "enctype": enctype, "fields": fields})
    lure.go_back()


@contextmanager
def refusal(scene: Scene, host: str, endpoint: str, *, origin: str = "") -> Iterator[None]:
    """The server refuses one request from there, because of where it comes from."""
    path = f"/api/browser/{endpoint}/"
    before = len(scene.demo.seen(path))
    # SameSite keeps the cookie from other sites and sandboxes, and gives it to a sibling.
    with_cookie = host == SIBLING and not origin and scene.victim.refresh_cookie() is not None
    yield
    deadline = time.monotonic() + 10
    while not (seen := scene.demo.seen(path)[before:]) and time.monotonic() < deadline:
        time.sleep(0.02)
    (one,) = seen
    assert (one["status"], one["code"]) == (403, "cross_site")
    assert one["origin"] == (origin or f"http://{host}:{scene.port}")
    # Else it is not the attack that it is meant to be.
    assert ("ratchet-refresh-token" in one["cookies"]) is with_cookie


FETCH = """async ({ target, init }) => {
    try {
        const answer = await fetch(target, { method: "POST", credentials: "include", ...init });
        return answer.type;
    } catch (error) {
        return error.name;
    }
}"""

# Requests of scripts that a browser sends without asking the server first.
FETCHES = (
    {},
    {"headers": {"Content-Type": "text/plain"}, "body": BOB},
    {"mode": "no-cors"},
    {"mode": "no-cors", "body": BOB},
)
# What the browser says of answers that it keeps to itself.
NOT_FOR_THE_SCRIPT = ("blocked by CORS policy", "net::ERR_FAILED")


@pytest.mark.parametrize("host", [OTHER, SIBLING])
def test_a_script_elsewhere(scene: Scene, host: str) -> None:
    scene.victim.may_log(*NOT_FOR_THE_SCRIPT)
    page = scene.victim.signed_in()
    before = scene.state()
    lure = scene.lure(host)

    for endpoint, init in product(ENDPOINTS, FETCHES):
        target = scene.target(endpoint)
        with refusal(scene, host, endpoint):
            seen = lure.evaluate(FETCH, {"target": target, "init": init})
        # What the script gets to see of the answer: nothing, in either way.
        assert seen == ("opaque" if init.get("mode") == "no-cors" else "TypeError")

    assert_unharmed(scene, before, page)


@pytest.mark.parametrize("host", [OTHER, SIBLING])
def test_a_script_elsewhere_that_sends_json_gets_no_further_than_the_preflight(
    scene: Scene, host: str
) -> None:
    scene.victim.may_log(*NOT_FOR_THE_SCRIPT)
    page = scene.victim.signed_in()
    before = scene.state()
    init = {"headers": {"Content-Type": "application/json"}, "body": BOB}
    seen = len(scene.victim.statuses("/api/browser/login/"))

    lure = scene.lure(host)
    for endpoint in ENDPOINTS:
        assert lure.evaluate(FETCH, {"target": scene.target(endpoint), "init": init}) == "TypeError"

    assert 200 not in scene.victim.statuses("/api/browser/login/")[seen:]
    assert_unharmed(scene, before, page)


@pytest.mark.parametrize("host", [OTHER, SIBLING])
def test_a_script_elsewhere_cannot_read_who_is_signed_in(scene: Scene, host: str) -> None:
    scene.victim.may_log(*NOT_FOR_THE_SCRIPT)
    scene.victim.signed_in()

    lure = scene.lure(host)
    read = {"target": scene.target("session"), "init": {"method": "GET"}}

    assert lure.evaluate(FETCH, read) == "TypeError"


FRAME = """({ target, attack }) => {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts allow-forms";
    const given = JSON.stringify({ target, enctype: "text/plain", fields: {}, init: {} });
    frame.srcdoc = `<body><script>(${attack})(${given})<\\/script>`;
    document.body.append(frame);
}"""


# Also where somebody else's markup is shown in a sandbox on a page that is trusted.
@pytest.mark.parametrize("host", [OTHER, SIBLING, TRUSTED])
def test_a_sandboxed_frame(scene: Scene, host: str) -> None:
    scene.victim.may_log(*NOT_FOR_THE_SCRIPT, "X-Frame-Options")
    page = scene.victim.signed_in()
    before = scene.state()
    lure = scene.lure(host)

    for endpoint, attack in product(ENDPOINTS, (FORM, FETCH)):
        with refusal(scene, host, endpoint, origin="null"):
            lure.evaluate(FRAME, {"target": scene.target(endpoint), "attack": attack})

    assert_unharmed(scene, before, page)


@pytest.mark.parametrize("host", [OTHER, SIBLING])
def test_cross_site_sign_in_is_refused(scene: Scene, host: str) -> None:
    page = scene.victim.open()
    before = scene.state()
    with refusal(scene, host, "login"):
        submit(scene, scene.lure(host), "login", "json")
    assert scene.state() == before
    assert scene.victim.refresh_cookie() is None
    page.reload()
    expect_nobody(page)


def test_the_cookie_of_another_site_is_of_no_use(scene: Scene) -> None:
    """A sibling may set cookies for the domain that both are in, and so for the victim's host."""
    lure = scene.lure(SIBLING)
    lure.evaluate(
        "document.cookie = '__Host-ratchet-refresh-token=x; Domain=example.localhost; Path=/'"
    )
    # This is what the prefix is for; the demo's plain cookie, over HTTP, cannot have it.
    names = [cookie["name"] for cookie in scene.victim.context.cookies()]
    assert "__Host-ratchet-refresh-token" not in names


def test_a_trusted_page_on_a_subdomain_works(scene: Scene) -> None:
    page = scene.lure(TRUSTED)
    page.evaluate(START, f"{scene.victim.address}/api/")

    assert page.evaluate("() => client.restore()") is None
    page.evaluate("(password) => client.login({ username: 'alice', password })", PASSWORD)
    assert scene.victim.refresh_cookie()["domain"] == APP
    assert page.evaluate("() => statusOfProtected()") == 200
    assert scene.demo.sessions()[-1]["generation"] == 1

    page.evaluate("() => client.refresh()")
    assert scene.demo.sessions()[-1]["generation"] == 2
    assert page.evaluate("() => client.session.claims.username") == "alice"

    # After a reload only the cookie is left.
    page.reload()
    page.evaluate(START, f"{scene.victim.address}/api/")
    assert page.evaluate("() => statusOfProtected()") == 200
    assert scene.demo.sessions()[-1]["generation"] == 3

    page.evaluate("() => client.logout()")
    assert scene.demo.sessions()[-1]["end_reason"] == "logout"
    assert scene.victim.refresh_cookie() is None


def test_a_trusted_page_learns_that_its_session_has_ended(scene: Scene) -> None:
    scene.victim.expected.add(401)
    page = scene.lure(TRUSTED)
    page.evaluate(START, f"{scene.victim.address}/api/")
    page.evaluate("(password) => client.login({ username: 'alice', password })", PASSWORD)

    # From the demo's own page, which is in the same browser and at another origin.
    own = scene.victim.open()
    expect_user(own, "alice")
    own.locator("#sign-out").click()
    expect_nobody(own)

    assert page.evaluate("() => statusOfProtected()") == 401
    assert page.evaluate("() => client.session") is None


START = """async (baseUrl) => {
    const { createClient } = await import("/client/ratchet.js");
    window.client = createClient({ baseUrl });
    window.statusOfProtected = async () => (await client.fetch(`${baseUrl}protected/`)).status;
}"""


def test_the_attacks_would_work_from_the_page_itself(scene: Scene) -> None:
    """The same script at home: what the other tests refuse is not refused for being malformed."""
    page = scene.victim.signed_in()
    answers = []
    for endpoint in ("refresh", "logout"):
        with page.expect_response(scene.target(endpoint)) as answer:
            kind = page.evaluate(FETCH, {"target": scene.target(endpoint), "init": {}})
        answers.append((kind, answer.value.status))

    assert answers == [("basic", 200)] * 2
