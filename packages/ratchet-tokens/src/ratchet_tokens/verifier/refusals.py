"""Build HTTP responses to refused requests in the issuer's shape (docs/services.md)."""

import json
from dataclasses import dataclass
from typing import Self

from ratchet_tokens.bearer import REALM, REALM_INVALID_TOKEN
from ratchet_tokens.errors import TokenRefused, refusal_body

#: Seconds, for Retry-After.
_WAIT = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """The response to a refused request.

    Args:
        status: the HTTP status.
        content: ``detail``, ``code`` and, for a token, ``reason``.
        headers: the headers by name, without those of the content.
    """

    status: int
    content: dict[str, str]
    headers: dict[str, str]

    @classmethod
    def no_token(cls) -> Self:
        """Return the 401 for a request without a token."""
        detail = "Authentication credentials were not provided."
        content = {"detail": detail, "code": "not_authenticated"}
        return cls(401, content, {"WWW-Authenticate": REALM})

    @classmethod
    def of(cls, refused: TokenRefused) -> Self:
        """Return the 401 for a request with an invalid token."""
        return cls(401, refusal_body(refused.reason), {"WWW-Authenticate": REALM_INVALID_TOKEN})

    @classmethod
    def unavailable(cls) -> Self:
        """Return the 503 for a token that cannot be verified now."""
        detail = "The server is busy. Try again in a moment."
        return cls(503, {"detail": detail, "code": "busy"}, {"Retry-After": str(_WAIT)})

    @property
    def body(self) -> bytes:
        """Return the content as JSON."""
        return json.dumps(self.content, separators=(",", ":")).encode()
