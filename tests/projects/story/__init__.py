"""The story, step by step. Importing this registers the steps, in their order."""

from tests.projects.story import (
    admin,
    browsers,
    commands,
    devices,
    limits,
    malformed,
    refreshing,
    services,
    signing_in,
    users,
)  # fmt: skip

__all__ = [
    "admin",
    "browsers",
    "commands",
    "devices",
    "limits",
    "malformed",
    "refreshing",
    "services",
    "signing_in",
    "users",
]

#: Steps that belong to some acts alone: what one keeps, the next comes back with.
ACTS: dict[str, set[int]] = {}
