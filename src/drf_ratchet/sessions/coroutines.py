"""Open, refresh and end sessions in a coroutine. Each runs in a thread, as Django's ORM does."""

from typing import Any

from asgiref.sync import sync_to_async

from drf_ratchet.models import Session
from drf_ratchet.sessions.ending import end_all_sessions, end_session
from drf_ratchet.sessions.grant import Grant
from drf_ratchet.sessions.opening import open_session
from drf_ratchet.sessions.refreshing import refresh_session, step_up_session
from ratchet_tokens.claims import RefreshClaims


async def aopen_session(user: Any, **options: Any) -> Grant:
    """Open a session and return its tokens, as ``open_session`` does.

    Args:
        user: a saved instance of the user model.
        options: as for ``open_session``.

    Raises:
        NoActiveAccount: the user is inactive, or the policy refused the sign-in.
    """
    return await sync_to_async(open_session)(user, **options)


async def arefresh_session(token: str | RefreshClaims, **options: Any) -> Grant:
    """Advance a session's counter and return its new tokens, as ``refresh_session`` does.

    Args:
        token: the refresh token, as it came or verified.
        options: as for ``refresh_session``.

    Raises:
        TokenRefused: the token is refused.
    """
    return await sync_to_async(refresh_session)(token, **options)


async def astep_up_session(token: RefreshClaims, **options: Any) -> Grant:
    """Renew the ``auth_time`` of a session, as ``step_up_session`` does.

    Args:
        token: the verified refresh token.
        options: as for ``step_up_session``.

    Raises:
        TokenRefused: the token is refused.
    """
    return await sync_to_async(step_up_session)(token, **options)


async def aend_session(session: Session, **options: Any) -> bool:
    """End a session, and return whether this call ended it, as ``end_session`` does.

    Args:
        session: the row.
        options: as for ``end_session``.
    """
    return await sync_to_async(end_session)(session, **options)


async def aend_all_sessions(user: Any, **options: Any) -> int:
    """End all sessions of a user, as ``end_all_sessions`` does, and return their number.

    Args:
        user: an instance of the user model.
        options: as for ``end_all_sessions``.
    """
    return await sync_to_async(end_all_sessions)(user, **options)
