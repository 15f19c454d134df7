"""One Chromium for all of these tests in a process, and demos for it to visit."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.chromium.installed import MISSING, find_or_install
from tests.chromium.served import Demo, demo_on_copy_of, filled
from tests.chromium.visitor import Visitor

# Milliseconds. A machine that other tests share has slow moments.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of Chromium. Without one the test is skipped, or fails where all have to run."""
    base = tmp_path_factory.getbasetemp()
    # Under pytest-xdist each process has a folder below the run's.
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    path = find_or_install(shared)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return path


# Not longer than this package: Playwright's event loop counts as running all the while, and Django
# would refuse other tests its database.
@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Playwright starts it without its sandbox, which root and many containers do not have.
        # What it visits here is ours.
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def template(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to start from: made once, since the hashes of its users take a while."""
    return filled(tmp_path_factory.mktemp("chromium"))


@pytest.fixture(scope="package")
def demo(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo as everybody runs it."""
    with demo_on_copy_of(template, tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest.fixture
def serve(template: Path, tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """A demo for one test: options of DRF_RATCHET in ``options``, and environment variables."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(demo_on_copy_of(template, tmp_path, **given))


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Make a visitor of a demo. At the end of the test no browser may have complained."""
    visitors: list[Visitor] = []

    def visit(demo: Demo, *, host: str = "localhost", **profile: Any) -> Visitor:
        context = browser.new_context(**profile)
        context.set_default_timeout(PATIENCE)
        visitors.append(Visitor(context, demo.at(host)))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.context.close()
    assert [line for visitor in visitors for line in visitor.complaints()] == []


@pytest.fixture
def alice(demo: Demo, visit: Callable[..., Visitor]) -> Visitor:
    """A visitor of the demo as everybody runs it, not signed in yet."""
    return visit(demo)
