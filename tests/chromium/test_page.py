"""What the demo's page shows."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chromium.served import Demo
from tests.chromium.visitor import Visitor, expect_nobody, expect_user

pytestmark = [pytest.mark.any_database, pytest.mark.starts]


def posts_by(page: Page, author: str) -> Locator:
    return page.locator(f"#posts [data-author={author}]")


def test_a_post_is_written_changed_and_deleted(alice: Visitor) -> None:
    page = alice.signed_in()
    page.locator("#post-title").fill("First of all")
    page.locator("#post-body").fill("<b>As it is written.</b>")
    page.locator("#write-post button").click()
    post = page.locator("#posts article").first
    expect(post.locator(".post-text")).to_have_text("<b>As it is written.</b>")

    post.locator("[data-action=edit]").click()
    post.locator("[name=title]").fill("First of all, twice")
    post.get_by_role("button", name="Save").click()
    expect(post.locator("h3")).to_have_text("First of all, twice")
    page.reload()
    expect(post.locator("h3")).to_have_text("First of all, twice")

    post.locator("[data-action=delete]").click()
    post.locator("[data-action=delete-really]").click()
    expect(page.locator("#posts-answer")).to_have_text("“First of all, twice” is deleted.")
    page.reload()
    expect(post.locator("h3")).not_to_have_text("First of all, twice")


def test_what_is_another_users_has_no_button_and_is_refused(alice: Visitor) -> None:
    alice.expected.add(403)
    page = alice.signed_in()
    expect(posts_by(page, "alice").first.locator("[data-action=edit]")).to_be_visible()
    bobs = posts_by(page, "bob").first
    expect(bobs.locator("[data-action=edit]")).to_have_count(0)

    bobs.locator("[data-action=try]").click()

    expect(bobs.locator(".answer")).to_contain_text("403: You do not have permission")


@pytest.mark.full
def test_staff_may_change_anybodys_post(alice: Visitor) -> None:
    page = alice.signed_in("admin")

    expect(page.locator("#role")).to_have_text("staff")
    for author in ("alice", "bob"):
        expect(posts_by(page, author).first.locator("[data-action=edit]")).to_be_visible()


@pytest.mark.full
def test_devices_that_are_ended_are_signed_out(
    serve: Callable[..., Demo], visit: Callable[..., Visitor]
) -> None:
    demo = serve()
    here, there = visit(demo), visit(demo)
    there.expected.add(401)
    other, page = there.signed_in(), here.signed_in()
    devices = page.locator("#devices li")
    expect(devices).to_have_count(2)
    expect(page.locator("#devices [data-current=true]")).to_contain_text("this one")

    page.locator("#devices [data-current=false] button").click()
    expect(page.locator("#devices-answer")).to_contain_text("is signed out.")
    expect(devices).to_have_count(1)
    other.locator("#devices-reload").click()
    expect_nobody(other)
    expect_user(page, "alice")

    there.sign_in(other)
    page.locator("#log-out-everywhere").click()
    expect_nobody(page)
    other.locator("#refresh-now").click()
    expect_nobody(other)
    assert all(row["ended_at"] for row in demo.sessions())


@pytest.mark.full
def test_the_token_says_what_is_in_it_and_runs_out(alice: Visitor) -> None:
    page = alice.signed_in()
    for name in ("sub", "sid", "jti", "iat", "exp", "auth_time", "role", "username"):
        expect(page.locator(f"#token-claims [data-claim={name}]")).to_be_visible()
    left = page.locator("#token-left-words")
    expect(left).to_have_text("5:00 of 5:00")
    expect(left).not_to_have_text("5:00 of 5:00")
    expect(left).to_contain_text("4:5")

    before = page.locator("#token-raw").inner_text()
    page.locator("#refresh-now").click()

    expect(page.locator("#token-raw")).not_to_have_text(before)
    assert alice.refreshes() == 1


@pytest.mark.full
def test_the_race_has_one_successor(alice: Visitor) -> None:
    page = alice.signed_in()

    page.locator("#race-start").click()

    expect(page.locator("#race-sum")).to_have_text("16 requests, 1 successor")
    expect(page.locator("#race-words")).to_contain_text("16 of 16 answered 200")
    assert len(alice.requests("/api/token/refresh/")) == 16
    expect(page.locator("#race-answers tr")).to_have_count(16)
    expect_user(page, "alice")


@pytest.mark.full
def test_token_theft_is_detected(alice: Visitor) -> None:
    alice.expected.add(401)
    page = alice.signed_in()

    page.locator("#theft-start").click()

    expect(page.locator("#theft-result")).to_contain_text("came to light", timeout=20_000)
    steps = page.locator("#theft-log li")
    expect(steps).to_have_count(6)
    expect(steps.nth(4)).to_contain_text("reused")
    expect(steps.nth(5)).to_contain_text("session_ended")
    # It was a throwaway's.
    page.locator("#refresh-now").click()
    expect(page.locator("#token-answer")).to_contain_text("A new access token")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.full
def test_nothing_is_wider_than_a_small_telephone(
    alice: Visitor, visit: Callable[..., Visitor], demo: Demo, scheme: str
) -> None:
    phone = visit(demo, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = phone.open()
    assert_no_sideways(page)
    phone.sign_in(page)
    page.locator("#race-start").click()
    expect(page.locator("#race-sum")).to_have_text("16 requests, 1 successor")
    page.locator("#race-details summary").click()
    assert_no_sideways(page)


def assert_no_sideways(page: Page) -> None:
    wide = page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]")
    assert max(wide) <= 360


@pytest.mark.full
def test_the_page_lets_no_foreign_script_in(alice: Visitor) -> None:
    """Its Content-Security-Policy. That its own files obey it, each test here looks at."""
    alice.may_log("violates the following Content Security Policy", "Content Security Policy")
    page = alice.signed_in()

    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.intruded = true";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<img src=x: onerror='intruded = true'>");
    }""")
    sent = page.evaluate("fetch('http://evil.localhost:9/').then(() => true, () => false)")

    assert sent is False
    assert page.evaluate("window.intruded") is None
