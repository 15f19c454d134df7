"""Why a session ended: the values of ``Session.end_reason``."""

from enum import StrEnum


class EndReason(StrEnum):
    """The reasons this package writes. A project may end sessions with reasons of its own."""

    LOGOUT = "logout"
    LOGOUT_ALL = "logout_all"
    REUSE = "reuse_detected"
    USER_INACTIVE = "user_inactive"
    PASSWORD_CHANGED = "password_changed"
    #: A token was further ahead of the counter than lost writes explain.
    TOO_FAR_AHEAD = "too_far_ahead"
