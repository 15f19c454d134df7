"""What can go wrong, with a stable code for each."""

from collections.abc import Mapping, Sequence
from typing import Self


class RatchetError(Exception):
    """The server refused, did not answer, or cannot be asked from here.

    Args:
        code: a stable word: the server's, or one of the client's own (see the README).
        detail: a sentence for people; it holds no token and no password.
        status: the HTTP status; 0 where no answer came.
        reason: why the server refused a token, or None.
        fields: what is wrong with each field of a form.
        retry_after: seconds after which another try makes sense, or None.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int = 0,
        reason: str | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.reason = reason
        self.fields = dict(fields or {})
        self.retry_after = retry_after

    @property
    def is_transient(self) -> bool:
        """Whether the same call may well succeed later."""
        return self.code in ("no_answer", "locked") or self.status == 429 or self.status >= 500

    def again(self) -> Self:
        """Return a copy. Each of several waiting threads raises one of its own."""
        return type(self)(
            self.code,
            self.detail,
            status=self.status,
            reason=self.reason,
            fields=self.fields,
            retry_after=self.retry_after,
        )


class SignedOut(RatchetError):
    """Nobody is signed in, or the session has ended; ``reason`` is the server's. Sign in again."""


class UserChanged(RatchetError):
    """Another user has signed in since the call began. Nothing was sent as that user."""


def setup_error(detail: str) -> RatchetError:
    """Return the error for what somebody has to change before it can work."""
    return RatchetError("setup", detail)


def not_repeated() -> RatchetError:
    """Return the error for a body that is gone."""
    return RatchetError(
        "not_repeated",
        "The server refused the access token, and the body of the request is a stream that cannot "
        "be sent twice. There is a new token: send the request again.",
        status=401,
    )
