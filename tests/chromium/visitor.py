"""A person with a browser: a profile with cookies and storages of its own, and tabs."""

import re
from typing import Any

from playwright.sync_api import BrowserContext, Page, Request, Response, expect

FAILED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")


class Visitor:
    """Somebody at the demo, whose browser's complaints and requests are written down.

    Args:
        context: the profile.
        address: the demo's.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        #: Statuses of refusals that the test provokes; browsers log each.
        self.expected: set[int] = set()
        self._may_log: list[str] = []
        self._logged: list[str] = []
        self._requests: list[Request] = []
        self._responses: list[Response] = []
        # Lambdas, since Playwright marks what it is given, and a list's method takes no mark.
        context.on("request", lambda request: self._requests.append(request))  # noqa: PLW0108
        context.on("response", lambda response: self._responses.append(response))  # noqa: PLW0108
        context.on("weberror", lambda error: self._logged.append(f"uncaught: {error.error}"))
        context.on("console", lambda message: self._note(message.type, message.text))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning", "assert"):
            self._logged.append(f"{kind}: {text}")

    def may_log(self, *parts: str) -> None:
        """Expect complaints with one of these parts."""
        self._may_log.extend(parts)

    def open(self, path: str = "/") -> Page:
        """A new tab with the demo's page, once it knows whether anybody is signed in."""
        page = self.context.new_page()
        page.goto(self.address + path)
        expect(page.locator("#sign-in-wait")).to_be_hidden()
        return page

    def sign_in(self, page: Page, username: str = "alice") -> None:
        """As one of the demo's people, with one click."""
        page.locator(f"button[data-user={username}]").click()
        expect_user(page, username)

    def signed_in(self, username: str = "alice") -> Page:
        """A new tab, signed in."""
        page = self.open()
        self.sign_in(page, username)
        return page

    def requests(self, path: str, method: str = "POST") -> list[Request]:
        """Those it has sent there."""
        return [one for one in self._requests if one.method == method and _path(one.url) == path]

    def refreshes(self) -> int:
        """How many times it has asked for the next tokens."""
        return len(self.requests("/api/browser/refresh/"))

    def statuses(self, path: str) -> list[int]:
        """Those of the answers from there."""
        return [one.status for one in self._responses if _path(one.url) == path]

    def deletions(self) -> list[int]:
        """The statuses of all answers to a DELETE of a post."""
        return [
            one.status
            for one in self._responses
            if one.request.method == "DELETE" and _path(one.url).startswith("/api/posts/")
        ]

    def refresh_cookie(self) -> Any:
        """The one cookie that holds the refresh token; None where there is none."""
        found = [
            one for one in self.context.cookies() if one["name"].endswith("ratchet-refresh-token")
        ]
        assert len(found) < 2, found
        return found[0] if found else None

    def complaints(self) -> list[str]:
        """Errors and warnings that the browser has logged and the test has not asked for."""
        return [line for line in self._logged if not self._is_expected(line)]

    def _is_expected(self, line: str) -> bool:
        failed = FAILED.search(line)
        if failed is not None:
            return int(failed[1]) in self.expected
        return any(part in line for part in self._may_log)


def _path(url: str) -> str:
    return re.sub(r"^\w+://[^/]*|\?.*$", "", url)


def expect_user(page: Page, username: str) -> None:
    """Wait until the page says who is signed in."""
    expect(page.locator("#who")).to_have_text(username)
    expect(page.locator("#signed-in")).to_be_visible()


def expect_nobody(page: Page) -> None:
    """Wait until the page offers to sign in."""
    expect(page.locator("#signed-out")).to_be_visible()
    expect(page.locator("#signed-in")).to_be_hidden()
