"""Show progress, and how long it will take: a line every few seconds."""

import time
from collections.abc import Callable
from datetime import timedelta

from django.core.management.base import OutputWrapper

#: Seconds between two lines.
EVERY = 3.0


def progress(out: OutputWrapper, total: int) -> Callable[[int], None]:
    """Return what to call with the number that are done.

    Args:
        out: the command's output.
        total: about how many there are.
    """
    begun = shown = time.monotonic()

    def advance(done: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown < EVERY or not done:
            return
        shown, rate = now, done / (now - begun)
        left = timedelta(seconds=round(max(total - done, 0) / rate))
        out.write(f"{done:,} of {total:,} tokens, {rate:,.0f} a second, {left} left")
        out.flush()

    return advance
