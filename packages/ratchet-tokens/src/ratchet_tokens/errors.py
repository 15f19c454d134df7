"""Why a token is refused, or cannot be judged."""

from enum import StrEnum


class Reason(StrEnum):
    """The ``reason`` of a refusal, as clients see it. The values are part of the HTTP contract."""

    #: What was sent is no JWT, or has a header or a claim of a form that we do not make.
    MALFORMED = "malformed"
    #: The signature does not fit, or no key is known by the name that the token says.
    BAD_SIGNATURE = "bad_signature"
    #: A refresh token in place of an access token, one for a cookie in a header, or the reverse.
    WRONG_TYPE = "wrong_type"
    #: Its ``exp`` has passed, or its session was not refreshed for too long.
    EXPIRED = "expired"
    #: Its ``nbf`` or ``iat`` is in the future: two clocks differ.
    NOT_YET_VALID = "not_yet_valid"
    #: Its ``iss`` is not ``ISSUER``.
    WRONG_ISSUER = "wrong_issuer"
    #: Its ``aud`` names none of ``AUDIENCE``.
    WRONG_AUDIENCE = "wrong_audience"
    #: Somebody logged out, or something else ended the session; or it is not there any more.
    SESSION_ENDED = "session_ended"
    #: A refresh token behind the counter: what was presented had been used up before.
    REUSED = "reused"
    #: The user's ``is_active`` is False; or, at a refresh or when ``request.user`` is loaded with
    #: ``FRESHNESS`` "bounded" or "expiry", the user is gone.
    USER_INACTIVE = "user_inactive"
    #: The password is another than the one that the session was opened under.
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


class Unavailable(Exception):
    """Whether a token is good cannot be known just now: ask again in a moment (HTTP 503).

    It carries what is missing and never the token, so that it may be logged.
    """


def gettext_noop(text: str) -> str:
    """The text itself: marks it for translation, where there is no framework to translate it."""
    return text


#: The ``detail`` of a refusal.
DETAILS = {
    Reason.MALFORMED: gettext_noop("This is not a token of the expected form."),
    Reason.BAD_SIGNATURE: gettext_noop("The token's signature is not valid."),
    Reason.WRONG_TYPE: gettext_noop("This is a token of another type than is needed here."),
    Reason.EXPIRED: gettext_noop("The token has expired."),
    Reason.NOT_YET_VALID: gettext_noop("The token is not valid yet."),
    Reason.WRONG_ISSUER: gettext_noop("The token was issued by somebody else."),
    Reason.WRONG_AUDIENCE: gettext_noop("The token was issued for somebody else."),
    Reason.SESSION_ENDED: gettext_noop("This session has ended. Sign in again."),
    Reason.REUSED: gettext_noop(
        "This refresh token was used before. The session has ended. Sign in again."
    ),
    Reason.USER_INACTIVE: gettext_noop("This account is not active."),
    Reason.PASSWORD_CHANGED: gettext_noop("The password was changed. Sign in again."),
}


def refusal_body(reason: Reason) -> dict[str, str]:
    """The body of an error about a token: clients of simplejwt look for this code."""
    return {"detail": DETAILS[reason], "code": "token_not_valid", "reason": reason.value}
