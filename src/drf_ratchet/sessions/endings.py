"""Why a session ended: the values of ``Session.end_reason``."""

from enum import StrEnum

from drf_ratchet.tokens.errors import Reason


class EndReason(StrEnum):
    """The reasons this package writes. A project may end sessions with reasons of its own."""

    LOGOUT = "logout"
    LOGOUT_ALL = "logout_all"
    #: Ended from another device, out of the list of sessions.
    REVOKED = "revoked"
    REUSE = "reuse_detected"
    USER_INACTIVE = "user_inactive"
    USER_DELETED = "user_deleted"
    PASSWORD_CHANGED = "password_changed"
    #: The user signed in on one device more than ``MAX_SESSIONS_PER_USER``.
    LIMIT = "session_limit"
    #: The browser that held it signed in again.
    REPLACED = "replaced"
    ADMIN = "admin"
    #: A token was further ahead of the counter than lost writes explain.
    TOO_FAR_AHEAD = "too_far_ahead"


def reason_after(end_reason: str) -> Reason:
    """What a client is told that comes with a token of a session that has ended."""
    if end_reason == EndReason.PASSWORD_CHANGED:
        return Reason.PASSWORD_CHANGED
    return Reason.SESSION_ENDED
