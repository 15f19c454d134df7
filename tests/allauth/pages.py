"""The project of docs/howto/allauth.md with one more page, and no other settings of allauth."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import reload
from types import ModuleType
from typing import Any

from allauth.headless import urls as urls_of_allauth
from django.conf import settings
from django.test import override_settings
from django.urls import clear_url_caches

from tests import console
from tests.allauth import urls
from tests.allauth.headless import Headless
from tests.docs.project import code_of, project_of

_OF_ALLAUTH = ("ACCOUNT_", "MFA_", "SOCIALACCOUNT_")


class Page:
    """A how-to that builds on docs/howto/allauth.md.

    Args:
        name: of the page, without the suffix.
    """

    def __init__(self, name: str) -> None:
        self.path = f"howto/{name}.md"
        self.text = (console.ROOT / "docs" / self.path).read_text()
        lines = [line for line in self.text.splitlines() if line.startswith("|")]
        self.rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]

    def row(self, first: str) -> list[str]:
        """Return the cells of the row that begins with this cell."""
        [found] = [row for row in self.rows if row[0] == first]
        return found

    def follow(self, client: Headless, method: str, path: str, body: Any = None) -> Any:
        """Send a request of a table; the response is the one that its row names."""
        said = client.send(method, path, body)
        _, members, response = self.row(f"`{method} {path}`")
        assert set(body or ()) == set(re.findall(r'"(\w+)"', members))
        assert response.startswith(str(client.answer.status_code)), client.answer.content
        assert pending(client) == re.findall(r"`(\w+)` is pending", response)
        assert ("access_token" in (said.get("meta") or {})) == ("our pair" in response)
        return said

    @contextmanager
    def project(self) -> Iterator[None]:
        """Have the page's modules and settings for a while."""
        here = ModuleType("shop.settings")
        code = code_of(self.path).get("shop.settings", "")
        exec(compile(code, self.path, "exec"), vars(here))
        with override_settings():
            for name in dir(settings):
                if name.startswith(_OF_ALLAUTH):
                    delattr(settings, name)
            for name, value in vars(here).items():
                if name.startswith(_OF_ALLAUTH):
                    setattr(settings, name, value)
            _rebuild()
            with project_of(self.path):
                yield
        _rebuild()

    def run_script(self, chromium: str, url: str, use: Callable[[Any], Any]) -> Any:
        """Open an empty page of a live server in Chromium, which can import the page's script.

        Args:
            chromium: its path.
            url: of the live server.
            use: takes Playwright's page.
        """
        [script] = [block for language, block in console.blocks(self.text) if language == "js"]
        [name] = re.findall(r"^// (\S+\.js)$", script, re.MULTILINE)
        served = {"/": ("<p>", "text/html"), f"/{name}": (script, "text/javascript")}

        def visit() -> Any:
            from playwright.sync_api import sync_playwright

            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium)
                page = browser.new_page()
                for path, (body, kind) in served.items():
                    page.route(url + path, _answer(body, kind))
                page.goto(f"{url}/")
                found = use(page)
                browser.close()
                return found

        # Playwright's event loop would make Django refuse this thread its database.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(visit).result()


def _answer(body: str, kind: str) -> Callable[[Any], None]:
    return lambda route: route.fulfill(body=body, content_type=kind)


def pending(client: Headless) -> list[str]:
    """Return the steps that the last response says are to come."""
    flows = (client.answer.json().get("data") or {}).get("flows", [])
    return [one["id"] for one in flows if one.get("is_pending")]


def _rebuild() -> None:
    """Have allauth decide anew which URLs there are: it asks its settings once."""
    for module in (urls_of_allauth, urls):
        reload(module)
    clear_url_caches()
