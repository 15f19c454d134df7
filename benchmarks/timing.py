"""Measure several things in turns, so that what else the machine does falls on all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.progress import track

Times = dict[str, list[float]]


def in_turns(
    contestants: Mapping[str, Callable[[], object]],
    rounds: int,
    number: int,
    label: str = "timing",
    clock: Callable[[], float] = time.perf_counter,
    slices: int = 1,
) -> Times:
    """Call each ``number`` times, in turns, and that so many times over.

    Each round begins with another one. The first round is not counted: it warms up.

    Args:
        contestants: what to call, by name.
        rounds: how many rounds count.
        number: calls of each in a round.
        label: for the progress bar.
        clock: ``time.process_time`` for what only computes and never waits; then it does not count
            that something else had the processor in between.
        slices: turns of each in a round. Many short ones see the same weather; what a contestant
            does once in a while is in the sum of them.

    Returns:
        The mean seconds per call in each round, by name.
    """
    times: Times = {name: [] for name in contestants}
    names = list(contestants)
    for turn in track(range(rounds + 1), label):
        first = turn % len(names)
        spent = dict.fromkeys(names, 0.0)
        for name in (names[first:] + names[:first]) * slices:
            call = contestants[name]
            gc.collect()  # what others left is theirs
            began = clock()
            for _ in range(number // slices):
                call()
            spent[name] += clock() - began
        if not turn:
            gc.freeze()  # what was loaded by now stays, and need not be looked through again
        else:
            for name in names:
                times[name].append(spent[name] / (number // slices * slices))
    gc.unfreeze()
    return times


def spread(values: Sequence[float]) -> dict[str, float]:
    """Least, middle and most."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def ratio(times: Times, one: str, other: str) -> dict[str, float]:
    """How many times as long one takes as the other, by rounds."""
    return spread([a / b for a, b in zip(times[one], times[other], strict=True)])


def measured(times: Times, unit: float = 1e3) -> dict[str, dict[str, Any]]:
    """Each contestant's spread, in milliseconds unless told otherwise."""
    return {name: spread([value * unit for value in own]) for name, own in times.items()}
