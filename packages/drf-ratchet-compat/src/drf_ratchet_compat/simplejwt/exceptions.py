"""simplejwt's exceptions."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status


class TokenError(Exception):
    """A token is no good; its text is for users."""


class ExpiredTokenError(TokenError):
    """It was good until it expired."""


class TokenBackendError(Exception):
    """A token could not be decoded, or not be made."""


class TokenBackendExpiredToken(TokenBackendError):
    """It could be decoded and has expired."""


class DetailDictMixin:
    """For an APIException whose body is a dict with ``detail`` and ``code``.

    Args:
        detail: the sentence, or a dict to lay over the body; by default ``default_detail``.
        code: by default ``default_code``.
    """

    default_detail: Any
    default_code: str

    def __init__(self, detail: dict[str, Any] | Any | None = None, code: str | None = None) -> None:
        body: dict[str, Any] = {"detail": self.default_detail, "code": self.default_code}
        if isinstance(detail, dict):
            body |= detail
        elif detail is not None:
            body["detail"] = detail
        if code is not None:
            body["code"] = code
        super().__init__(body)  # type: ignore[call-arg]


class AuthenticationFailed(DetailDictMixin, exceptions.AuthenticationFailed):
    """401."""


class InvalidToken(AuthenticationFailed):
    """401 for a token."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = _("Token is invalid or expired")
    default_code = "token_not_valid"
