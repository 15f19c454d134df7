"""Three hours of five-minute tokens, with twenty threads, in simulated time.

    python three_hours.py http://127.0.0.1:8900    # where clients/faults.py listens

It needs nothing but drf-ratchet-client, and says how many requests and refreshes there were.
"""

import json
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from drf_ratchet_client import RatchetSession

HOURS, STEP, THREADS = 3, 100, 20


class Simulated:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def elapsed(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1e9 + self.now  # the year 2001: this machine's clock is wrong

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def ask(url: str, body: Any = None, token: str = "") -> dict[str, Any]:
    content = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, content, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def main(address: str) -> None:
    scene = f"{address}/healthy"
    ask(f"{scene}/reset", {})
    clock = Simulated()
    session = RatchetSession(f"{scene}/api/", clock=clock)
    session.sign_in(username="alice", password="ratchet-demo-1")
    together = threading.Barrier(THREADS)

    def call(_: int) -> str:
        together.wait()
        user: str = ask(f"{scene}/api/protected/", token=session.access_token())["user"]
        return user

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(HOURS * 3600 // STEP):
            clock.now += STEP
            ask(f"{scene}/advance", {"seconds": STEP})
            assert list(pool.map(call, range(THREADS))) == ["alice"] * THREADS

    seen = ask(f"{scene}/verdict")["requests"]
    requests = [one["status"] for one in seen if one["path"] == "protected/"]
    refreshes = [one["status"] for one in seen if one["path"] == "token/refresh/"]
    assert set(requests) == set(refreshes) == {200}
    print(f"{len(requests)} requests, {len(refreshes)} refreshes, none refused")


if __name__ == "__main__":
    main(sys.argv[1])
