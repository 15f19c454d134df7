"""Clients that go on refreshing whatever happens, each with a session of its own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from tests.fixtures import payload
from tests.races.clients import Answer, protected, refresh, sign_in

#: Seconds between two tries.
PAUSE = 0.02


class Tab:
    """One session: its newest pair, and the Idempotency-Key that is chosen once for each."""

    def __init__(self, address: str) -> None:
        self.answers: list[Answer] = []
        self.turns = 0
        #: Tries of a token that nobody had answered before, and that then went through.
        self.retried = 0
        self._take(sign_in(address))

    def _take(self, pair: dict[str, str]) -> None:
        self.access, self.token = pair["access"], pair["refresh"]
        self.key = str(uuid4())
        self._tries = 0

    @property
    def session(self) -> str:
        sid: str = payload(self.token)["sid"]
        return sid

    def refresh(self, address: str) -> Answer:
        """Ask once for the next pair, and take it if it comes."""
        answer = refresh(address, self.token, self.key)
        self.answers.append(answer)
        self._tries += 1
        if answer.status == 200:
            self.retried += self._tries > 1
            self.turns += 1
            self._take(answer.body)
        return answer

    def gets_on(self, address: str) -> None:
        """Hold it to being signed in: its next refresh and its next request go through."""
        answer = self.refresh(address)
        assert answer.status == 200, answer
        assert protected(address, self.access).status == 200


@contextmanager
def refreshing(tabs: list[Tab], address: str) -> Iterator[None]:
    """Have all of them refresh, again and again, until the block ends."""
    over = threading.Event()

    def run(tab: Tab) -> None:
        while not over.is_set():
            tab.refresh(address)
            time.sleep(PAUSE)

    threads = [threading.Thread(target=run, args=[tab]) for tab in tabs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
