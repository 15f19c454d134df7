"""For services beside the one that signs in: verify its access tokens, and ask it nothing.

It needs neither Django nor a database. ``ratchet_tokens.verifier.asgi`` is a middleware,
``ratchet_tokens.verifier.fastapi`` a dependency.
"""

from ratchet_tokens.claims import Claims
from ratchet_tokens.errors import Reason, TokenRefused, Unavailable
from ratchet_tokens.verifier.verifier import Verifier

__all__ = ["Claims", "Reason", "TokenRefused", "Unavailable", "Verifier"]
