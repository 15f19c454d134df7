"""The ids of sessions are UUIDs of version 7 (RFC 9562), in the order in which they are made."""

import time
from datetime import UTC, datetime

from drf_ratchet.ids import first_uuid7, uuid7


def test_a_version_7_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000
    assert first_uuid7(datetime.now(UTC)).int >> 80 >= made.int >> 80


def test_those_of_one_millisecond_are_in_order() -> None:
    made = []
    for _ in range(50):
        made.append(uuid7())
        began = time.perf_counter_ns()
        while time.perf_counter_ns() - began < 2_000:  # several of them in each millisecond
            pass
    assert made == sorted(made)
    assert len({one.int >> 80 for one in made}) < len(made)


def test_no_two_are_the_same() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000
