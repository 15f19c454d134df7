"""The site builds strictly, holds together, and asks no other host for anything."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests import console

pytestmark = [pytest.mark.any_database, pytest.mark.starts, pytest.mark.full]

#: What a browser fetches by itself, by the element and its attribute.
FETCHED = {
    *(("script", "src"), ("img", "src"), ("img", "srcset"), ("iframe", "src"), ("source", "src")),
    *(("embed", "src"), ("object", "data"), ("video", "src"), ("audio", "src"), ("use", "href")),
    ("link", "href"),
}


class Page(HTMLParser):
    """What a page links to, fetches, and offers as anchors."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif (tag, name) in FETCHED:
                self.fetched.append(value or "")
            elif name in ("href", "action"):
                self.links.append(value or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        build, cwd=console.ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in site.rglob("*.html")}


def test_each_page_is_there(site: Path, pages: dict[Path, Page]) -> None:
    sources = {
        file.relative_to(console.ROOT / "docs") for file in console.ROOT.glob("docs/**/*.md")
    }
    made = {str(file.relative_to(site)) for file in pages}
    assert {str(source.with_suffix(".html")) for source in sources} <= made
    assert {"project/changelog.html", "project/contributing.html"} <= made
    assert not list(site.rglob("*.py"))


def test_nothing_comes_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    fetched = {(file.name, url) for file, page in pages.items() for url in page.fetched}
    assert len(fetched) > 100
    assert [one for one in fetched if re.match(r"(\w+:)?//", one[1])] == []
    styles = "".join(file.read_text() for file in site.rglob("*.css"))
    assert re.findall(r"(?:@import\s*|url\()[\"']?(?:\w+:)?//[^)]*", styles) == []
    # Inline scripts name hosts too, if they load from one.
    inline = "".join(file.read_text() for file in pages)
    scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", inline, re.DOTALL)
    assert re.findall(r"https?://[^\"' ]+", "".join(scripts)) == []
    # Material's own script fetches this one, and only for diagrams.
    assert "class=mermaid" not in inline
    assert 'class="mermaid' not in inline


def test_each_link_and_anchor_leads_somewhere(pages: dict[Path, Page]) -> None:
    dead, followed = [], 0
    for file, page in pages.items():
        for link in (*page.links, *page.fetched):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            followed += 1
            found = target.exists()
            if found and anchor and target in pages:
                found = anchor in pages[target].ids
            if not found:
                dead.append((file.name, link))
    assert followed > 1000
    assert [one for one in dead if one[0] != "404.html"] == []


def test_the_strict_build_finds_what_is_dead(tmp_path: Path) -> None:
    """So that the build above means something."""
    for wrong in ("[x](nowhere.md)", "[x](quick-start.md#nowhere)"):
        folder = tmp_path / str(abs(hash(wrong)))
        (folder / "docs").mkdir(parents=True)
        config = re.sub(
            r"^nav:.*", "", (console.ROOT / "mkdocs.yml").read_text(), flags=re.S | re.M
        )
        config = config.replace("docs/hooks", str(console.ROOT / "docs" / "hooks"))
        (folder / "mkdocs.yml").write_text(config)
        (folder / "docs" / "index.md").write_text(f"# Title\n\n{wrong}\n")
        (folder / "docs" / "quick-start.md").write_text("# Quick\n")
        build = [sys.executable, "-m", "mkdocs", "build", "--strict"]
        done = subprocess.run(build, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "nowhere" in done.stderr
