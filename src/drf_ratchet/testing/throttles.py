"""Switch drf-ratchet's rate limits off in tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from drf_ratchet import throttling


@contextmanager
def no_throttles() -> Iterator[None]:
    """Switch drf-ratchet's rate limits off until the block ends.

    Use it in tests that post passwords to the sign-in endpoint more often than a person would. The
    project's own throttles stay on.
    """
    with patch.object(throttling, "rate_of", lambda scope: None):
        yield
