"""Repair state in a forked child: locks that the parent's threads held."""

import os
from collections.abc import Callable


def after_fork(repair: Callable[[], object]) -> None:
    """Call a function in every child of this process, right after the fork.

    Args:
        repair: the function. It must not raise, and must not wait for a lock.
    """
    if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
        os.register_at_fork(after_in_child=repair)
