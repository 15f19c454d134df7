"""Reasons why sessions end: the values of ``Session.end_reason``."""

from enum import StrEnum

from ratchet_tokens.errors import Reason


class EndReason(StrEnum):
    """The reasons this package writes. A project may end sessions with reasons of its own."""

    #: The session's own device logged out.
    LOGOUT = "logout"
    #: The user logged out everywhere.
    LOGOUT_ALL = "logout_all"
    #: The user ended it from another device, in the list of sessions; or a service revoked it.
    REVOKED = "revoked"
    #: A rotated refresh token was used again.
    REUSE = "reuse_detected"
    #: The user was deactivated.
    USER_INACTIVE = "user_inactive"
    #: The user was deleted.
    USER_DELETED = "user_deleted"
    #: The password changed, and ``keep_session`` did not keep this session.
    PASSWORD_CHANGED = "password_changed"
    #: The user signed in on more devices than ``MAX_SESSIONS_PER_USER``.
    LIMIT = "session_limit"
    #: The same browser signed in again.
    REPLACED = "replaced"
    #: The default reason of ``manage.py ratchet end`` and of ``end_sessions_before``.
    ADMIN = "admin"
    #: A token was more than ``CATCH_UP_LIMIT`` generations ahead of the counter.
    TOO_FAR_AHEAD = "too_far_ahead"


def reason_after(end_reason: str) -> Reason:
    """Return the reason that a client gets with a token of an ended session.

    Args:
        end_reason: the session's ``end_reason``.
    """
    if end_reason == EndReason.PASSWORD_CHANGED:
        return Reason.PASSWORD_CHANGED
    return Reason.SESSION_ENDED
