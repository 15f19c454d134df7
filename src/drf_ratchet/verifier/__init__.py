"""For services beside the one that signs in: verify its access tokens, and ask it nothing.

It needs neither Django nor a database. ``drf_ratchet.verifier.asgi`` is a middleware,
``drf_ratchet.verifier.fastapi`` a dependency.
"""

from drf_ratchet.tokens.claims import Claims
from drf_ratchet.tokens.errors import Reason, TokenRefused, Unavailable
from drf_ratchet.verifier.verifier import Verifier

__all__ = ["Claims", "Reason", "TokenRefused", "Unavailable", "Verifier"]
