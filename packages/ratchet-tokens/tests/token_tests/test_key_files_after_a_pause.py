"""A process that nobody has asked anything for long does not go on with what it knew then."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ratchet_tokens import key_files
from ratchet_tokens.key_directory import new_key
from ratchet_tokens.key_files import KeyFiles

pytestmark = pytest.mark.any_database


def test_all_of_its_first_requests_know_the_new_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "keys"
    new_key(directory, "Ed25519", time.time(), signs_from=0)
    files = KeyFiles([directory])
    made = new_key(directory, "Ed25519", time.time(), signs_from=time.time() + 60)
    files._looked_at -= 3600
    reading, go_on = threading.Event(), threading.Event()
    read_sources = key_files.read_sources

    def slowly(*args: Any) -> Any:
        reading.set()
        assert go_on.wait(10)
        return read_sources(*args)

    monkeypatch.setattr(key_files, "read_sources", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(files.current)
        assert reading.wait(10)
        second = pool.submit(files.current)
        # One that does not wait has its answer long before.
        second_waited = not _is_done_soon(second)
        go_on.set()
        sets = [first.result(10), second.result(10)]
    assert [known.get(made.key.kid) is not None for known in sets] == [True, True]
    assert second_waited


def test_others_do_not_wait_for_a_look_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "keys"
    new_key(directory, "Ed25519", time.time(), signs_from=0)
    files = KeyFiles([directory])
    files._looked_at -= key_files.LOOK_EVERY
    with files._lock:  # somebody looks
        assert files.current()


def _is_done_soon(future: Any) -> bool:
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline and not future.done():
        time.sleep(0.01)
    done: bool = future.done()
    return done
