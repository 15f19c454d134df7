"""Queries for code that runs in an event loop, where Django forbids them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections


def in_event_loop() -> bool:
    """Return whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def off_the_loop(ask: Callable[[], Any]) -> Any:
    """Call a function that may query, in a thread of its own where an event loop runs in this.

    Args:
        ask: the function.
    """
    if not in_event_loop():
        return ask()

    def work() -> Any:
        try:
            return ask()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()
