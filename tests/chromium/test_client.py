"""The browser's client where tabs stop, people change and browsers refuse."""

import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Dialog, Page

from tests.chromium.elsewhere import second_site
from tests.chromium.served import Demo, demo_on_copy_of
from tests.chromium.visitor import Visitor
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.any_database, pytest.mark.full, pytest.mark.starts]

APP = "app.example.localhost"
TRUSTED = "spa.example.localhost"
OTHER = "evil.localhost"

#: A page with nothing on it, at which a client can be started.
BLANK = "/.well-known/jwks.json"
CREATE = "/api/posts/create/"

START = """async ([module, options]) => {
    const { createClient } = await import(module);
    window.client = createClient(options);
    // A test that waits for ever says nothing.
    window.soon = (promise) =>
        Promise.race([promise, new Promise((_, no) => setTimeout(no, 15_000, "in vain"))]);
    window.codeOf = (promise) => soon(promise).then(() => "", (error) => error.code ?? `${error}`);
    window.wordsOf = (promise) => soon(promise).then(() => "", (error) => error.message ?? error);
    window.post = () => client.fetch(`${options?.baseUrl ?? "/api/"}posts/create/`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: '{"title": "Mine", "body": "Mine alone."}',
    });
    window.wind = (seconds) => {
        const now = Date.now;
        Date.now = () => now() + seconds * 1000;
    };
}"""
LOGIN = "([username, password]) => client.login({ username, password })"


def start(page: Page, *, module: str = "/static/drf-ratchet/ratchet.js", **options: Any) -> Page:
    """A client on a page that is open."""
    page.evaluate(START, [module, options])
    return page


def blank(visitor: Visitor, **options: Any) -> Page:
    """A new tab at the demo with nothing but a client on it."""
    visitor.expected.add(404)  # Chromium looks for a favicon.
    page = visitor.context.new_page()
    page.goto(visitor.address + BLANK)
    return start(page, **options)


BY_HAND = """([path, body]) => fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
}).then(({ status }) => status)"""


def sign_in(page: Page, username: str = "alice") -> None:
    page.evaluate(LOGIN, [username, PASSWORD])


def user(page: Page) -> Any:
    return page.evaluate("() => client.session?.claims.username ?? null")


def wait_for(holds: Callable[[], object], page: Page) -> None:
    """Until it is true. Playwright hears of nothing while nobody asks it."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


class TestATabThatStops:
    """In alert(), with the answer of a refresh in its hand and the lock of all tabs."""

    STOP = """() => {
        const { fetch } = window;
        window.fetch = async (...given) => {
            const answer = await fetch(...given);
            window.fetch = fetch;
            alert("Wait");
            return answer;
        };
        client.refresh().catch(() => {});
    }"""

    def stopped(self, visitor: Visitor) -> tuple[Page, Dialog]:
        dialogs: list[Dialog] = []
        page = blank(visitor, timeout=1)
        page.on("dialog", lambda dialog: dialogs.append(dialog))  # noqa: PLW0108 (as visitor.py)
        sign_in(page)
        page.evaluate(self.STOP)
        wait_for(lambda: dialogs, page=visitor.context.pages[0])
        return page, dialogs[0]

    def test_the_others_go_on(self, alice: Visitor) -> None:
        other = blank(alice, timeout=1)
        page, dialog = self.stopped(alice)

        other.evaluate("() => { wind(300); return soon(client.refresh()); }")
        assert user(other) == "alice"
        young = blank(alice, timeout=1)
        young.evaluate("() => soon(client.restore())")
        assert user(young) == "alice"
        answers = other.evaluate(
            "() => Promise.all([client.fetch('/api/protected/'), client.fetch('/api/protected/')])"
            ".then((answers) => answers.map(({ status }) => status))"
        )
        assert answers == [200, 200]

        dialog.dismiss()
        page.evaluate("() => client.refresh()")
        assert {user(one) for one in (page, other, young)} == {"alice"}

    def test_a_sign_in_and_a_sign_out_say_so(self, alice: Visitor) -> None:
        other = blank(alice, timeout=1)
        page, dialog = self.stopped(alice)
        seen = len(alice.requests("/api/browser/login/"))

        login = "(password) => codeOf(client.login({ username: 'bob', password }))"
        assert other.evaluate(login, PASSWORD) == "locked"
        assert other.evaluate("() => codeOf(client.logout())") == "locked"
        assert len(alice.requests("/api/browser/login/")) == seen

        dialog.dismiss()
        page.evaluate("() => client.refresh()")
        sign_in(other, "bob")
        assert user(other) == "bob"


class TestTwoPeople:
    def test_a_request_that_waits_for_another_sign_in(self, alice: Visitor, demo: Demo) -> None:
        here, there = blank(alice), blank(alice)
        sign_in(here)
        there.evaluate("() => client.restore()")
        seen = len(demo.seen(CREATE))
        for _ in range(5):
            # Bob's sign-in has the lock, and its answer is on the way.
            alice.context.route(
                "**/browser/login/", lambda route: (time.sleep(0.3), route.continue_())
            )
            there.evaluate(
                "(password) => { client.login({ username: 'bob', password }); }", PASSWORD
            )
            there.wait_for_function("() => navigator.locks.query().then(({ held }) => held.length)")
            codes = here.evaluate(
                """() => {
                    wind(300);
                    return Promise.all([codeOf(post()), codeOf(client.accessToken())]);
                }"""
            )
            assert codes == ["user_changed", "user_changed"]
            assert user(here) == "bob"
            alice.context.unroute("**/browser/login/")
            sign_in(here)
        assert len(demo.seen(CREATE)) == seen


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with second_site() as port:
        yield port


@pytest.fixture(scope="module")
def shared(template: Path, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that pages on the second site may use: a sibling of it, and 127.0.0.1."""
    folder = tmp_path_factory.mktemp("shared")
    origins = f"http://{TRUSTED}:{port},http://127.0.0.1:{port}"
    with demo_on_copy_of(template, folder, TRUSTED_ORIGINS=origins) as demo:
        yield demo


def elsewhere(visitor: Visitor, host: str, port: int, api: str, **options: Any) -> Page:
    """A tab at the second site with a client for that API."""
    page = visitor.context.new_page()
    page.goto(f"http://{host}:{port}/")
    return start(page, module="/client/ratchet.js", baseUrl=f"{api}/api/", **options)


def test_two_origins_with_one_api_and_two_people(
    shared: Demo, port: int, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(shared, host=APP)
    visitor.expected.add(401)
    here = blank(visitor)
    there = elsewhere(visitor, TRUSTED, port, visitor.address)
    for is_old in (True, False):
        sign_in(here)
        sign_in(there, "bob")
        seen = len(shared.seen(CREATE))

        if is_old:
            here.evaluate("() => wind(300)")
        assert here.evaluate("() => codeOf(post())") == "user_changed"

        # Where her token had not run out it was sent, as hers, and refused.
        assert [one["status"] for one in shared.seen(CREATE)[seen:]] == ([] if is_old else [401])
        assert user(here) == "bob"


class TestALostAnswer:
    """Without a grace period: only the key, which the browser keeps beside the token, can tell."""

    @pytest.fixture
    def strict(self, template: Path, port: int, tmp_path: Path) -> Iterator[Demo]:
        origin = f"http://{TRUSTED}:{port}"
        options = {"ROTATION_GRACE": 0}
        with demo_on_copy_of(template, tmp_path, options=options, TRUSTED_ORIGINS=origin) as demo:
            yield demo

    def lose(self, visitor: Visitor) -> None:
        """A refresh that the server has done, and of whose answer the browser knows nothing."""
        host = visitor.address.removeprefix("http://")
        cookies = "; ".join(f"{one['name']}={one['value']}" for one in visitor.context.cookies())
        # Python knows no names below .localhost.
        connection = HTTPConnection("127.0.0.1", int(host.rpartition(":")[2]))
        headers = {"Host": host, "Origin": visitor.address, "Cookie": cookies}
        connection.request("POST", "/api/browser/refresh/", headers=headers)
        assert connection.getresponse().status == 200
        connection.close()

    @pytest.mark.parametrize("where", ["page", "worker", "second origin", "storage that throws"])
    def test_costs_no_session(
        self, strict: Demo, port: int, visit: Callable[..., Visitor], where: str
    ) -> None:
        visitor = visit(strict, host=APP)
        page = blank(visitor)
        sign_in(page)
        page.close()
        self.lose(visitor)
        assert strict.sessions()[-1]["generation"] == 2

        if where == "second origin":
            page = elsewhere(visitor, TRUSTED, port, visitor.address)
        else:
            page = blank(visitor)
        if where == "worker":
            page.evaluate(IN_WORKER, [WORKER.replace("ADDRESS", visitor.address), []])
            call = "client.restore().then((session) => session.claims.username)"
            assert page.evaluate("(call) => inWorker(call)", call) == "alice"
        else:
            if where == "storage that throws":
                page.evaluate(
                    """() => Object.defineProperty(window, "localStorage", {
                        get() { throw new DOMException("denied", "SecurityError"); },
                    })"""
                )
            page.evaluate("() => soon(client.restore())")
            assert user(page) == "alice"
        assert strict.sessions()[-1]["ended_at"] is None
        assert strict.sessions()[-1]["generation"] == 2


def test_a_page_elsewhere_asks_the_api_by_its_path(
    shared: Demo, port: int, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(shared, host=APP)
    page = elsewhere(visitor, TRUSTED, port, visitor.address)
    sign_in(page)

    paths = ["/api/protected/", "protected/", f"{visitor.address}/api/protected/"]
    statuses = page.evaluate(
        "(paths) => Promise.all(paths.map(async (path) => (await client.fetch(path)).status))",
        paths,
    )

    assert statuses == [200, 200, 200]


class TestACookieThatIsRefused:
    def test_on_another_site(self, shared: Demo, port: int, visit: Callable[..., Visitor]) -> None:
        """The page is on 127.0.0.1 and the API on localhost, as in many a development."""
        visitor = visit(shared)
        visitor.expected.add(403)
        page = elsewhere(visitor, "127.0.0.1", port, visitor.address)

        assert_refused(page, shared)

    def test_in_a_frame_on_another_site(
        self, shared: Demo, port: int, visit: Callable[..., Visitor]
    ) -> None:
        visitor = visit(shared, host=APP)
        visitor.expected.add(403)
        page = visitor.context.new_page()
        page.goto(f"http://{OTHER}:{port}/")
        page.evaluate(
            """(src) => {
                const frame = document.createElement("iframe");
                document.body.append(Object.assign(frame, { src }));
            }""",
            f"http://{TRUSTED}:{port}/",
        )
        page.wait_for_selector("iframe")
        frame: Any = page.frames[1]
        frame.wait_for_url(f"http://{TRUSTED}:{port}/")
        start(frame, module="/client/ratchet.js", baseUrl=f"{visitor.address}/api/")

        assert_refused(frame, shared)

    def test_a_secure_one_over_http(
        self, serve: Callable[..., Demo], chromium: str, browser: Browser
    ) -> None:
        demo = serve(COOKIE_SECURE="1")
        rules = "--host-resolver-rules=MAP *.test 127.0.0.1"
        # Every host that browsers know as the machine's own counts as if it were over TLS.
        other = launch(browser.browser_type, chromium, rules)
        try:
            visitor = Visitor(other.new_context(), demo.at("shop.test"))
            page = blank(visitor)
            assert page.evaluate("() => navigator.locks === undefined")

            assert_refused(page, demo)
        finally:
            other.close()


def launch(kind: BrowserType, chromium: str, *options: str, **given: Any) -> Browser:
    return kind.launch(executable_path=chromium, args=list(options), **given)


def assert_refused(page: Any, demo: Demo) -> None:
    before = demo.sessions()
    code = page.evaluate(
        "(password) => codeOf(client.login({ username: 'alice', password }))", PASSWORD
    )
    assert code == "cookie_refused"
    assert user(page) is None
    assert demo.sessions() == before, "the server refuses what nobody can go on with"


def test_a_plain_http_page_does_without_locks(
    serve: Callable[..., Demo], chromium: str, browser: Browser
) -> None:
    demo = serve()
    other = launch(browser.browser_type, chromium, "--host-resolver-rules=MAP *.test 127.0.0.1")
    try:
        visitor = Visitor(other.new_context(), demo.at("shop.test"))
        pages = [blank(visitor), blank(visitor)]
        sign_in(pages[0])
        pages[1].evaluate("() => client.restore()")

        for page in pages:
            page.evaluate("() => { client.refresh(); }")
        statuses = [
            page.evaluate("() => client.fetch('/api/protected/').then(({ status }) => status)")
            for page in pages
        ]
        assert statuses == [200, 200]
    finally:
        other.close()


def test_a_redirect_is_told_at_once(alice: Visitor) -> None:
    alice.may_log("net::ERR")
    page = blank(alice)
    sign_in(page)
    alice.context.route(
        "**/api/browser/refresh/",
        lambda route: route.fulfill(status=302, headers={"Location": BLANK}),
    )
    began = time.monotonic()

    words = page.evaluate("() => wordsOf(client.refresh())")

    assert words == (
        f"{alice.address}/api/browser/refresh/ redirected to {alice.address}{BLANK}: "
        "is baseUrl right?"
    )
    assert time.monotonic() - began < 3
    assert user(page) == "alice"


def test_an_access_token_in_a_cookie_is_told_by_its_setting(
    serve: Callable[..., Demo], visit: Callable[..., Visitor]
) -> None:
    page = blank(visit(serve(options={"ACCESS_TOKEN_COOKIE": True})))

    words = page.evaluate(
        "(password) => wordsOf(client.login({ username: 'alice', password }))", PASSWORD
    )

    assert 'DRF_RATCHET["ACCESS_TOKEN_COOKIE"]' in words


def test_going_back_to_a_page_that_was_kept(demo: Demo, chromium: str, browser: Browser) -> None:
    """The browser shows it as it was (bfcache), with the user of before."""
    # Playwright switches it off unless told.
    other = launch(
        browser.browser_type, chromium, ignore_default_args=["--disable-back-forward-cache"]
    )
    try:
        visitor = Visitor(other.new_context(), demo.address)
        page = blank(visitor)
        sign_in(page)
        page.evaluate("""() => {
            window.heard = [];
            client.onChange((session) => heard.push(session?.claims.username ?? null));
            addEventListener("pageshow", ({ persisted }) => (window.wasKept = persisted));
        }""")
        page.goto(demo.at("127.0.0.1") + BLANK)
        # By a script without a channel: Chromium keeps no page that a message has come for.
        tab = blank(visitor)
        body = {"username": "bob", "password": PASSWORD}
        assert tab.evaluate(BY_HAND, ["/api/browser/login/", body]) == 200
        tab.close()

        page.go_back(wait_until="commit")

        page.wait_for_function("() => window.wasKept")
        page.wait_for_function("() => client.session?.claims.username === 'bob'")
        assert page.evaluate("() => heard") == ["bob"]
    finally:
        other.close()


def test_a_sandboxed_frame_is_told_what_it_lacks(
    shared: Demo, port: int, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(shared, host=APP)
    page = visitor.context.new_page()
    page.goto(f"http://{TRUSTED}:{port}/")
    page.evaluate(
        """() => {
        const frame = document.createElement("iframe");
        frame.sandbox = "allow-scripts";
        frame.srcdoc = "<!DOCTYPE html><p>Boxed";
        document.body.append(frame);
    }"""
    )
    page.frame_locator("iframe").locator("p").wait_for()
    frame: Any = page.frames[1]
    start(
        frame,
        module=f"http://{TRUSTED}:{port}/client/ratchet.js",
        baseUrl=f"{visitor.address}/api/",
    )

    for call in ("restore()", "login({})", "logout()", "fetch('/api/posts/')", "accessToken()"):
        assert "allow-same-origin" in frame.evaluate(f"() => wordsOf(client.{call})")


WORKER = """import { createClient } from "ADDRESS/static/drf-ratchet/ratchet.js";
const client = createClient();
onmessage = async ({ data }) => {
    try {
        postMessage(await eval(data));
    } catch (error) {
        postMessage(`${error.code} ${error.message}`);
    }
};
"""
IN_WORKER = """([script, calls]) => {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const worker = new Worker(url, { type: "module" });
    window.inWorker = (call) => {
        const answer = new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
        worker.postMessage(call);
        return soon(answer);
    };
}"""


def test_a_worker_is_a_tab_among_the_others(alice: Visitor) -> None:
    page = blank(alice)
    sign_in(page)
    page.evaluate(IN_WORKER, [WORKER.replace("ADDRESS", alice.address), []])

    status = "client.fetch('/api/protected/').then(({ status }) => status)"
    assert page.evaluate("(call) => inWorker(call)", status) == 200
    assert alice.refreshes() == 0, "it has its token from the page"

    page.evaluate("() => inWorker('client.refresh().then(() => 0)')")
    page.evaluate("() => client.logout()")
    assert page.evaluate("(call) => inWorker(call)", status) == 401
    alice.expected.add(401)


def test_a_page_that_goes_away_signs_out(alice: Visitor, demo: Demo) -> None:
    page = blank(alice)
    sign_in(page)
    page.evaluate("() => addEventListener('pagehide', () => client.logout({ keepalive: true }))")

    page.goto("about:blank")

    wait_for(lambda: demo.sessions()[-1]["end_reason"] == "logout", page)
