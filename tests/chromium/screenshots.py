"""Makes docs/images, the demo's page light and dark, wide and narrow: `make screenshots`."""

import itertools
import sys
import tempfile
from pathlib import Path

import django
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.races.databases import ROOT

IMAGES = ROOT / "docs" / "images"
SCHEMES = ("light", "dark")
# The README's picture is of what no other page has.
WHERE = {"wide": "#the-race", "narrow": ".hero"}
# A telephone's picture is twice as dense.
SIZES = {
    "wide": {"viewport": {"width": 1280, "height": 1000}, "device_scale_factor": 1},
    "narrow": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
}


def main() -> None:
    """Serve the demo and photograph it."""
    # The demo's servers take a setting from the tests'.
    django.setup()
    from tests.chromium.installed import MISSING, find_or_install
    from tests.chromium.served import WITH_ACCOUNTS, demo_on_copy_of, filled

    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chromium = find_or_install(folder)
        if chromium is None:
            sys.exit(MISSING)
        template = filled(folder, **WITH_ACCOUNTS)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium)
            with demo_on_copy_of(template, folder, **WITH_ACCOUNTS) as demo:
                for scheme, size in itertools.product(SCHEMES, SIZES):
                    picture = IMAGES / f"demo-{scheme}-{size}.png"
                    photograph(browser, demo.address, scheme, size, picture)
                    print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size // 1024} kB")
            browser.close()


def photograph(browser: Browser, address: str, scheme: str, size: str, picture: Path) -> None:
    """One picture, of somebody who is signed in and has tried the race and the theft."""
    context = browser.new_context(
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
        **SIZES[size],
    )
    page = context.new_page()
    page.goto(address)
    page.locator("button[data-user=alice]").click()
    expect(page.locator("#signed-in")).to_be_visible()
    page.locator("#race-start").click()
    expect(page.locator("#race-sum")).to_have_text("16 requests, 1 successor", timeout=20_000)
    page.locator("#theft-start").click()
    expect(page.locator("#theft-result")).to_contain_text("came to light", timeout=20_000)
    settle(page, WHERE[size])
    page.screenshot(path=picture, animations="disabled", caret="hide")
    context.close()


def settle(page: Page, where: str) -> None:
    """Scroll to what the picture begins with, and put nothing in focus."""
    page.evaluate("document.activeElement.blur()")
    page.locator(where).evaluate("(element) => element.scrollIntoView({ behavior: 'instant' })")
    page.wait_for_timeout(300)


if __name__ == "__main__":
    main()
