"""Refusals in the contract's shape: ``detail``, ``code``, and ``reason`` for a token.

Every leaf of a body is DRF's ``ErrorDetail`` with the code of the refusal, so that ``get_codes()``
and ``get_full_details()`` work in any exception handler. In JSON it is the plain text.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.exceptions import ErrorDetail

from ratchet_tokens import bearer, errors
from ratchet_tokens.errors import Reason


def error_body(detail: Any, code: str, **more: str) -> dict[str, Any]:
    """Return the body of an error, each leaf with its code.

    Args:
        detail: the sentence; a lazy translation is said in the language of the request.
        code: the stable code.
        more: further members.
    """
    members = {"detail": detail, "code": code, **more}
    return {name: ErrorDetail(text, code) for name, text in members.items()}


def refusal_body(reason: Reason) -> dict[str, Any]:
    """Return the body of an error about a token, in the language of the request."""
    body = errors.refusal_body(reason)
    return error_body(_(body.pop("detail")), body.pop("code"), **body)


class RequestRefused(exceptions.APIException):
    """Any refusal to sign a request in: ``TokenNotValid`` (401), ``CsrfFailed`` or ``Busy`` (503).

    Raised by our authentication classes, and by ``request.user`` when it is loaded. DRF's views
    answer it. Elsewhere catch it: ``status_code``, ``detail`` (a dict) and ``headers`` make the
    response.
    """

    #: The headers of the response.
    headers: Mapping[str, str] = {}


class TokenNotValid(RequestRefused, exceptions.AuthenticationFailed):
    """401 for a token that is refused.

    Args:
        reason: why.
    """

    headers = {"WWW-Authenticate": bearer.REALM_INVALID_TOKEN}
    default_code = "token_not_valid"

    def __init__(self, reason: Reason) -> None:
        super().__init__(refusal_body(reason))
        self.reason = reason


class CsrfFailed(RequestRefused, exceptions.PermissionDenied):
    """403 for an access token in a cookie, without what Django's CSRF check asks for.

    Args:
        detail: which part of the check failed.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        in_contract_shape(self)


class NoActiveAccount(exceptions.AuthenticationFailed):
    """401 for a sign-in: unknown, wrong and inactive look the same."""

    default_detail = _("No active account was found with these credentials.")
    default_code = "no_active_account"


class BadIdempotencyKey(exceptions.APIException):
    """400 for an Idempotency-Key that the contract does not allow."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = _("The Idempotency-Key must be 1 to 128 visible ASCII characters.")
    default_code = "bad_idempotency_key"


class DifferentUsers(exceptions.APIException):
    """400 for a logout with the refresh token of one user and the access token of another."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = _("The refresh token and the access token are of different users.")
    default_code = "different_users"


class DifferentSessions(exceptions.APIException):
    """400 for a step-up with the refresh token of another session than the access token's."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = _("The refresh token and the access token are of two sessions.")
    default_code = "different_sessions"


class ReauthenticationRequired(exceptions.APIException):
    """401 for a sign-in that is too long ago for what is asked (RFC 9470 section 3).

    Args:
        max_age: seconds that a sign-in counts as recent.
    """

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = _("Prove again who you are: this needs a recent sign-in.")
    default_code = "reauthentication_required"

    def __init__(self, max_age: int) -> None:
        super().__init__()
        in_contract_shape(self)
        self.auth_header = f'Bearer error="insufficient_user_authentication", max_age="{max_age}"'


class CookieRefused(exceptions.PermissionDenied):
    """403 for what would set cookies that the browser drops: the page is on another site."""

    default_detail = _(
        "The browser would not keep the session's cookie: this page is on another site than the "
        "API, or in a frame on one."
    )
    default_code = "cookie_refused"


class SecureCookieRefused(CookieRefused):
    """403 for what would set ``Secure`` cookies that the browser drops: the page is on HTTP."""

    default_detail = _(
        "The browser would not keep the session's cookie: it is Secure, and this page is not on "
        "HTTPS. In development, set COOKIE_SECURE to False."
    )
    default_code = "cookie_refused"


class Busy(RequestRefused):
    """503 for what could not be decided just now; nothing was written."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("The server is busy. Try again in a moment.")
    default_code = "busy"
    #: Seconds, for Retry-After.
    wait = 1
    headers = {"Retry-After": str(wait)}


class BodyTooLarge(exceptions.APIException):
    """413 for a request body that is longer than the endpoint takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request body is too large.")
    default_code = "body_too_large"


class UnknownContentType(exceptions.APIException):
    """415. DRF's own repeats what was sent, and with it whatever a client puts there."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_detail = _("This endpoint does not take bodies of that Content-Type.")
    default_code = "unsupported_media_type"


def in_contract_shape(error: exceptions.APIException) -> exceptions.APIException:
    """Give an error the body ``{"detail", "code"}``; field errors and our own keep theirs."""
    if isinstance(error.detail, ErrorDetail):
        error.detail = error_body(error.detail, error.detail.code or error.default_code)
    return error
