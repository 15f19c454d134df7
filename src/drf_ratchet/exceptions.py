"""Refusals in the contract's shape: ``detail``, ``code``, and ``reason`` for a token.

Every leaf of a body is DRF's ``ErrorDetail`` with the code of the refusal, so ``get_codes()`` and
``get_full_details()`` work in any exception handler. In JSON it is the plain text.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.exceptions import ErrorDetail

from ratchet_tokens import bearer, errors
from ratchet_tokens.errors import Reason


def error_body(detail: Any, code: str, **more: str) -> dict[str, Any]:
    """Return the body of an error, each leaf with its code.

    Args:
        detail: the sentence; a lazy translation is translated to the request's language.
        code: the stable code.
        more: further members.
    """
    members = {"detail": detail, "code": code, **more}
    return {name: ErrorDetail(text, code) for name, text in members.items()}


def refusal_body(reason: Reason) -> dict[str, Any]:
    """Return the body of an error about a token, in the request's language.

    Args:
        reason: why the token is refused.
    """
    body = errors.refusal_body(reason)
    return error_body(_(body.pop("detail")), body.pop("code"), **body)


class RequestRefused(exceptions.APIException):
    """The base of refusals to authenticate: ``TokenNotValid``, ``CsrfFailed`` and ``Busy``.

    Our authentication classes raise it, and so does ``request.user`` when it is loaded. DRF's views
    respond to it. In other code, catch it: ``status_code``, ``detail`` (a dict) and ``headers``
    make the response.
    """

    #: The headers of the response.
    headers: Mapping[str, str] = {}


class TokenNotValid(RequestRefused, exceptions.AuthenticationFailed):
    """401 for a refused token.

    Args:
        reason: why it is refused.
    """

    headers = {"WWW-Authenticate": bearer.REALM_INVALID_TOKEN}
    default_code = "token_not_valid"

    def __init__(self, reason: Reason) -> None:
        super().__init__(refusal_body(reason))
        self.reason = reason


class CsrfFailed(RequestRefused, exceptions.PermissionDenied):
    """403 for an access token in a cookie, if Django's CSRF check fails.

    Args:
        detail: which part of the check failed.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        in_contract_shape(self)


class NoActiveAccount(exceptions.AuthenticationFailed):
    """401 for a refused sign-in; the same for unknown, wrong and inactive."""

    default_detail = _("No active account was found with these credentials.")
    default_code = "no_active_account"


class BadIdempotencyKey(exceptions.APIException):
    """400 for an Idempotency-Key that the contract does not allow."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = _("The Idempotency-Key must be 1 to 128 visible ASCII characters.")
    default_code = "bad_idempotency_key"


class DifferentUsers(exceptions.APIException):
    """400 for a logout whose refresh token and access token belong to different users."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = _("The refresh token and the access token are of different users.")
    default_code = "different_users"


class DifferentSessions(exceptions.APIException):
    """400 for a step-up whose refresh token and access token belong to different sessions."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = _("The refresh token and the access token are of two sessions.")
    default_code = "different_sessions"


class ReauthenticationRequired(exceptions.APIException):
    """401 if the user has to authenticate again, or otherwise, for this request (RFC 9470, 3).

    Args:
        max_age: seconds for which a sign-in counts as recent; None for any time.
        acr: the ``acr`` values of which one is needed; none for any.
        amr: the authentication methods that are needed. RFC 9470 has no parameter for them, and
            clients that do not know ours ignore it (RFC 9110 section 11.2).
    """

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = _("Prove again who you are: this needs a recent sign-in.")
    default_code = "reauthentication_required"

    def __init__(
        self, max_age: int | None = None, acr: Sequence[str] = (), amr: Sequence[str] = ()
    ) -> None:
        super().__init__()
        in_contract_shape(self)
        challenge = ['Bearer error="insufficient_user_authentication"']
        if acr:
            challenge.append(f'acr_values="{" ".join(acr)}"')
        if amr:
            challenge.append(f'amr_values="{" ".join(amr)}"')
        if max_age is not None:
            challenge.append(f'max_age="{max_age}"')
        self.auth_header = ", ".join(challenge)


class CookieRefused(exceptions.PermissionDenied):
    """403 if the browser would drop the cookies of the response: the page is on another site."""

    default_detail = _(
        "The browser would not keep the session's cookie: this page is on another site than the "
        "API, or in a frame on one."
    )
    default_code = "cookie_refused"


class SecureCookieRefused(CookieRefused):
    """403 if the browser would drop ``Secure`` cookies: the page is on plain HTTP."""

    default_detail = _(
        "The browser would not keep the session's cookie: it is Secure, and this page is not on "
        "HTTPS. In development, set COOKIE_SECURE to False."
    )
    default_code = "cookie_refused"


class Busy(RequestRefused):
    """503 if the server cannot decide now. Nothing was written, and the client can retry."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("The server is busy. Try again in a moment.")
    default_code = "busy"
    #: Seconds for the Retry-After header.
    wait = 1
    headers = {"Retry-After": str(wait)}


class BodyTooLarge(exceptions.APIException):
    """413 for a request body that is longer than the endpoint takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request body is too large.")
    default_code = "body_too_large"


class UnknownContentType(exceptions.APIException):
    """415 for a Content-Type that the endpoint does not accept.

    DRF's own error repeats the Content-Type, and with it any text that a client sends.
    """

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_detail = _("This endpoint does not take bodies of that Content-Type.")
    default_code = "unsupported_media_type"


def in_contract_shape(error: exceptions.APIException) -> exceptions.APIException:
    """Give an error the body ``{"detail", "code"}``; field errors and our own bodies are kept.

    Args:
        error: the exception, which is changed and returned.
    """
    if isinstance(error.detail, ErrorDetail):
        error.detail = error_body(error.detail, error.detail.code or error.default_code)
    return error
