"""Somebody at the admin finds a session and ends it; who was signed in by it is signed out."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.served import Demo
from tests.chromium.visitor import Visitor, expect_nobody, expect_user
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.full, pytest.mark.starts]

SESSIONS = "/admin/drf_ratchet/session/"
REFRESH = """async () => {
    const answer = await fetch("/api/browser/refresh/", { method: "POST" });
    return [answer.status, (await answer.json()).reason];
}"""


@pytest.fixture
def own(serve: Callable[..., Demo]) -> Demo:
    """A demo for one test: an ending of all of a user's would reach other tests."""
    return serve()


def at_admin(visitor: Visitor) -> Page:
    """The list of sessions, to somebody who has signed in at the admin's own form."""
    visitor.expected.add(404)  # Chromium looks for a favicon.
    page = visitor.context.new_page()
    page.goto(visitor.address + SESSIONS)
    page.locator("#id_username").fill("admin")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("input[type=submit]").click()
    expect(page.locator("#changelist")).to_be_visible()
    return page


def test_a_session_is_found_and_ended(own: Demo, visit: Callable[..., Visitor]) -> None:
    alice, bob, staff = visit(own), visit(own), visit(own)
    ending, other = alice.signed_in("alice"), bob.signed_in("bob")
    page = at_admin(staff)
    expect(page.locator("#result_list tbody tr")).to_have_count(2)

    page.locator("#searchbar").fill("alice")
    page.locator("#changelist-search input[type=submit]").click()
    row = page.locator("#result_list tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Chrome on Linux")
    row.locator("th a").click()
    expect(page.locator(".field-state")).to_contain_text("Active")
    page.get_by_role("button", name="End this session").click()

    expect(page.locator(".messagelist")).to_contain_text("1 session was ended.")
    expect(page.locator(".field-state")).to_contain_text("Ended by an administrator")
    expect(page.get_by_role("button", name="End this session")).to_have_count(0)
    alice.expected.add(401)
    assert ending.evaluate(REFRESH) == [401, "session_ended"]
    ending.reload()
    expect_nobody(ending)
    other.reload()
    expect_user(other, "bob")


def test_a_user_is_logged_out_everywhere(own: Demo, visit: Callable[..., Visitor]) -> None:
    devices = [visit(own) for _ in range(2)]
    pages = [device.signed_in("alice") for device in devices]
    page = at_admin(visit(own))

    page.goto(f"{own.address}/admin/auth/user/?q=alice")
    page.locator("#result_list tbody th a").click()
    page.locator(".object-tools").get_by_role("link", name="Sign-in sessions").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    page.locator("#result_list tbody tr").first.locator("input").check()
    page.locator("select[name=action]").select_option("end_all_of_users")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#content")).to_contain_text("alice: 2 active sessions")
    assert [row["ended_at"] for row in own.sessions()] == [None, None]
    page.get_by_role("button", name="Yes, I’m sure").click()

    expect(page.locator(".messagelist")).to_contain_text("2 sessions were ended.")
    for device, other in zip(devices, pages, strict=True):
        device.expected.add(401)
        assert other.evaluate(REFRESH) == [401, "session_ended"]
    assert {row["end_reason"] for row in own.sessions()} == {"admin"}


def test_the_keys_are_a_click_away(own: Demo, visit: Callable[..., Visitor]) -> None:
    page = at_admin(visit(own))
    page.get_by_role("link", name="Keys").click()
    expect(page.locator("#content")).to_contain_text("HS256")
    expect(page.locator("#content")).to_contain_text("Signing")
