"""The packed client in new projects: signed in, reloaded, refreshed and signed out in Chromium.

The projects are ``clients/js/examples``: two of Vite's, and a page without a bundler.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.served import Demo
from tests.chromium.visitor import Visitor
from tests.fixtures import PASSWORD
from tests.npm import CLIENT, downloads, installed, packed, skip_without_network
from tests.openapi.client import Failed, node_programs, run
from tests.races.databases import ROOT
from tests.races.server import free_port

pytestmark = downloads

EXAMPLES = CLIENT / "examples"
RECIPES = ROOT / "docs" / "howto" / "javascript-libraries.md"
REFRESH = "/api/browser/refresh/"
ANSWER = "This is a protected view!"
WIND = "() => { const now = Date.now; Date.now = () => now() + 300_000; }"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_without_network()
    return packed(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def react(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with React and axios, installed and built."""
    return _built(installed(EXAMPLES / "react", tmp_path_factory.mktemp("react"), package))


@pytest.fixture(scope="module")
def vue(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with Vue and the composable of the page of recipes, installed and built."""
    folder = installed(EXAMPLES / "vue", tmp_path_factory.mktemp("vue"), package)
    recipe = re.search(
        r"^```js\n// vue\.js\n(.*?)^```", RECIPES.read_text(), re.MULTILINE | re.DOTALL
    )
    assert recipe
    (folder / "vue.js").write_text(recipe[1])
    return _built(folder)


def _built(project: Path) -> Path:
    said = run("npm", "run", "build", cwd=project)
    assert "built in" in said
    assert "warn" not in said.lower()
    return project


@contextmanager
def served(*command: str | Path, folder: Path, port: int, **environment: str) -> Iterator[str]:
    """Run a server for a page.

    Yields:
        The page's address.
    """
    path = os.pathsep.join([str(node_programs()), os.environ.get("PATH", "")])
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env={**os.environ, "PATH": path, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_served(process, port, folder / "server.log")
            yield f"http://localhost:{port}/"
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_served(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/")
            assert connection.getresponse().status == 200
            return
        except ConnectionRefusedError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        finally:
            connection.close()


@contextmanager
def vite(project: Path, demo: Demo, *mode: str) -> Iterator[str]:
    """Serve a project of Vite's: as for development, or with mode "preview" what was built.

    Yields:
        The page's address.
    """
    port = free_port()
    command = project / "node_modules" / ".bin" / "vite"
    options = (f"--port={port}", "--strictPort", "--host=127.0.0.1")
    address = demo.server.address
    with served(command, *mode, *options, folder=project, port=port, API=address) as page:
        yield page


def sign_in(page: Page) -> None:
    page.locator("input[name=username]").fill("alice")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Signed in as alice")).to_be_visible()


def ask(page: Page) -> None:
    with _answered(page, "/api/protected/"):
        page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("output")).to_have_text(ANSWER)


@contextmanager
def _answered(page: Page, path: str) -> Iterator[None]:
    """Wait for an answer from that path, which is 200."""
    with page.expect_response(lambda answer: urlsplit(answer.url).path == path) as found:
        yield
    assert found.value.status == 200


def go_through(visitor: Visitor, address: str, demo: Demo) -> None:
    """Sign in, reload, refresh, sign out."""
    page = visitor.context.new_page()
    page.goto(address)
    sign_in(page)
    ask(page)
    assert demo.seen(REFRESH) == []

    page.reload()
    expect(page.get_by_text("Signed in as alice")).to_be_visible()
    assert len(demo.seen(REFRESH)) == 1
    ask(page)

    page.evaluate(WIND)  # the token has expired
    ask(page)
    assert len(demo.seen(REFRESH)) == 2
    with _answered(page, REFRESH):
        page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_text("Signed in as alice")).to_be_visible()

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    (session,) = demo.sessions()
    assert session["ended_at"]
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("mode", [(), ("preview",)], ids=["developed", "built"])
@pytest.mark.parametrize("name", ["react", "vue"])
def test_a_project_of_vites(
    name: str,
    mode: tuple[str, ...],
    request: pytest.FixtureRequest,
    serve: Callable[..., Demo],
    visit: Callable[..., Visitor],
    show: Callable[[str], None],
) -> None:
    project: Path = request.getfixturevalue(name)
    demo = serve()
    with vite(project, demo, *mode) as address:
        go_through(visit(demo), address, demo)

    scripts = [file.read_bytes() for file in (project / "dist").rglob("*.js")]
    show(f"{name}: {sum(len(gzip.compress(script)) for script in scripts)} bytes of JavaScript")


def test_a_bundle_has_no_entry_that_its_page_does_not_import(vue: Path) -> None:
    (script,) = (vue / "dist").rglob("*.js")

    assert "browser/refresh/" in script.read_text()
    for foreign in ("token/refresh/", "<SessionProvider", "getUri"):
        assert foreign not in script.read_text()


def test_a_page_without_a_bundler_on_another_origin(
    package: Path, serve: Callable[..., Demo], visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    port = free_port()
    demo = serve(TRUSTED_ORIGINS=f"http://localhost:{port}")
    folder = tmp_path / "page"
    shutil.copytree(EXAMPLES / "plain", folder)
    shutil.unpack_archive(package, tmp_path / "unpacked")
    shutil.copytree(tmp_path / "unpacked" / "package" / "src", folder / "drf-ratchet")
    page = folder / "index.html"
    page.write_text(page.read_text().replace("http://localhost:8000", demo.address))

    command = (sys.executable, "-m", "http.server", str(port), "--bind=127.0.0.1")
    with served(*command, folder=folder, port=port) as address:
        go_through(visit(demo), address, demo)


def test_a_worker_with_axios_and_a_page_with_react(
    react: Path, serve: Callable[..., Demo], visit: Callable[..., Visitor]
) -> None:
    """A worker gets the page's token by itself, and React sees it sign out."""
    demo = serve()
    with vite(react, demo, "preview") as address:
        page = visit(demo).context.new_page()
        page.goto(address)
        sign_in(page)
        page.get_by_role("button", name="Ask in a worker").click()
        expect(page.locator("output")).to_have_text(f"The worker: {ANSWER}")
        ask(page)
        assert demo.seen(REFRESH) == []

        page.get_by_role("button", name="Sign out in a worker").click()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_an_app_under_node_without_cookies(
    package: Path, serve: Callable[..., Demo], tmp_path: Path
) -> None:
    """Every step is a start of the app. One of them is killed before it has written its token."""
    demo = serve()
    folder = installed(EXAMPLES / "native", tmp_path / "native", package)

    def start(*command: str) -> str:
        api = f"{demo.server.address}/api/"
        return run("node", "app.js", *command, cwd=folder, API=api).strip()

    assert start("who") == "nobody"
    assert start("sign-in") == "alice"
    assert start("who") == "alice"
    assert start("ask") == ANSWER
    assert start("refresh") == "alice"
    with pytest.raises(Failed, match=r"^$"):
        start("refresh", "--killed")
    before = demo.sessions()[0]["generation"]
    assert start("who") == "alice"
    assert demo.sessions()[0]["generation"] == before, "the key brought the same answer"
    assert start("sign-out") == "nobody"
    assert demo.sessions()[0]["ended_at"]
    assert start("who") == "nobody"
    assert not list(folder.glob("drf-ratchet*"))
