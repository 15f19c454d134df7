"""A plugin of pytest: a test that starts a server or another process fails, unless it says so.

`make test-fast` leaves out what is marked ``starts``. This keeps the marks complete.
"""

import sys
from typing import Any

import pytest

_STARTING = {"subprocess.Popen", "os.fork", "os.posix_spawn", "os.system", "socket.bind"}
_running: list[str] = []


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event in _STARTING and _running:
        pytest.fail(f"{_running[-1]} starts something ({event}): mark it with pytest.mark.starts")


sys.addaudithook(_refuse)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    _running.append(item.nodeid)
    try:
        return (yield)
    finally:
        _running.clear()
