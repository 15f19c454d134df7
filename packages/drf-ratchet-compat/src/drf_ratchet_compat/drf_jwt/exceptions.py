"""What decoding raises. PyJWT's own exceptions are caught by the same ``except`` where it is there.

PyJWT is no dependency: a project that catches ``jwt.ExpiredSignatureError`` around a decode handler
and has uninstalled PyJWT catches the ones from here.
"""

from typing import Any

from drf_ratchet_compat.drf_jwt.generations import Why

try:
    from jwt import exceptions as _pyjwt
except ImportError:
    _pyjwt = None  # type: ignore[assignment]


def _base(name: str) -> Any:
    return getattr(_pyjwt, name, Exception)


_Invalid = _base("InvalidTokenError")
_Decode = _base("DecodeError")
_Expired = _base("ExpiredSignatureError")


class InvalidTokenError(_Invalid):  # type: ignore[misc, valid-type]
    """A token is refused. It carries why, and never the token.

    Args:
        why: the row of the table of sentences.
    """

    why = Why.INVALID

    def __init__(self, why: Why | None = None) -> None:
        self.why = why or self.why
        super().__init__(self.why.value)


class DecodeError(InvalidTokenError, _Decode):  # type: ignore[misc, valid-type]
    """It is malformed, or its signature is not good."""

    why = Why.UNDECODABLE


class ExpiredSignatureError(InvalidTokenError, _Expired):  # type: ignore[misc, valid-type]
    """It has expired."""

    why = Why.EXPIRED


#: PyJWT's older name of it.
ExpiredSignature = ExpiredSignatureError

_BY_WHY = {Why.EXPIRED: ExpiredSignatureError, Why.UNDECODABLE: DecodeError}


def refusal(why: Why) -> InvalidTokenError:
    """The exception for a reason."""
    return _BY_WHY.get(why, InvalidTokenError)(why)
