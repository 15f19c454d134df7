"""What a target of the fuzzer is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

#: What its inputs look like, where they look like anything.
Shape = Literal["token", "header", "claims", "authorization", "request"]


@dataclass(frozen=True)
class Target:
    """One thing under attack.

    Args:
        name: for people and for the command line.
        attack: given any bytes, returns where every promise was kept and raises where one was
            broken.
        seeds: good inputs, to start from.
        shape: what the inputs look like.
    """

    name: str
    attack: Callable[[bytes], None]
    seeds: Sequence[bytes]
    shape: Shape
