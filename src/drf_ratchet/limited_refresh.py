"""Refresh a session for a client: verify the token, limit, refresh, count the refusal.

The serializer, the browsable API's middleware and the bridges call this recipe.
"""

from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import Busy
from drf_ratchet.sessions.database import Contended
from drf_ratchet.sessions.device import network_of
from drf_ratchet.sessions.grant import HEADER, GetClaims, Grant, Transport
from drf_ratchet.sessions.refreshing import read_refresh, refresh_session
from drf_ratchet.throttling import RateLimit
from ratchet_tokens.claims import RefreshClaims
from ratchet_tokens.errors import Reason, TokenRefused

#: Reasons for which only a token that we signed is refused: its signature was verified first.
_REFUSALS_OF_OURS = {
    Reason.EXPIRED,
    Reason.SESSION_ENDED,
    Reason.REUSED,
    Reason.USER_INACTIVE,
    Reason.PASSWORD_CHANGED,
}


def refresh_for_client(
    refresh: object,
    *,
    request: HttpRequest | None,
    idempotency_key: str = "",
    get_claims: GetClaims | None = None,
    transport: Transport = HEADER,
) -> Grant:
    """Refresh the session of a refresh token, within the limits of the session and the network.

    Args:
        refresh: what the client sent; anything. Or what ``read_refresh`` returned for it.
        request: the request that brought it, Django's or DRF's.
        idempotency_key: the client's key for this token. A retry with it gets the same response.
        get_claims: returns further custom claims for this access token, given the user.
        transport: how this token and the new ones travel.

    Raises:
        TokenRefused: with the reason.
        Throttled: the session refreshes too often, or its network sent too many invalid tokens.
        Busy: the row changed under every attempt.
    """
    window = ratchet_settings().COOKIE_RETRY_WINDOW if transport.refresh.in_cookie else None
    try:
        if not isinstance(refresh, RefreshClaims):
            refresh = read_refresh(refresh, kind=transport.refresh, request=request)
        limit_refreshes(refresh, request)
        return refresh_session(
            refresh,
            request=request,
            idempotency_key=idempotency_key,
            retry_window=window,
            get_claims=get_claims,
            transport=transport,
        )
    except TokenRefused as refused:
        count_refusal(request, refused.reason)
        raise
    except Contended:
        raise Busy from None


def limit_refreshes(token: RefreshClaims, request: HttpRequest | None) -> None:
    """Count a refresh of a token's session.

    Args:
        token: verified.
        request: the request that brought it.

    Raises:
        Throttled: the session refreshes too often.
    """
    wait = RateLimit("refresh", str(token.session), request).take()
    if wait is not None:
        raise Throttled(wait)


def count_refusal(request: Any, reason: Reason | None = None) -> None:
    """Count a refused refresh token for the network that it comes from.

    Valid tokens of that network go on working. A token that we signed does not count: it names its
    session, which has a limit of its own. All visitors of a server that renders pages come from one
    network, and many of them may bring cookies of sessions that have ended.

    Args:
        request: the request that brought it, Django's or DRF's.
        reason: why it is refused; None counts it in any case.

    Raises:
        Throttled: the network sent too many.
    """
    if reason in _REFUSALS_OF_OURS:
        return
    wait = RateLimit("refresh_failures", network_of(request), request).take()
    if wait is not None:
        raise Throttled(wait) from None
