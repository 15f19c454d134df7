"""The demo's OpenID Connect provider as a process, and who talks to it over HTTP.

`Visitor` is a person's browser: it keeps the cookies of all servers, fills in forms, and sends the
headers that a browser sends. `Phone` is a mobile app, which has its tokens by PKCE.
"""

import base64
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx

from provider import APP_CLIENT, APP_REDIRECT_URIS, PASSWORD, PROVIDER_ID
from tests import console
from tests.allauth.headless import App

PROVIDER_COOKIE = "provider_sessionid"
SERVE = console.ROOT / "demo" / "provider" / "serve.py"


@dataclass(frozen=True)
class Provider:
    """A provider that is being served.

    Args:
        address: where.
        client_secret: of the demo's server.
    """

    address: str
    client_secret: str


@contextmanager
def serving(blog: str, folder: Path) -> Iterator[Provider]:
    """Serve the provider for as long as tests need it.

    Args:
        blog: the address that its client comes from.
        folder: for its database and its log.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    secret = secrets.token_urlsafe()
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment = {
        **kept,
        "PORT": str(port),
        "BLOG": blog,
        "DATA_DIR": str(folder),
        "CLIENT_SECRET": secret,
    }
    log = folder / "provider.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [sys.executable, SERVE], env=environment, stdout=output, stderr=output
        ) as process,
    ):
        try:
            provider = Provider(f"http://127.0.0.1:{port}", secret)
            transport = httpx.HTTPTransport(retries=8)  # each waits twice as long as the last one
            with httpx.Client(transport=transport) as client:
                client.get(f"{provider.address}/.well-known/openid-configuration")
            yield provider
        except httpx.ConnectError:
            raise RuntimeError(f"The provider did not start:\n{log.read_text()}") from None
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def new_client(**options: Any) -> httpx.Client:
    """Return a client that follows no redirect, and leaves no thread of a server waiting."""
    return httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0), **options)


class Form(HTMLParser):
    """The fields of the form that has the button with a text.

    Args:
        page: HTML.
        button: the text.
    """

    def __init__(self, page: str, button: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._button, self._found, self._in_button = button, False, False
        self.feed(page)
        assert self._found, page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._found:
            return
        if tag == "form":
            self.action, self.fields = given.get("action", ""), {}
        elif tag == "input" and given.get("type") == "submit":
            if given.get("value") == self._button:
                self._found = True
                if "name" in given:
                    self.fields[given["name"]] = given["value"]
        elif tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")
        self._in_button = tag == "button"

    def handle_data(self, data: str) -> None:
        if self._in_button and data.strip() == self._button:
            self._found = True


class Visitor:
    """A person's browser.

    Args:
        site: the address of the single-page app, which is its API's, too.
        user: whom the person signs in as at the provider.
    """

    #: The sessions at the provider by the user. A further browser of the user is signed in there
    #: already: hashing a password takes as long as the rest of a test.
    sessions: ClassVar[dict[str, str]] = {}

    def __init__(self, site: str, user: str) -> None:
        self.site, self.user = site, user
        self.http = new_client()
        self.answer: Any = None

    def cookie(self, name: str) -> str | None:
        # No cookie jar separates by port; neither do browsers.
        return next((one.value for one in self.http.cookies.jar if one.name == name), None)

    def get(self, url: str) -> httpx.Response:
        """Open a page, without following a redirect."""
        return self.http.get(url)

    def submit(self, url: str, fields: dict[str, str]) -> httpx.Response:
        """Submit a form of the same site, without following a redirect."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        return self.http.post(url, data=fields, headers={"Origin": origin})

    def fetch(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request as the page's own script does, with Django's CSRF token."""
        headers = {"X-CSRFToken": self.cookie("csrftoken") or "", "Sec-Fetch-Site": "same-origin"}
        if method != "GET":
            headers["Origin"] = self.site
        return self.http.request(method, f"{self.site}{path}", json=body, headers=headers)

    def ask_for_provider(self, **fields: str) -> httpx.Response:
        """Submit the page's form that leads to the provider."""
        self.fetch("GET", "/_allauth/browser/v1/config")  # sets the CSRF cookie
        return self.submit(
            f"{self.site}/_allauth/browser/v1/auth/provider/redirect",
            {
                "provider": PROVIDER_ID,
                "callback_url": "/signed-in",
                "process": "login",
                "csrfmiddlewaretoken": self.cookie("csrftoken") or "",
                **fields,
            },
        )

    def to_provider(self, **fields: str) -> str:
        """Submit the form; return the address at the provider, which is not opened."""
        answer = self.ask_for_provider(**fields)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def consent(self, url: str, *, button: str = "Authorize") -> str:
        """Sign in at the provider if it asks, and consent; return the address of the callback."""
        if session := self.sessions.get(self.user):
            self.http.cookies.set(PROVIDER_COOKIE, session, domain=urlsplit(url).hostname or "")
        answer = self.get(url)
        if answer.status_code == 302 and urlsplit(answer.headers["Location"]).path == "/login/":
            login = urljoin(url, answer.headers["Location"])
            form = Form(self.get(login).text, "Sign in")
            named = {"username": self.user, "password": PASSWORD}
            answer = self.submit(urljoin(login, form.action), {**form.fields, **named})
            self.sessions[self.user] = answer.cookies[PROVIDER_COOKIE]
            url = urljoin(url, answer.headers["Location"])
            answer = self.get(url)
        form = Form(answer.text, button)
        answer = self.submit(urljoin(url, form.action), form.fields)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def to_callback(self, **fields: str) -> str:
        """Go through the provider; return the address of the callback, which is not opened."""
        return self.consent(self.to_provider(**fields))

    def open(self, callback: str) -> str:
        """Open the address of a callback; return the page of the site that it leads to."""
        answer = self.get(callback)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"].removeprefix(self.site)

    def sign_in(self) -> str:
        """Go through the provider and the callback; return the page of the site that follows."""
        return self.open(self.to_callback())

    def exchange(self) -> httpx.Response:
        """Exchange allauth's session for our cookies."""
        return self.fetch("POST", "/api/browser/session/exchange/")

    def ours(self) -> str | None:
        """Return the name of the user who is signed in by our cookies."""
        user = self.fetch("GET", "/api/browser/session/").json()["user"]
        return user and user["username"]

    def in_allauth(self) -> dict[str, Any]:
        """Return what allauth says about its session."""
        return self.fetch("GET", "/_allauth/browser/v1/auth/session").json()


class Wire:
    """Stands where `tests.allauth.headless` has Django's test client, and sends over HTTP.

    Args:
        address: of the server.
    """

    def __init__(self, address: str) -> None:
        self.client = new_client(base_url=address)

    def generic(
        self, method: str, path: str, data: Any = b"", content_type: str = "", **headers: str
    ) -> httpx.Response:
        named = {
            name.removeprefix("HTTP_").replace("_", "-"): value for name, value in headers.items()
        }
        if content_type:
            named["Content-Type"] = content_type
        return self.client.request(method, path, content=data, headers=named)


class Phone(App):
    """An app of the provider's public client, as RFC 8252 says: PKCE, and the system browser.

    Args:
        address: of the API.
        provider: where its user has an account.
    """

    def __init__(self, address: str, provider: Provider) -> None:
        super().__init__()
        self.http: Any = Wire(address)
        self.provider = provider

    def tokens_of(
        self,
        browser: Visitor,
        *,
        redirect_uri: str = APP_REDIRECT_URIS[0],
        scope: str = "openid profile email",
    ) -> dict[str, str]:
        """Have the user consent in the system browser; return the provider's tokens."""
        verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        hashed = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": APP_CLIENT,
            "redirect_uri": redirect_uri,
            "scope": scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(hashed).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        back = browser.consent(f"{self.provider.address}/authorize/?{urlencode(asked)}")
        assert back.startswith(redirect_uri)
        said = {name: value for name, [value] in parse_qs(urlsplit(back).query).items()}
        assert said["state"] == state
        assert said["iss"] == self.provider.address
        answer = httpx.post(
            f"{self.provider.address}/token/",
            data={
                "grant_type": "authorization_code",
                "client_id": APP_CLIENT,
                "redirect_uri": redirect_uri,
                "code": said["code"],
                "code_verifier": verifier,
            },
        )
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    def by_provider(self, id_token: str, *, client_id: str = APP_CLIENT, **more: Any) -> Any:
        """Sign in with an ID token."""
        token = {"client_id": client_id, "id_token": id_token}
        return self.post(
            "auth/provider/token",
            **{"provider": PROVIDER_ID, "process": "login", "token": token, **more},
        )
