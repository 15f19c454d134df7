"""A new token for one that is still good: of the same session, which is touched."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError

from drf_ratchet import signals
from drf_ratchet.models import Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import (
    ATTEMPTS,
    Contended,
    require_autocommit,
    retry_on_conflict,
    write_database,
)
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.fingerprint import renewed
from drf_ratchet.sessions.refreshing import read_alive
from drf_ratchet.sessions.rotation import Outcome
from drf_ratchet.sessions.sign_in_policy import may_sign_in
from drf_ratchet_compat.adopting import adopt
from drf_ratchet_compat.drf_jwt.acting import may_still_act
from drf_ratchet_compat.drf_jwt.exceptions import refusal
from drf_ratchet_compat.drf_jwt.generations import Why
from drf_ratchet_compat.drf_jwt.issuing import Issued, as_json, mint, touch
from drf_ratchet_compat.drf_jwt.reading import Payload, why_refused
from ratchet_tokens.claims import RefreshClaims
from ratchet_tokens.errors import TokenRefused


def renew(payload: Payload, new_payload: Mapping[str, Any], *, request: Any = None) -> Issued:
    """A new token of the session. One read and one conditional update.

    An old package's token becomes a session here, whoever comes first with it.

    Args:
        payload: of the token that was brought, verified and within its window.
        new_payload: what the new token is to say.
        request: the request that brought it; its user agent and address are kept.

    Raises:
        InvalidTokenError: the session is alive no more, or is none whose tokens are refreshed so.
        Contended: the row changed under every attempt; try again.
        RuntimeError: called inside a transaction.
    """
    require_autocommit(write_database())
    session = payload.session
    try:
        if payload.old:
            adopt(payload.old, request=request)
        for _ in range(ATTEMPTS):
            attempt = partial(_renew_once, session, payload, as_json(new_payload), request)
            issued = retry_on_conflict(attempt)
            if issued is not None:
                return issued
    except TokenRefused as refused:
        raise refusal(why_refused(refused.reason, session.session)) from None
    raise Contended


def _renew_once(
    claims: RefreshClaims, payload: Payload, said: Mapping[str, Any], request: Any
) -> Issued | None:
    """One read and one update; None where the row changed in between."""
    read = read_alive(claims)
    session = read.session
    if session.rotates:
        # It has a refresh token: an access token must not do in its place.
        raise refusal(Why.NO_ORIG_IAT)
    actor = payload.get("act")
    if actor and not may_still_act(actor):
        raise refusal(Why.DISABLED)
    if not may_sign_in(session.user, request=request, session=session):
        raise refusal(Why.DISABLED)
    try:
        issued = mint(session, said, read.now, request=request, actor=actor)
    except (DatabaseError, ObjectDoesNotExist):
        read_alive(claims)  # the user may have been deleted since the row was read
        raise
    changes = {
        **touch(session, said, read.now),
        "fingerprint": renewed(session.user, session.fingerprint),
        **device_of(request)._asdict(),
    }
    if not store.change(session, changes):
        return None
    signals.session_refreshed.send_robust(
        sender=Session, session=session, request=request, outcome=Outcome.HOLD
    )
    return issued
