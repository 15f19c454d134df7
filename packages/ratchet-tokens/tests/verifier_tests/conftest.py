"""An issuer for each test, verifiers that are closed after it, and a clock that the test sets."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ratchet_tokens.verifier import Verifier, feed, fetch_limit, keys
from verifier_tests.issuer import SERVICE, Issuer

MakeVerifier = Callable[..., Verifier]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.stop()


@pytest.fixture
def verifier_of(issuer: Issuer) -> Iterator[MakeVerifier]:
    """Makes one. Unless it is live it has no thread and fetches when it is asked, only then."""
    made: list[Verifier] = []

    def make(*, live: bool = False, with_feed: bool = False, **changes: Any) -> Verifier:
        options: dict[str, Any] = {"issuer": issuer.url, "timeout": 2.0}
        if with_feed:
            options |= {"feed_url": issuer.feed_url, "auth": SERVICE}
        verifier = Verifier(**options | changes)
        made.append(verifier)
        if not live:
            verifier.close()
        return verifier

    yield make
    for verifier in made:
        verifier.close()


class Clock:
    """Real time and what the test adds to it; the codec, which checks tokens, has its own."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def advance(self, seconds: float) -> None:
        self.ahead += seconds

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def time(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (feed, fetch_limit, keys):
        monkeypatch.setattr(module, "time", made)
    return made
