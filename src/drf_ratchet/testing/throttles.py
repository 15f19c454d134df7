"""Tests without our rate limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from drf_ratchet import throttling


@contextmanager
def no_throttles() -> Iterator[None]:
    """Let drf-ratchet's own rate limits count nothing until the block ends.

    For tests that sign in by the URL, with a password, more often than a person would. A project's
    other throttles go on.
    """
    with patch.object(throttling, "rate_of", lambda scope: None):
        yield
