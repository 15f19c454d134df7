"""The packages that are raced. One module each: a whole Django project in one file.

Each has the settings which the package's own documentation gives for rotation, and otherwise its
defaults, on what ``startproject`` makes. This module says how a client speaks to each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

USERNAME = "alice"
PASSWORD = "ratchet-bench-1"


@dataclass(frozen=True)
class Peer:
    """A package and its HTTP interface."""

    name: str
    """The distribution's name."""
    module: str
    """The module in this package that is its project."""
    sign_in_path: str
    refresh_path: str
    field: str = "refresh"
    """What the refresh token is called, in a request and in an answer."""
    signed_in_under: str | None = None
    """The object in the answer to a sign-in that holds the tokens, if they are not at its top."""
    refreshed_under: str | None = None
    """The same for the answer to a refresh."""

    def signed_in(self, answer: dict[str, Any]) -> str:
        """The refresh token in the answer to a sign-in."""
        return self._token(answer, self.signed_in_under)

    def refreshed(self, answer: dict[str, Any]) -> str:
        """The refresh token in the answer to a refresh."""
        return self._token(answer, self.refreshed_under)

    def _token(self, answer: dict[str, Any], under: str | None) -> str:
        token = (answer if under is None else answer[under])[self.field]
        if not isinstance(token, str):
            raise TypeError(f"{self.name} answered without a refresh token.")
        return token


PEERS = (
    Peer(
        name="djangorestframework-simplejwt",
        module="simplejwt",
        sign_in_path="/api/token/",
        refresh_path="/api/token/refresh/",
    ),
    Peer(
        name="drf-sessions",
        module="drf_sessions",
        sign_in_path="/api/login/",
        refresh_path="/api/refresh/",
        field="refresh_token",
    ),
    Peer(
        name="django-allauth",
        module="allauth",
        sign_in_path="/_allauth/app/v1/auth/login",
        refresh_path="/_allauth/app/v1/tokens/refresh",
        field="refresh_token",
        signed_in_under="meta",
        refreshed_under="data",
    ),
    Peer(
        name="drf-ratchet",
        module="ratchet",
        sign_in_path="/api/token/",
        refresh_path="/api/token/refresh/",
    ),
)


def path_of(name: str) -> str:
    """Where ``peers.together`` has the view of a way to sign in; "" for the bare one."""
    return f"/{re.sub('[^a-z]+', '-', name.lower()) or 'bare'}/"
