"""Refusals as HTTP, in the issuer's own shape (docs/services.md); no framework."""

import json
from dataclasses import dataclass
from typing import Self

from ratchet_tokens.bearer import REALM, REALM_INVALID_TOKEN
from ratchet_tokens.errors import TokenRefused, refusal_body

#: Seconds, for Retry-After.
_WAIT = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that lets nobody in.

    Args:
        status: of HTTP.
        content: ``detail``, ``code`` and, for a token, ``reason``.
        headers: by name, beside the content's.
    """

    status: int
    content: dict[str, str]
    headers: dict[str, str]

    @classmethod
    def no_token(cls) -> Self:
        """401: the request brings no token."""
        detail = "Authentication credentials were not provided."
        content = {"detail": detail, "code": "not_authenticated"}
        return cls(401, content, {"WWW-Authenticate": REALM})

    @classmethod
    def of(cls, refused: TokenRefused) -> Self:
        """401: the request's token is no good."""
        return cls(401, refusal_body(refused.reason), {"WWW-Authenticate": REALM_INVALID_TOKEN})

    @classmethod
    def unavailable(cls) -> Self:
        """503: whether it is good cannot be known just now."""
        detail = "The server is busy. Try again in a moment."
        return cls(503, {"detail": detail, "code": "busy"}, {"Retry-After": str(_WAIT)})

    @property
    def body(self) -> bytes:
        """The content as JSON."""
        return json.dumps(self.content, separators=(",", ":")).encode()
