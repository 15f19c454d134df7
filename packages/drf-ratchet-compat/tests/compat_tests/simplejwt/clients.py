"""Clients that know nothing of a move: they call, and refresh when they are told to."""

import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

PASSWORD = "a password"
#: Seconds that a client goes on trying while nobody answers.
PATIENCE = 60


@dataclass
class Client:
    """One signed-in device.

    Args:
        name: of its user.
        ports: of the servers, on the loopback; they are asked in turn.
        tabs: how many refresh at once with the same token.
    """

    name: str
    ports: list[int]
    tabs: int = 1
    access: str = ""
    refresh: str = ""
    #: What it was refused, as (what it asked, status, body).
    refused: list[tuple[str, int, Any]] = field(default_factory=list)

    def sign_in(self) -> None:
        """Credentials for tokens."""
        self._take(self.send("/token/claims/", {"username": self.name, "password": PASSWORD}))

    def call(self) -> None:
        """A request; a 401 is answered with a refresh, as clients do."""
        status, body = self.send("/protected/", None, bearer=self.access)
        if status == 401:
            self.renew()
            status, body = self.send("/protected/", None, bearer=self.access)
        if (status, body.get("user")) != (200, self.name):
            self.refused.append(("call", status, body))

    def renew(self) -> None:
        """Refresh, in every tab at once; each must be let in."""
        asked = {"refresh": self.refresh}
        if self.tabs == 1:
            self._take(self.send("/token/refresh/", asked))
            return
        with ThreadPoolExecutor(self.tabs) as threads:
            for answer in threads.map(
                lambda tab: self.send("/token/refresh/", asked), range(self.tabs)
            ):
                self._take(answer)

    def _take(self, answer: tuple[int, Any]) -> None:
        status, body = answer
        if status != 200:
            self.refused.append(("tokens", status, body))
            return
        self.access, self.refresh = body["access"], body.get("refresh", self.refresh)

    def send(self, path: str, body: Any, *, bearer: str = "") -> tuple[int, Any]:
        """Return the status and the body of an answer, as soon as somebody answers."""
        headers = {"Content-Type": "application/json"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.ports.append(self.ports.pop(0))
                return _answer(self.ports[0], path, body, headers)
            except (OSError, http.client.HTTPException):
                # The server is being moved.
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)


def every(clients: list[Client], *steps: Callable[[Client], None], threads: int = 16) -> None:
    """Let each client take the steps, many clients at a time."""

    def walk(client: Client) -> None:
        for step in steps:
            step(client)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(walk, clients))


def _answer(port: int, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        data = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, data, headers)
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    if response.status == 502 or not text:
        raise OSError("nobody there")
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, {"text": text.decode(errors="replace")[:300]}
