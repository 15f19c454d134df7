"""Swagger UI in the demo: whoever signs in there can try the API."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.chromium.served import Demo
from tests.chromium.visitor import Visitor

pytestmark = [pytest.mark.any_database, pytest.mark.full, pytest.mark.starts]


def test_authorize_and_try(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit(demo)
    context = visitor.context
    signed_in = context.request.post(
        f"{visitor.address}/api/token/", data={"username": "alice", "password": "ratchet-demo-1"}
    )
    elsewhere: list[str] = []
    host = urlsplit(visitor.address).netloc
    context.on(
        "request",
        lambda request: (
            elsewhere.append(request.url)
            if urlsplit(request.url).scheme != "data" and urlsplit(request.url).netloc != host
            else None
        ),
    )
    page = context.new_page()
    page.goto(f"{visitor.address}/api/docs/")
    expect(page.get_by_role("heading", name="drf-ratchet: the demo")).to_be_visible()

    protected = page.locator("#operations-protected-protected_retrieve")
    protected.locator("button.opblock-summary-control").click()
    protected.get_by_role("button", name="Try it out").click()

    # Nobody yet.
    visitor.expected.add(401)
    protected.get_by_role("button", name="Execute").click()
    answer = protected.locator(".live-responses-table tbody tr.response").first
    expect(answer.locator(".response-col_status")).to_have_text(re.compile("^401"))

    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    bearer = dialog.locator(".auth-container", has_text="jwtAuth")
    bearer.locator("input").fill(signed_in.json()["access"])
    bearer.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close", exact=True).last.click()

    protected.get_by_role("button", name="Execute").click()
    expect(answer.locator(".response-col_status")).to_have_text(re.compile("^200"))
    expect(answer).to_contain_text("This is a protected view!")
    # Nothing came from somebody else's server.
    assert elsewhere == []


def test_the_page_leads_there(alice: Visitor) -> None:
    page = alice.open()

    page.locator("#endpoints").get_by_role("link", name="/api/docs/").click()

    expect(page.locator("#operations-token-token_create")).to_be_visible()
