"""One thread reads at a time, and holds the others up for a bounded time."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from drf_ratchet.sessions.single_flight import SingleFlight

pytestmark = pytest.mark.any_database
TIMEOUT = 30.0


def always() -> bool:
    return True


def held_up(reader: SingleFlight) -> tuple[threading.Event, Callable[[], None]]:
    """A thread that reads until it is let go; return what lets it go, and what waits for it."""
    began, goes_on = threading.Event(), threading.Event()

    def read() -> None:
        began.set()
        assert goes_on.wait(TIMEOUT)

    thread = threading.Thread(target=reader.read, args=[read, always])
    thread.start()
    assert began.wait(TIMEOUT)
    return goes_on, thread.join


def test_it_reads_in_the_thread_that_asks() -> None:
    seen: list[int] = []
    assert SingleFlight().read(lambda: seen.append(threading.get_ident()), always)
    assert seen == [threading.get_ident()]


def test_not_if_it_is_not_due() -> None:
    assert not SingleFlight().read(pytest.fail, lambda: False)


def test_one_at_a_time() -> None:
    reader = SingleFlight()
    goes_on, join = held_up(reader)
    assert not reader.read(pytest.fail, always)
    goes_on.set()
    join()
    assert reader.read(lambda: None, always)


def test_a_wait_ends_with_the_reading() -> None:
    reader = SingleFlight()
    goes_on, join = held_up(reader)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reader.wait, TIMEOUT)
        goes_on.set()
        assert waiting.result(TIMEOUT) is True
    join()
    assert reader.wait(TIMEOUT) is False  # nobody reads


def test_a_wait_is_bounded_from_the_beginning_of_the_reading() -> None:
    """Each request would wait anew, for as long as the database does not answer."""
    reader = SingleFlight()
    goes_on, join = held_up(reader)
    began = time.monotonic()
    assert reader.wait(0.05) is False
    first = time.monotonic() - began
    assert not any(reader.wait(0.05) for _ in range(100))
    rest = time.monotonic() - began - first
    goes_on.set()
    join()
    assert 0.02 < first < 5
    assert rest < 1


def test_one_that_fails_is_over() -> None:
    reader = SingleFlight()

    def fail() -> None:
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            reader.read(fail, always)
    assert reader.wait(TIMEOUT) is False
    assert reader.read(lambda: None, always)
