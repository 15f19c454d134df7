"""Ending the session of a token."""

from typing import Any
from uuid import UUID

from drf_ratchet.sessions import store
from drf_ratchet_compat.adopting import adopt
from drf_ratchet_compat.drf_jwt.reading import Payload
from drf_ratchet_compat.ending import end


def sign_out(payload: Payload, *, request: Any = None) -> UUID:
    """End the session; an old package's token becomes one first, so that it stays known.

    Inside a transaction it commits, or is undone, with that.

    Args:
        payload: verified.
        request: the request that logs out, or None.

    Returns:
        The session's id.
    """
    claims = adopt(payload.old, request=request) if payload.old else payload.session
    session = store.get(claims.session)
    if session is not None:
        end(session, request=request)
    return claims.session
