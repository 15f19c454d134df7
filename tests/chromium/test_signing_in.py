"""Signing in and out on the demo's page, in one tab and in two."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.served import Demo, demo_on_copy_of
from tests.chromium.visitor import Visitor, expect_nobody, expect_user
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.starts]


def test_a_reload_keeps_the_user_signed_in(alice: Visitor) -> None:
    page = alice.signed_in()
    for _ in range(2):
        page.reload()
        expect_user(page, "alice")


def test_signing_out_lasts(alice: Visitor) -> None:
    page = alice.signed_in()

    page.locator("#sign-out").click()

    expect_nobody(page)
    assert alice.refresh_cookie() is None
    page.reload()
    expect_nobody(page)


def test_a_wrong_password_is_said_kindly(alice: Visitor) -> None:
    alice.expected.add(401)
    page = alice.open()

    page.locator("#username").fill("alice")
    page.locator("#password").fill("ratchet-demo-2")
    page.locator("#sign-in button").click()

    answer = page.locator("#sign-in-answer")
    expect(answer).to_contain_text("That name and that password do not go together.")
    expect_nobody(page)
    # What was wrong is marked, to be typed over.
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect_user(page, "alice")


def test_the_keyboard_is_enough(alice: Visitor) -> None:
    page = alice.open()

    tab_to(page, "username")
    page.keyboard.type("bob")
    tab_to(page, "password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect_user(page, "bob")
    expect(page.locator("#sign-out")).to_be_focused()
    page.keyboard.press("Enter")
    expect_nobody(page)


def tab_to(page: Page, name: str) -> None:
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == name:
            return
    raise AssertionError(f"Tab does not lead to #{name}")


def test_other_tabs_follow(alice: Visitor) -> None:
    one, other = alice.open(), alice.open()

    alice.sign_in(one)
    expect_user(other, "alice")

    other.locator("#sign-out").click()
    expect_nobody(one)

    alice.sign_in(one, "bob")
    expect_user(other, "bob")
    # And none of it took a refresh.
    assert alice.refreshes() == 0


def test_another_user_in_one_tab_is_another_user_in_all(alice: Visitor) -> None:
    one, other = alice.signed_in(), alice.open()
    expect_user(other, "alice")

    sign_in_as_bob = """async (password) => {
        const { createClient } = await import("/static/drf-ratchet/ratchet.js");
        await createClient({ baseUrl: "/api/" }).login({ username: "bob", password });
    }"""
    one.evaluate(sign_in_as_bob, PASSWORD)

    expect_user(one, "bob")
    expect_user(other, "bob")


@pytest.fixture(scope="module")
def hasty(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose access tokens do not last."""
    folder = tmp_path_factory.mktemp("hasty")
    with demo_on_copy_of(template, folder, options={"ACCESS_TOKEN_LIFETIME": 5}) as demo:
        yield demo


@pytest.mark.full
def test_an_expired_access_token_is_refreshed_unseen(
    hasty: Demo, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(hasty)
    page = visitor.signed_in()
    page.locator("#post-title").fill("Written late")
    page.locator("#post-body").fill("The token had run out by then.")
    expect(page.locator("#token-left-words")).to_have_text(
        "run out; the next request gets a new one"
    )
    assert visitor.refreshes() == 0

    page.locator("#write-post button").click()

    expect(page.locator("#posts-answer")).to_have_text("Published.")
    assert visitor.refreshes() == 1
    assert visitor.statuses("/api/posts/create/") == [201]
    assert 401 not in visitor.statuses("/api/browser/refresh/")


@pytest.mark.full
def test_two_tabs_that_race_refresh_once(hasty: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit(hasty)
    tabs = [visitor.signed_in(), visitor.open()]
    for page in tabs:
        expect_user(page, "alice")
    before = visitor.refreshes()

    # Started in both before either is waited for.
    for page in tabs:
        page.evaluate(FETCH_WHEN_RUN_OUT)
    statuses = [page.evaluate("window.fetched") for page in tabs]

    assert statuses == [[200] * 3] * 2
    assert visitor.refreshes() == before + 1
    for page in tabs:
        expect_user(page, "alice")


FETCH_WHEN_RUN_OUT = """() => {
    window.fetched = (async () => {
        const { createClient } = await import("/static/drf-ratchet/ratchet.js");
        const client = createClient({ baseUrl: "/api/" });
        const session = await client.restore();
        const wait = session.accessExpiresAt - Date.now() + 50;
        await new Promise((resolve) => setTimeout(resolve, wait));
        const answers = await Promise.all([1, 2, 3].map(() => client.fetch("/api/protected/")));
        return answers.map((answer) => answer.status);
    })();
}"""
