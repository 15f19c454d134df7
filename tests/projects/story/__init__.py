"""The story, step by step."""

from tests.projects.story import (
    admin,
    browsers,
    commands,
    devices,
    extra,
    limits,
    malformed,
    refreshing,
    services,
    signing_in,
    users,
)
from tests.projects.world import STEPS

#: The last moves the clock.
_ORDER = (
    commands,
    signing_in,
    admin,  # while there are few rows to be shown
    refreshing,
    devices,
    users,
    malformed,
    browsers,
    services,
    extra,
    limits,
)

STORY = {
    name: step
    for module in _ORDER
    for name, step in STEPS.items()
    if step.__module__ == module.__name__
}

__all__ = ["STORY", "commands"]
