"""The endpoints for browsers: tokens in cookies."""

from typing import Any

from tests.projects.world import Answer, Device, World, claims_of, failing, step

HERE = {"Sec-Fetch-Site": "same-origin"}


@step
def browser(world: World) -> None:
    """Sign in, look, refresh, lose an answer, step up and log out, all by cookie."""
    page = world.device()
    page.user = world.user()
    answer = _post(page, "login/", page.credentials)
    said = answer.ok(keys={"access", "expires_in"})
    page.access = said["access"]
    answer.demand(_cookie(page), "the refresh token is in a cookie")
    answer.demand(claims_of(_cookie(page))["gen"] == 1, "of the first generation")
    attributes = answer.response.headers["Set-Cookie"]
    for attribute in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/"):
        answer.demand(attribute in attributes, f"the cookie is {attribute}")
    page.get("protected/").ok()
    said = (answer := page.get("browser/session/", token=None)).ok()
    answer.demand(said["session"] == page.session, "it says who is signed in")

    old = _cookie(page)
    page.access = _post(page, "refresh/").ok(keys={"access", "expires_in"})["access"]
    next_one = _cookie(page)
    _set_cookie(page, old)  # the answer is lost
    page.access = _post(page, "refresh/").ok()["access"]
    answer.demand(claims_of(_cookie(page)) == claims_of(next_one), "the same next cookie")

    page.access = _post(page, "step-up/", page.proof).ok()["access"]
    page.get("recent/").ok()
    wrong = {**page.proof, "password": "wrong"}
    _post(page, "step-up/", wrong).refused(401, "no_active_account")

    _post(page, "logout/").ok()
    answer.demand(not _cookie(page), "the cookie is taken back")
    world.eventually_ended(page)
    said = (answer := page.get("browser/session/", token=None)).ok()
    answer.demand(said["session"] is None, "nobody is signed in")
    page.access = ""
    _post(page, "refresh/").refused(401, "not_authenticated")
    _post(page, "logout/").ok()


@step
def other_sites(world: World) -> None:
    """What another site sends is refused, and changes nothing."""
    page = world.device()
    page.user = world.user()
    page.access = _post(page, "login/", page.credentials).ok().get("access", "")
    before = _cookie(page)
    for headers in (
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "x"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ):
        for path, body in (("refresh/", None), ("logout/", None), ("login/", page.credentials)):
            with failing(f"{headers} to {path}"):
                answer = page.post(f"browser/{path}", body, token=None, **headers)
                answer.refused(403, "cross_site")
    answer = page.get("browser/session/", token=None)
    answer.demand(_cookie(page) == before, "the cookie is the same")
    page.post("browser/refresh/", token=None, Origin=f"https://{page.host}").ok()


@step
def misplaced_tokens(world: World) -> None:
    """A token of a cookie is none of a body, and the other way round."""
    page = world.device()
    page.user = world.user()
    _post(page, "login/", page.credentials).ok()
    page.refreshes(_cookie(page)).refused(401, "token_not_valid", "wrong_type")
    app = world.device(page.user)
    for token, reason in (
        (app.refresh, "wrong_type"),
        (app.access, "wrong_type"),
        ("x", "malformed"),
        ("a.b.c", "malformed"),
    ):
        _set_cookie(page, token)
        with failing(token[:20]):
            _post(page, "refresh/").refused(401, "token_not_valid", reason)
    app.get("protected/").ok()


@step
def malformed_from_browsers(world: World) -> None:
    page = world.device()
    page.user = world.user()
    page.access = _post(page, "login/", page.credentials).ok().get("access", "")
    for path in ("login/", "refresh/", "logout/", "step-up/"):
        for content in (b"{", b"[]", b'"x"', b"\xff", b"7", b"null"):
            with failing(f"{content!r} to {path}"):
                options: Any = {"content": content, "Content-Type": "application/json"}
                page.ask("POST", f"browser/{path}", **options, **from_here(page)).refused(400)
        with failing(f"a form to {path}"):
            kind = "application/x-www-form-urlencoded"
            options = {"content": b"a=b", "Content-Type": kind}
            page.ask("POST", f"browser/{path}", **options, **from_here(page)).refused(415)
    _post(page, "refresh/").ok()


def from_here(page: Device) -> dict[str, str]:
    """Return the headers that a browser, and a page's own script, add to a request."""
    csrf = page.http.cookies.get("csrftoken")
    own = {"X-CSRFToken": csrf, "Referer": f"https://{page.host}/"} if csrf else {}
    return {**HERE, **own}


def _post(page: Device, path: str, body: Any = None) -> Answer:
    token = "" if path == "step-up/" else None
    return page.post(f"browser/{path}", body, token=token, **from_here(page))


def _cookie(page: Device) -> str:
    return page.http.cookies.get(NAME) or ""


def _set_cookie(page: Device, token: str) -> None:
    page.http.cookies.delete(NAME)
    page.http.cookies.set(NAME, token, domain=_domain(page))


def _domain(page: Device) -> str:
    # http.cookiejar adds ".local" to a host without a dot.
    return page.host if "." in page.host else f"{page.host}.local"


NAME = "__Host-ratchet-refresh-token"
