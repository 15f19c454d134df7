"""Why a token is refused."""

from enum import StrEnum


class Reason(StrEnum):
    """The ``reason`` of a refusal, as clients see it. The values are part of the HTTP contract."""

    MALFORMED = "malformed"
    BAD_SIGNATURE = "bad_signature"
    WRONG_TYPE = "wrong_type"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    SESSION_ENDED = "session_ended"
    REUSED = "reused"
    USER_INACTIVE = "user_inactive"
    PASSWORD_CHANGED = "password_changed"


class TokenRefused(Exception):
    """A token is not accepted.

    It carries the reason and never the token, so that it may be logged.

    Args:
        reason: which of the contract's reasons applies.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
