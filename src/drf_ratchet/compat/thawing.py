"""Verified claims as the plain dicts and lists that the other packages hand out."""

from collections.abc import Mapping
from typing import Any


def thawed(value: Any) -> Any:
    """A claim, or all of them, as it was parsed: a copy that may be changed.

    Args:
        value: of ``tokens.claims.Claims``, which is read-only all the way down, or the whole of it.
    """
    if isinstance(value, Mapping):
        return {name: thawed(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [thawed(item) for item in value]
    return value
