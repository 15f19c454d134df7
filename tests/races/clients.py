"""Clients of the served demo, small and quick enough to be many at once."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tests.fixtures import PASSWORD

T = TypeVar("T")

REFRESH = "/api/token/refresh/"
LOGOUT = "/api/logout/"

#: The status of a request that nobody answered.
NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and when.

    Args:
        status: the HTTP status, or ``NO_ANSWER``.
        body: the parsed JSON; {} where there was none.
        sent: the monotonic time just before it was sent.
        received: the monotonic time when all of it was there, or it had failed.
    """

    status: int
    body: dict[str, Any]
    sent: float
    received: float


def send(
    address: str,
    path: str,
    body: dict[str, str] | None = None,
    *,
    method: str = "POST",
    bearer: str = "",
    key: str = "",
) -> Answer:
    """One request, on a connection of its own so that any of the server's processes may take it.

    Args:
        address: the server's.
        path: below it.
        body: sent as JSON.
        method: HTTP's.
        bearer: an access token.
        key: the Idempotency-Key.
    """
    headers = {"Content-Type": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    if key:
        headers["Idempotency-Key"] = key
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    sent = time.monotonic()
    status, parsed = NO_ANSWER, {}
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        content = response.read()
        status = response.status
        parsed = _parsed(content)
    except (OSError, http.client.HTTPException):
        status = NO_ANSWER  # also where the answer broke off
    finally:
        connection.close()
    return Answer(status, parsed, sent, time.monotonic())


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def sign_in(address: str, username: str = "alice", password: str = PASSWORD) -> dict[str, str]:
    """A new session's pair of tokens."""
    answer = send(address, "/api/token/", {"username": username, "password": password})
    assert answer.status == 200, answer
    return answer.body


def refresh(address: str, token: str, key: str = "") -> Answer:
    """Ask for the next pair."""
    return send(address, REFRESH, {"refresh": token}, key=key)


def protected(address: str, access: str) -> Answer:
    """Use an access token."""
    return send(address, "/api/protected/", method="GET", bearer=access)


def later(delay: float, call: Callable[..., T], *args: Any, **kwargs: Any) -> Callable[[], T]:
    """The call, to be made that many seconds after it is asked for."""

    def wait_and_call() -> T:
        time.sleep(delay)
        return call(*args, **kwargs)

    return wait_and_call


def at_once(calls: Iterable[Callable[[], T]]) -> list[T]:
    """Make all of these calls at the same time, each in a thread of its own; what they return."""
    calls = list(calls)
    together = threading.Barrier(len(calls))
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(partial(_start, together), calls))


def _start(together: threading.Barrier, call: Callable[[], T]) -> T:
    together.wait()
    return call()
