"""Check that an access token's session is active, as strictly as ``FRESHNESS`` says."""

from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.sessions import store
from drf_ratchet.sessions.end_reasons import reason_after
from drf_ratchet.sessions.feed import feed_of
from drf_ratchet.sessions.fingerprint import is_unchanged
from drf_ratchet.sessions.lazy_user import LazyUser, aload
from drf_ratchet.sessions.subject import is_active, subject_of
from ratchet_tokens.claims import session_id
from ratchet_tokens.errors import Reason, TokenRefused

__all__ = ["active_user", "afresh_user", "aload", "fresh_user"]


def fresh_user(claims: Mapping[str, Any], freshness: str | None = None) -> Any:
    """Return the user of a verified access token, if its session is active.

    The user is an instance of the user model if it was read from the database, else a ``LazyUser``.

    Args:
        claims: verified claims of an access token.
        freshness: "immediate", "bounded" or "expiry"; the setting ``FRESHNESS`` by default.

    Raises:
        TokenRefused: the session has ended, the user is inactive, or the password changed.
        FeedTooOld: "bounded", and the database has not answered for ``FEED_MAX_AGE``.
    """
    return _USER_BY_FRESHNESS[freshness or ratchet_settings().FRESHNESS](claims)


async def afresh_user(claims: Mapping[str, Any], freshness: str | None = None) -> Any:
    """Return what ``fresh_user`` does, for a coroutine.

    "immediate" queries in a thread, as Django's asynchronous ORM does. "expiry" uses no thread, and
    "bounded" only where the feed has to be read.

    Args:
        claims: verified claims of an access token.
        freshness: as for ``fresh_user``.

    Raises:
        TokenRefused: as ``fresh_user``.
        FeedTooOld: as ``fresh_user``.
    """
    chosen = freshness or ratchet_settings().FRESHNESS
    if chosen == "expiry":
        return _user_on_trust(claims)
    if chosen == "bounded":
        ended = await feed_of(claims).ahas_ended(claims)
        if ended is not None:
            return _user_unless(ended, claims)
    return await sync_to_async(active_user)(claims)


def active_user(claims: Mapping[str, Any]) -> Any:
    """Return the user of a token's session, for "immediate". Always one query.

    It uses the user model's default manager. Users that the manager hides are refused.

    Args:
        claims: verified claims of an access token.

    Raises:
        TokenRefused: the session has ended, the user is inactive, or the password changed.
    """
    found = store.user_of(session_id(claims))
    if found is None or subject_of(found.user) != claims["sub"]:
        raise TokenRefused(Reason.SESSION_ENDED)
    if not is_active(found.user):
        raise TokenRefused(Reason.USER_INACTIVE)
    if found.ended or not found.in_time:
        raise TokenRefused(reason_after(found.end_reason))
    if not is_unchanged(found.user, found.fingerprint):
        raise TokenRefused(Reason.PASSWORD_CHANGED)
    return found.user


def _user_by_feed(claims: Mapping[str, Any]) -> Any:
    """Return the user for "bounded". The feed is read, and nothing else unless it cannot decide."""
    ended = feed_of(claims).has_ended(claims)
    return active_user(claims) if ended is None else _user_unless(ended, claims)


def _user_unless(ended: bool, claims: Mapping[str, Any]) -> LazyUser:
    if ended:
        raise TokenRefused(Reason.SESSION_ENDED)
    return LazyUser(claims["sub"], claims)


def _user_on_trust(claims: Mapping[str, Any]) -> Any:
    """Return the user for "expiry", without a query: the session is valid as long as the token."""
    return LazyUser(claims["sub"], claims)


_USER_BY_FRESHNESS = {"immediate": active_user, "bounded": _user_by_feed, "expiry": _user_on_trust}
