"""The documentation's site in a browser: every page, and the search, with no other host at hand."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import console

pytestmark = [pytest.mark.any_database, pytest.mark.full, pytest.mark.starts]


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def folder(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict"]
    subprocess.run([*build, "--site-dir", str(folder)], cwd=console.ROOT, check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    handler = partial(Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 375, "height": 800}, color_scheme="dark")
    yield context.new_page()
    context.close()


def test_every_page(folder: Path, address: str, phone: Page) -> None:
    asked: set[str] = set()
    wrong: list[str] = []
    phone.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    phone.on("pageerror", lambda error: wrong.append(str(error)))
    phone.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    pages = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        phone.goto(f"{address}/{page}")
        wider = phone.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{page} is wider than a phone by {wider} pixels"
    assert asked == {urlsplit(address).netloc}
    assert wrong == []


def test_the_search(address: str, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/index.html")
    page.locator(".md-search__input").click()
    page.keyboard.type("ROTATION_GRACE")
    found = page.locator(".md-search-result__item").first
    expect(found).to_be_visible()
    context.close()
