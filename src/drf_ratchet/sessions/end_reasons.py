"""Why a session ended: the values of ``Session.end_reason``."""

from enum import StrEnum

from ratchet_tokens.errors import Reason


class EndReason(StrEnum):
    """The reasons this package writes. A project may end sessions with reasons of its own."""

    #: Its own device logged out.
    LOGOUT = "logout"
    #: The user logged out everywhere.
    LOGOUT_ALL = "logout_all"
    #: Ended from another device, out of the list of sessions; or by a service.
    REVOKED = "revoked"
    #: A used refresh token was presented again.
    REUSE = "reuse_detected"
    #: The user was deactivated.
    USER_INACTIVE = "user_inactive"
    #: The user was deleted.
    USER_DELETED = "user_deleted"
    #: The password was changed, and not by this device within ``keep_session``.
    PASSWORD_CHANGED = "password_changed"
    #: The user signed in on one device more than ``MAX_SESSIONS_PER_USER``.
    LIMIT = "session_limit"
    #: The browser that held it signed in again.
    REPLACED = "replaced"
    #: ``manage.py ratchet end``, and ``end_sessions_before``, unless they are given another.
    ADMIN = "admin"
    #: A token was further ahead of the counter than lost writes explain.
    TOO_FAR_AHEAD = "too_far_ahead"


def reason_after(end_reason: str) -> Reason:
    """What a client is told that comes with a token of a session that has ended."""
    if end_reason == EndReason.PASSWORD_CHANGED:
        return Reason.PASSWORD_CHANGED
    return Reason.SESSION_ENDED
