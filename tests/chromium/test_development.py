"""A page in development: its own server, which hands the API's paths on as Vite's does."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium.elsewhere import CLIENT, PAGE, second_site
from tests.chromium.served import Demo
from tests.chromium.visitor import Visitor
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.full]


class DevelopmentServer(BaseHTTPRequestHandler):
    """A page at /, the client below /client/, and a proxy for /api/."""

    protocol_version = "HTTP/1.1"
    target = ""
    changes_origin = True

    def do_GET(self) -> None:
        if not self.path.startswith("/api/"):
            name = self.path.removeprefix("/client/")
            is_script = name in {file.name for file in CLIENT.glob("*.js")}
            body = (CLIENT / name).read_bytes() if is_script else PAGE
            kind = "text/javascript" if is_script else "text/html"
            self._answer(200, [("Content-Type", kind)], body)
            return
        headers = {**self.headers, "Connection": "close"}
        if self.changes_origin:
            headers["Host"] = self.target
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = http.client.HTTPConnection(self.target, timeout=30)
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        hops = ("connection", "transfer-encoding", "content-length")
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in hops]
        self._answer(answer.status, kept, answer.read())
        connection.close()

    do_POST = do_DELETE = do_GET

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def development_server(*, changes_origin: bool, port: int = 0) -> Iterator[Any]:
    """Serve it; ``target`` of what is yielded says where the API is."""
    handler = type("Handler", (DevelopmentServer,), {"changes_origin": changes_origin})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def started(visitor: Visitor, address: str, base_url: str = "/api/") -> Page:
    page = visitor.context.new_page()
    page.goto(f"{address}/")
    page.evaluate(
        """async (baseUrl) => {
            const { createClient } = await import("/client/ratchet.js");
            window.client = createClient({ baseUrl, patience: 1 });
            window.signIn = (password) => client.login({ username: "alice", password }).then(
                (session) => session.claims.username,
                ({ status, code, message }) => `${status} ${code}: ${message}`,
            );
        }""",
        base_url,
    )
    return page


def works(page: Page) -> bool:
    """Sign in, refresh by the cookie, and use the token."""
    assert page.evaluate("signIn", PASSWORD) == "alice"
    page.evaluate("() => client.refresh()")
    answer: bool = page.evaluate("async () => (await client.fetch('/api/protected/')).ok")
    return answer


@pytest.mark.full
def test_a_proxy_that_changes_the_host_needs_csrf_trusted_origins(
    serve: Callable[..., Demo], visit: Callable[..., Visitor]
) -> None:
    """Vite with `"/api": "http://127.0.0.1:8000"`, or changeOrigin: true."""
    with development_server(changes_origin=True) as server:
        origin = f"http://localhost:{server.server_port}"
        untold = serve()
        server.RequestHandlerClass.target = urlsplit(untold.at("127.0.0.1")).netloc
        visitor = visit(untold)
        visitor.expected.add(403)
        said = started(visitor, origin).evaluate("signIn", PASSWORD)
        assert said.startswith("403 cross_site: ")
        assert "CSRF_TRUSTED_ORIGINS" in said
        [line] = [line for line in untold.server.text().splitlines() if "Refused a req" in line]
        assert repr(origin) in line
        assert "add its origin to CSRF_TRUSTED_ORIGINS" in line

        told = serve(TRUSTED_ORIGINS=origin)
        server.RequestHandlerClass.target = urlsplit(told.at("127.0.0.1")).netloc
        visitor = visit(told)
        assert works(started(visitor, origin))
        assert visitor.refresh_cookie()["domain"] == "localhost"


@pytest.mark.full
def test_a_proxy_that_keeps_the_host_needs_nothing(
    demo: Demo, visit: Callable[..., Visitor]
) -> None:
    """Vite with changeOrigin: false."""
    with development_server(changes_origin=False) as server:
        server.RequestHandlerClass.target = urlsplit(demo.at("127.0.0.1")).netloc
        assert works(started(visit(demo), f"http://localhost:{server.server_port}"))


@pytest.mark.full
def test_a_page_and_an_api_on_two_ports_of_one_name(
    serve: Callable[..., Demo], visit: Callable[..., Visitor]
) -> None:
    """With django-cors-headers, and no proxy: a site does not end at a port."""
    with second_site() as port:
        demo = serve(TRUSTED_ORIGINS=f"http://localhost:{port}")
        page = started(visit(demo), f"http://localhost:{port}", f"{demo.address}/api/")
        assert works(page)


@pytest.mark.parametrize(
    ("page_host", "api_host"),
    [("127.0.0.1", "localhost"), ("localhost", "127.0.0.1"), ("shop.localhost", "localhost")],
)
@pytest.mark.full
def test_a_page_on_another_site_is_refused_before_it_signs_in(
    serve: Callable[..., Demo], visit: Callable[..., Visitor], page_host: str, api_host: str
) -> None:
    with second_site() as port:
        demo = serve(TRUSTED_ORIGINS=f"http://{page_host}:{port}")
        visitor = visit(demo)
        visitor.expected.add(403)
        page = started(visitor, f"http://{page_host}:{port}", f"{demo.at(api_host)}/api/")

        said = page.evaluate("signIn", PASSWORD)

    assert said.startswith("403 cookie_refused: ")
    assert "on another site" in said
    assert "localhost and 127.0.0.1 are two sites" in demo.server.text()
    assert demo.sessions() == []
    assert visitor.refresh_cookie() is None


@pytest.mark.full
def test_a_page_in_a_frame_on_another_site_is_refused_before_it_signs_in(
    serve: Callable[..., Demo], visit: Callable[..., Visitor]
) -> None:
    """Storybook, or a preview in an editor: the frame is on the API's own site."""
    with second_site() as port:
        demo = serve(TRUSTED_ORIGINS=f"http://localhost:{port}")
        visitor = visit(demo)
        visitor.expected.add(403)
        outer = visitor.context.new_page()
        outer.goto(f"http://127.0.0.1:{port}/")
        outer.evaluate(
            """(src) => new Promise((onload) => {
                const frame = Object.assign(document.createElement("iframe"), { src, onload });
                document.body.append(frame);
            })""",
            f"http://localhost:{port}/",
        )
        said = outer.frames[1].evaluate(
            """async ([baseUrl, password]) => {
                const { createClient } = await import("/client/ratchet.js");
                return createClient({ baseUrl }).login({ username: "alice", password })
                    .then(() => "signed in", ({ status, code }) => `${status} ${code}`);
            }""",
            [f"{demo.address}/api/", PASSWORD],
        )
    assert said == "403 cookie_refused"
    assert demo.sessions() == []


def test_a_secure_cookie_over_plain_http_is_refused_before_it_signs_in(
    serve: Callable[..., Demo], chromium: str, browser: Browser
) -> None:
    """A phone that looks at the page of a computer beside it."""
    rules = "--host-resolver-rules=MAP *.test 127.0.0.1"
    other = browser.browser_type.launch(executable_path=chromium, args=[rules])
    try:
        with development_server(changes_origin=False) as server:
            address = f"http://shop.test:{server.server_port}"
            demo = serve(COOKIE_SECURE="1")
            server.RequestHandlerClass.target = urlsplit(demo.at("127.0.0.1")).netloc
            page = started(Visitor(other.new_context(), address), address)
            said = page.evaluate("signIn", PASSWORD)
            assert said.startswith("403 cookie_refused: ")
            assert "COOKIE_SECURE" in said
            assert demo.sessions() == []

            plain = serve()
            server.RequestHandlerClass.target = urlsplit(plain.at("127.0.0.1")).netloc
            assert works(started(Visitor(other.new_context(), address), address))
    finally:
        other.close()
