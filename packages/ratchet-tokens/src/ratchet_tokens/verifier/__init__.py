"""Verify the access tokens of another server, without a request to it per token.

The verifier needs neither Django nor a database. ``ratchet_tokens.verifier.asgi`` is a middleware,
``ratchet_tokens.verifier.fastapi`` is a dependency.
"""

from ratchet_tokens.claims import Claims
from ratchet_tokens.errors import Reason, TokenRefused, Unavailable
from ratchet_tokens.verifier.verifier import Verifier

__all__ = ["Claims", "Reason", "TokenRefused", "Unavailable", "Verifier"]
