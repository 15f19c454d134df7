"""Where the tokens are in a browser, and where they are not."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.chromium.served import Demo
from tests.chromium.visitor import Visitor, expect_user

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

# Everything that a script of the page, an intruder's say, finds without being handed it.
IN_REACH = """async () => {
    const found = { cookie: document.cookie };
    for (const [name, storage] of Object.entries({ localStorage, sessionStorage })) {
        found[name] = Object.entries(storage).map((item) => item.join(" "));
    }
    found.databases = (await indexedDB.databases()).map(({ name }) => name);
    found.caches = await caches.keys();
    found.name = window.name;
    found.history = JSON.stringify(history.state);
    const plain = document.body.appendChild(document.createElement("iframe"));
    const usual = new Set(Object.getOwnPropertyNames(plain.contentWindow));
    plain.remove();
    found.globals = {};
    for (const name of Object.getOwnPropertyNames(window)) {
        if (usual.has(name) || /^\\d+$/.test(name)) continue;
        const seen = new Set();
        const text = (_, value) => {
            if (typeof value !== "object" || value === null) return String(value);
            if (seen.has(value) || value instanceof Node || value instanceof Window) return "";
            seen.add(value);
            return value;
        };
        found.globals[name] = JSON.stringify(window[name], text) ?? "";
    }
    return found;
}"""


def test_no_token_is_where_a_script_can_find_it(alice: Visitor) -> None:
    one, other = alice.signed_in(), alice.open()
    expect_user(other, "alice")
    access = one.locator("#token-raw").inner_text()
    assert access.count(".") == 2
    refresh = alice.refresh_cookie()["value"]
    one.locator("#refresh-now").click()
    one.locator("#token-answer", has_text="A new access token").wait_for()

    tokens = [access, refresh, one.locator("#token-raw").inner_text()]
    tokens.append(alice.refresh_cookie()["value"])
    for page in (one, other):
        found = page.evaluate(IN_REACH)
        assert "eyJ" not in str(found)
        for token in tokens:
            assert token not in str(found)
            # Its signature alone would be enough of it to be one.
            assert token.rpartition(".")[2] not in str(found)
        assert found["databases"] == found["caches"] == found["sessionStorage"] == []
        assert found["globals"] == {}
        # A time or two, and a random key while a refresh is under way.
        assert [item.split()[2] for item in found["localStorage"]] == ["marker"]


PLACES = (
    "document.cookie = `token=${token}`",
    "localStorage.token = token",
    "sessionStorage.token = token",
    "indexedDB.open(token)",
    "await caches.open(token)",
    "window.kept = { deep: [token] }",
    "window.name = token",
    "history.replaceState({ token }, '')",
)


@pytest.mark.full
def test_a_token_in_one_of_these_places_would_be_found(alice: Visitor) -> None:
    alice.expected.add(404)  # Chromium looks for a favicon.
    page = alice.context.new_page()
    page.goto(f"{alice.address}/.well-known/jwks.json")
    for index, place in enumerate(PLACES):
        page.evaluate(f"async (token) => {{ {place}; }}", f"eyJ{index}.x.y")
    page.wait_for_function("indexedDB.databases().then((found) => found.length > 0)")

    found = str(page.evaluate(IN_REACH))

    assert [place for index, place in enumerate(PLACES) if f"eyJ{index}." not in found] == []


def test_the_cookie_is_kept_from_scripts_and_other_sites(alice: Visitor) -> None:
    page = alice.signed_in()

    assert_guarded(alice, page, name="ratchet-refresh-token", secure=False)


@pytest.mark.full
def test_a_secure_cookie_carries_its_prefix(
    serve: Callable[..., Demo], visit: Callable[..., Visitor]
) -> None:
    # Chromium takes Secure cookies, and the prefix __Host-, from http://localhost: it counts as a
    # trustworthy origin. Safari does not, so the demo goes without unless told.
    visitor = visit(serve(COOKIE_SECURE="1"))
    page = visitor.signed_in()

    assert_guarded(visitor, page, name="__Host-ratchet-refresh-token", secure=True)
    page.reload()
    expect_user(page, "alice")
    page.locator("#sign-out").click()
    page.locator("#signed-out").wait_for()
    assert visitor.refresh_cookie() is None


def assert_guarded(visitor: Visitor, page: Page, **wanted: Any) -> None:
    cookie = visitor.refresh_cookie()
    wanted |= {"httpOnly": True, "sameSite": "Strict", "domain": "localhost", "path": "/"}
    assert {name: cookie[name] for name in wanted} == wanted
    assert "ratchet-refresh-token" not in page.evaluate("document.cookie")
