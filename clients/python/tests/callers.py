"""Programs that use the client, each with another HTTP library."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import httpx
import requests

from drf_ratchet_client import RatchetSession
from drf_ratchet_client.httpx import RatchetAuth as HttpxAuth
from drf_ratchet_client.requests import RatchetAuth as RequestsAuth

PASSWORD = "ratchet-demo-1"
# To load the certificate authorities takes longer than such a test.
OPTIONS: dict[str, Any] = {"verify": False, "follow_redirects": True}


class Scene:
    """One scenario of clients/faults.py."""

    def __init__(self, address: str, name: str) -> None:
        self.room = f"{address}/{name}"
        self.base_url = f"{self.room}/api/"

    def reset(self) -> None:
        _ask(f"{self.room}/reset", {})

    def advance(self, seconds: float = 300) -> None:
        _ask(f"{self.room}/advance", {"seconds": seconds})

    def verdict(self) -> dict[str, Any]:
        return _ask(f"{self.room}/verdict")

    def requests(self, path: str) -> list[dict[str, Any]]:
        return [seen for seen in self.verdict()["requests"] if seen["path"] == path]


def _ask(url: str, body: Any = None) -> dict[str, Any]:
    content = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, content), timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


class Caller:
    """A program that is signed in."""

    def __init__(self, scene: Scene, session: RatchetSession) -> None:
        self.scene = scene
        self.session = session

    def sign_in(self, username: str = "alice") -> None:
        self.session.sign_in(username=username, password=PASSWORD)

    def sign_out(self) -> None:
        self.session.sign_out()

    def advance(self) -> None:
        self.scene.advance()

    def get(self, path: str = "protected/") -> int:
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Any = None) -> int:
        """Send a request, and return the status of the answer."""
        raise NotImplementedError


class HttpxCaller(Caller):
    def send(self, method: str, path: str, body: Any = None) -> int:
        auth = HttpxAuth(self.session)
        with httpx.Client(auth=auth, base_url=self.scene.base_url, **OPTIONS) as client:
            return client.request(method, path, content=body).status_code


class AsyncHttpxCaller(Caller):
    def sign_in(self, username: str = "alice") -> None:
        asyncio.run(self.session.asign_in(username=username, password=PASSWORD))

    def sign_out(self) -> None:
        asyncio.run(self.session.asign_out())

    def send(self, method: str, path: str, body: Any = None) -> int:
        return asyncio.run(self._send(method, path, body))

    async def _send(self, method: str, path: str, body: Any) -> int:
        auth = HttpxAuth(self.session)
        async with httpx.AsyncClient(auth=auth, base_url=self.scene.base_url, **OPTIONS) as client:
            return (await client.request(method, path, content=body)).status_code


class RequestsCaller(Caller):
    def send(self, method: str, path: str, body: Any = None) -> int:
        with requests.Session() as client:
            client.auth = RequestsAuth(self.session)
            url = self.scene.base_url + path
            return client.request(method, url, data=body, timeout=30).status_code


CALLERS = {"httpx": HttpxCaller, "httpx async": AsyncHttpxCaller, "requests": RequestsCaller}
