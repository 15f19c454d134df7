"""DRF's browsable API in a browser: signing in by the form, staying signed in, signing out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.served import Demo, demo_on_copy_of
from tests.chromium.visitor import Visitor, expect_user
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.full, pytest.mark.starts]

POSTS, CREATE = "/api/posts/", "/api/posts/create/"
SECONDS = 2
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def hasty(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose access tokens last two seconds, and whose grace period none."""
    options = {"ACCESS_TOKEN_LIFETIME": SECONDS, "ROTATION_GRACE": 0}
    folder = tmp_path_factory.mktemp("browsable")
    with demo_on_copy_of(template, folder, options=options) as demo:
        yield demo


@pytest.fixture
def visitor(hasty: Demo, visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit(hasty)
    visitor.expected.update({404, 405})  # a favicon; a page that only takes POST
    return visitor


def sign_in(visitor: Visitor, username: str = "alice") -> Page:
    """By the link of a page of the browsable API, and DRF's form."""
    page = visitor.context.new_page()
    page.goto(visitor.address + POSTS)
    page.get_by_role("link", name="Log in").click()
    page.locator("#id_username").fill(username)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("#submit-id-submit").click()
    page.wait_for_url(f"**{POSTS}")
    expect_signed_in(page, username)
    return page


def expect_signed_in(page: Page, username: str) -> None:
    expect(page.locator(".navbar .dropdown-toggle")).to_contain_text(username)


def let_the_access_token_expire(visitor: Visitor, page: Page) -> None:
    """Until the browser has thrown its cookie away."""
    for _ in range(100):
        if not any("access-token" in one["name"] for one in visitor.context.cookies()):
            return
        page.wait_for_timeout(100)
    raise AssertionError("The access token stays.")


def newest(demo: Demo) -> dict[str, Any]:
    return demo.sessions()[-1]


def test_a_wrong_password_is_said(visitor: Visitor) -> None:
    visitor.expected.add(401)
    page = visitor.context.new_page()
    page.goto(f"{visitor.address}/api-auth/login/?next={POSTS}")
    page.locator("#id_username").fill("alice")
    page.locator("#id_password").fill("ratchet-demo-2")
    page.locator("#submit-id-submit").click()
    expect(page.locator("form")).to_contain_text("No active account was found")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("#submit-id-submit").click()
    expect_signed_in(page, "alice")


def test_a_person_stays_signed_in_and_signs_out_for_real(hasty: Demo, visitor: Visitor) -> None:
    page = sign_in(visitor)
    assert "token" not in page.evaluate("document.cookie").replace("csrftoken", "")

    # A page that is loaded after the access token has run out.
    let_the_access_token_expire(visitor, page)
    page.goto(visitor.address + CREATE)
    expect_signed_in(page, "alice")
    assert newest(hasty)["generation"] == 2

    # A form that is sent after it has run out again.
    page.locator("a[name=html-tab]").click()
    page.locator("#post-object-form [name=title]").fill("Slowly written")
    page.locator("#post-object-form [name=body]").fill("In the browsable API.")
    let_the_access_token_expire(visitor, page)
    page.locator("#post-object-form button").click()
    expect(page.locator(".response-info")).to_contain_text("HTTP 201 Created")
    expect(page.locator(".response-info")).to_contain_text('"author": "alice"')
    assert newest(hasty)["generation"] == 3
    created = page.locator(".response-info").inner_text().split('"id": ')[1].split(",")[0]

    # What DRF's page sends by script.
    page.goto(f"{visitor.address}/api/posts/{created}/")
    let_the_access_token_expire(visitor, page)
    page.get_by_role("button", name="DELETE").click()
    page.locator("#deleteModal .btn-danger").click()
    expect(page.locator(".response-info")).to_contain_text("HTTP 204 No Content")

    refresh = visitor.refresh_cookie()
    page.goto(visitor.address + POSTS)
    page.locator(".navbar .dropdown-toggle").click()
    page.get_by_role("link", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    assert visitor.refresh_cookie() is None
    assert newest(hasty)["end_reason"] == "logout"
    # And whoever kept the cookie is not let in by it.
    visitor.context.add_cookies([refresh])
    page.goto(visitor.address + POSTS)
    expect(page.get_by_role("link", name="Log in")).to_be_visible()


def test_lost_response_of_a_page_does_not_sign_out(hasty: Demo, visitor: Visitor) -> None:
    """There is no grace period here: only the key can tell a retry from a theft."""
    page = sign_in(visitor)
    let_the_access_token_expire(visitor, page)
    before = newest(hasty)["generation"]
    context, asked = visitor.context, {"url": visitor.address + POSTS, "headers": PAGE}
    kept = context.cookies()
    assert "alice" in context.request.get(**asked).text()
    assert newest(hasty)["generation"] == before + 1
    # That answer is lost: the browser has what it had.
    context.clear_cookies()
    context.add_cookies(kept)

    page.goto(visitor.address + POSTS)

    expect_signed_in(page, "alice")
    assert newest(hasty)["generation"] == before + 1
    assert newest(hasty)["ended_at"] is None


def test_two_tabs_at_once(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit(demo)
    visitor.expected.update({404, 405})
    page = sign_in(visitor, "bob")
    # From an empty tab it would be a link from elsewhere, without the Strict cookie.
    other = visitor.context.new_page()
    other.goto(visitor.address + POSTS)
    visitor.context.clear_cookies(name="ratchet-access-token")
    before = newest(demo)["generation"]

    for one in (page, other):
        one.evaluate(f"void setTimeout(() => location.assign('{visitor.address}{POSTS}'))")
    for one in (page, other):
        one.wait_for_url(f"**{POSTS}")
        expect_signed_in(one, "bob")

    assert newest(demo)["generation"] == before + 1
    assert newest(demo)["ended_at"] is None


def test_one_session_for_the_page_and_the_browsable_api(
    demo: Demo, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(demo)
    visitor.expected.update({404, 405})
    home = visitor.signed_in("bob")
    page = visitor.context.new_page()
    page.goto(visitor.address + POSTS)
    expect_signed_in(page, "bob")
    home.reload()
    expect_user(home, "bob")


def test_a_link_from_another_site_changes_nothing(
    demo: Demo, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(demo)
    visitor.expected.update({401, 404, 405})
    sign_in(visitor)
    stranger = visitor.context.new_page()
    stranger.goto(demo.at("elsewhere.localhost") + "/.well-known/jwks.json")
    count = len(demo.sessions())
    stranger.set_content(
        f"<form method=post action='{visitor.address}{CREATE}'>"
        "<input name=title value=x><input name=body value=x><button>go</button></form>"
    )
    stranger.locator("button").click()
    stranger.wait_for_url(f"**{CREATE}")
    expect(stranger.locator("body")).to_contain_text("401")
    assert len(demo.sessions()) == count
