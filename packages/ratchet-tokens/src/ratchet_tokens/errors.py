"""The errors of verification: refused tokens, and tokens that cannot be verified now."""

from enum import StrEnum


class Reason(StrEnum):
    """The ``reason`` of a refusal, as clients see it. The values are part of the HTTP contract."""

    #: The token is not a JWT, or its header or a claim has an unexpected form.
    MALFORMED = "malformed"
    #: The signature is invalid, or no key has the ``kid`` that the token names.
    BAD_SIGNATURE = "bad_signature"
    #: A refresh token was sent instead of an access token, a cookie's token in a header, or vice
    #: versa.
    WRONG_TYPE = "wrong_type"
    #: Its ``exp`` has passed, or its session was not refreshed in time.
    EXPIRED = "expired"
    #: Its ``nbf`` or ``iat`` is in the future: the clocks of two machines differ.
    NOT_YET_VALID = "not_yet_valid"
    #: Its ``iss`` is not ``ISSUER``.
    WRONG_ISSUER = "wrong_issuer"
    #: Its ``aud`` does not contain a name in ``AUDIENCE``.
    WRONG_AUDIENCE = "wrong_audience"
    #: The session has ended, for example by a logout, or no longer exists.
    SESSION_ENDED = "session_ended"
    #: The refresh token was used before: its generation is behind the session's counter.
    REUSED = "reused"
    #: The user's ``is_active`` is False. At a refresh, or when ``request.user`` is loaded with
    #: ``FRESHNESS`` "bounded" or "expiry", also: the user was deleted.
    USER_INACTIVE = "user_inactive"
    #: The user's password has changed since the session was opened.
    PASSWORD_CHANGED = "password_changed"


class TokenRefused(Exception):
    """A token is refused.

    The error contains the reason and never the token, so it is safe to log.

    Args:
        reason: one of the HTTP contract's reasons.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Unavailable(Exception):
    """A token cannot be verified now. The client may retry in a moment (HTTP 503).

    The text says what is unavailable and never contains the token, so it is safe to log.
    """


def gettext_noop(text: str) -> str:
    """Return the text unchanged. Marks it for translation without importing a framework."""
    return text


#: The ``detail`` of a refusal.
DETAILS = {
    Reason.MALFORMED: gettext_noop("The token is malformed."),
    Reason.BAD_SIGNATURE: gettext_noop("The token's signature is not valid."),
    Reason.WRONG_TYPE: gettext_noop("The token has the wrong type."),
    Reason.EXPIRED: gettext_noop("The token has expired."),
    Reason.NOT_YET_VALID: gettext_noop("The token is not valid yet."),
    Reason.WRONG_ISSUER: gettext_noop("The token was issued by another issuer."),
    Reason.WRONG_AUDIENCE: gettext_noop("The token was issued for another audience."),
    Reason.SESSION_ENDED: gettext_noop("This session has ended. Sign in again."),
    Reason.REUSED: gettext_noop(
        "This refresh token was used before. The session has ended. Sign in again."
    ),
    Reason.USER_INACTIVE: gettext_noop("This account is not active."),
    Reason.PASSWORD_CHANGED: gettext_noop("The password was changed. Sign in again."),
}


def refusal_body(reason: Reason) -> dict[str, str]:
    """Return the body of the response to a refused token.

    Args:
        reason: the reason of the refusal. The ``code`` is the one that simplejwt's clients expect.
    """
    return {"detail": DETAILS[reason], "code": "token_not_valid", "reason": reason.value}
