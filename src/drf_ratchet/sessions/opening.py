"""Opening a session: where any login flow ends."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.signals import user_logged_in

from drf_ratchet import signals
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.models import Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.ending import end_beyond_limit
from drf_ratchet.sessions.grant import (
    HEADER,
    GetClaims,
    Grant,
    Transport,
    custom_claims,
    django_request,
    mint_access,
    mint_refresh,
)


def open_session(
    user: Any,
    *,
    request: Any = None,
    lifetime: timedelta | None = None,
    get_claims: GetClaims | None = None,
    transport: Transport = HEADER,
) -> Grant:
    """Sign a device in: the one call in which any login flow ends.

    It does not ask whether the user may sign in; whoever calls it has found that out. Sends
    Django's ``user_logged_in`` (with a request only) and ``session_opened``.

    Args:
        user: a saved user.
        request: the request that signs in, Django's or DRF's: its user agent and address are
            kept with the session.
        lifetime: the session's absolute lifetime, instead of ``SESSION_LIFETIME``.
        get_claims: given the user, further custom claims for this one access token.
        transport: how the tokens travel; by default in a header and in bodies.

    Returns:
        The pair of tokens and the session.

    Raises:
        ImproperlyConfigured: the custom claims cannot be used. No session is left behind.
    """
    settings = ratchet_settings()
    session = store.insert(
        user,
        rotates=settings.ROTATE_REFRESH_TOKENS,
        idle=settings.REFRESH_TOKEN_LIFETIME,
        absolute=lifetime or settings.SESSION_LIFETIME,
        device=device_of(request),
    )
    try:
        custom = custom_claims(user, session=session, request=request, get_claims=get_claims)
        access, access_expires_at = mint_access(
            user,
            session,
            session.created_at,
            session.expires_at,
            custom,
            kind=transport.access,
            request=request,
        )
        refresh = mint_refresh(user, session, transport.refresh, request)
        _send_logged_in(user, request)
    except BaseException:
        # Nobody will ever hold a token of this session.
        store.rows().filter(pk=session.pk).delete()
        raise
    announce(session, request)
    return Grant(access, refresh, session, session.created_at, access_expires_at)


def announce(session: Session, request: Any) -> None:
    """What follows once a new session has its tokens: ``MAX_SESSIONS_PER_USER``, and the signal.

    Args:
        session: the row, with ``session.user`` loaded.
        request: the request that signed in, or None.
    """
    limit = ratchet_settings().MAX_SESSIONS_PER_USER
    if limit is not None:
        end_beyond_limit(session.user, limit, request=request)
    signals.session_opened.send_robust(sender=Session, session=session, request=request)


def _send_logged_in(user: Any, request: Any) -> None:
    if request is None:
        return  # receivers of Django's signal read request.META
    http = django_request(request)
    if hasattr(http, "user"):
        http.user = user  # as django.contrib.auth.login does
    user_logged_in.send(sender=user.__class__, request=http, user=user)
