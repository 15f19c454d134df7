"""Is this session still alive? Asked per request, or known from the feed, or taken on trust."""

from collections.abc import Mapping
from typing import Any

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.sessions import store
from drf_ratchet.sessions.end_reasons import reason_after
from drf_ratchet.sessions.feed import feed_of
from drf_ratchet.sessions.fingerprint import is_unchanged
from drf_ratchet.sessions.lazy_user import LazyUser
from drf_ratchet.sessions.subject import is_active, subject_of
from ratchet_tokens.claims import session_id
from ratchet_tokens.errors import Reason, TokenRefused


def fresh_user(claims: Mapping[str, Any], freshness: str | None = None) -> Any:
    """Return the user of a verified access token, if its session is alive as far as is asked.

    A real instance where the user was read, else a ``LazyUser``.

    Args:
        claims: verified claims of an access token.
        freshness: "immediate", "bounded" or "expiry"; the setting ``FRESHNESS`` by default.

    Raises:
        TokenRefused: the session has ended, the user may not sign in, or the password changed.
        FeedTooOld: "bounded", and the database has not answered for too long.
    """
    return _WAYS[freshness or ratchet_settings().FRESHNESS](claims)


def living_user(claims: Mapping[str, Any]) -> Any:
    """ "immediate": one query, whatever the answer.

    Goes through the user model's default manager, so one that hides users keeps hiding them.
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
    """ "bounded": no query, but for the feed's own and where the feed cannot tell."""
    ended = feed_of(claims).has_ended(claims)
    if ended is None:
        return living_user(claims)
    if ended:
        raise TokenRefused(Reason.SESSION_ENDED)
    return LazyUser(claims["sub"], claims)


def _user_on_trust(claims: Mapping[str, Any]) -> Any:
    """ "expiry": no query; a session is alive for as long as its access token."""
    return LazyUser(claims["sub"], claims)


_WAYS = {"immediate": living_user, "bounded": _user_by_feed, "expiry": _user_on_trust}
