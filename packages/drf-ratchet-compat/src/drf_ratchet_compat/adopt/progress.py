"""How far it has come, and how long it will go on: a bar where somebody looks, else lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.core.management.base import OutputWrapper

#: Seconds between two lines.
EVERY = 3.0

#: Called with how many are done.
Advance = Callable[[int], None]


@contextmanager
def progress(out: OutputWrapper, total: int) -> Iterator[Advance]:
    """Show the progress of a piece of work.

    Args:
        out: the command's.
        total: how many there are; a few more or fewer do no harm.

    Yields:
        What to call with how many are done.
    """
    bar = _bar(out, total) if out.isatty() else None
    if bar is None:
        yield _lines(out, total)
        return
    begun = time.monotonic()
    with bar:
        task = bar.add_task("tokens", total=total, rate="")

        def advance(done: int) -> None:
            rate = f"{done / (time.monotonic() - begun):,.0f} a second"
            bar.update(task, completed=done, rate=rate)

        yield advance


def remaining(done: int, total: int, seconds: float) -> timedelta:
    """The estimate of the time left, in whole seconds.

    Args:
        done: how many are done, at least 1.
        total: how many there are.
        seconds: how long those have taken.
    """
    return timedelta(seconds=round(max(total - done, 0) * seconds / done))


def _lines(out: OutputWrapper, total: int) -> Advance:
    begun = shown = time.monotonic()

    def advance(done: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown < EVERY or not done:
            return
        shown = now
        left, rate = remaining(done, total, now - begun), done / (now - begun)
        out.write(f"{done:,} of {total:,} tokens, {rate:,.0f} a second, {left} left")
        out.flush()

    return advance


def _bar(out: OutputWrapper, total: int) -> Any:
    try:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )
    except ImportError:  # it is nobody's dependency here
        return None
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    # Django's wrapper ends every piece with a new line.
    terminal: Any = getattr(out, "_out", out)
    return Progress(*columns, console=Console(file=terminal))
