"""The authenticators of both generations."""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.utils.encoding import force_str
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from drf_ratchet.authentication import varies_by
from drf_ratchet.exceptions import Busy
from drf_ratchet.security_log import one_line, security_log
from drf_ratchet_compat.drf_jwt.blacklist.exceptions import (
    InvalidAuthorizationCredentials,
    MissingToken,
)
from drf_ratchet_compat.drf_jwt.exceptions import InvalidTokenError
from drf_ratchet_compat.drf_jwt.generations import Why
from drf_ratchet_compat.drf_jwt.reading import Payload, read_token
from drf_ratchet_compat.drf_jwt.settings import api_settings
from drf_ratchet_compat.drf_jwt.utils import check_user
from ratchet_tokens.errors import Unavailable

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_BLACKLIST = f"{__package__}.blacklist"


class PresentedToken(str):
    """The token that signed a request in, with its payload. Its repr does not show it.

    Args:
        token: the token.
        payload: what it says, verified.
    """

    payload: Payload

    def __new__(cls, token: str, payload: Payload) -> "PresentedToken":
        made = super().__new__(cls, token)
        made.payload = payload
        return made

    def __repr__(self) -> str:
        return "<PresentedToken>"


class BaseJSONWebTokenAuthentication(BaseAuthentication):
    """Signs a request in by a token; where it is in the request, a subclass says.

    ``request.user`` is the user, ``request.auth`` the token, a string with its ``payload``.
    """

    #: How old "still signed in" may be here; None for the setting ``FRESHNESS``.
    freshness: str | None = None

    def get_jwt_value(self, request: Request) -> Any:
        """The request's token; None where it brings none."""
        raise NotImplementedError("A subclass says where the token is.")

    @sensitive_variables()  # an error report shows no token
    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """The user and the token; None where the request brings none.

        Raises:
            AuthenticationFailed: the token is refused.
            PermissionDenied: a cookie signs in a request that another site sends; or, with the
                blacklist's app installed, the session has ended.
            Busy: with ``FRESHNESS = "bounded"``, nobody knows who is signed in any more.
        """
        # The token may be in a cookie: JWT_AUTH_COOKIE, or one of a subclass of the project's.
        varies_by(request, "Authorization", "Cookie")
        token = self.get_jwt_value(request)
        if token is None:
            return None
        token = force_str(token, errors="replace")
        try:
            payload = read_token(token, self.freshness, request=request)
        except InvalidTokenError as refused:
            raise _answer(refused.why) from None
        except Unavailable:
            raise Busy from None
        _demand_same_origin(request, token)
        return self.authenticate_credentials(payload), PresentedToken(token, payload)

    def authenticate_credentials(self, payload: dict[str, Any]) -> Any:
        """The user of a payload.

        Args:
            payload: as it was decoded; that its session is alive is known.

        Raises:
            AuthenticationFailed: it names nobody who may sign in.
        """
        if isinstance(payload, Payload):
            return payload.user
        try:
            return check_user(payload)
        except exceptions.ValidationError as refused:
            raise exceptions.AuthenticationFailed(refused.detail) from None


class JSONWebTokenAuthentication(BaseJSONWebTokenAuthentication):
    """By the token in the Authorization header, or in the cookie ``JWT_AUTH_COOKIE``.

    The words ``JWT`` and ``Bearer`` are accepted before it, and ``JWT_AUTH_HEADER_PREFIX``.
    """

    www_authenticate_realm = "api"

    @classmethod
    def jwt_create_payload(cls, *args: Any, **kwargs: Any) -> Any:
        """``JWT_PAYLOAD_HANDLER``."""
        return api_settings.JWT_PAYLOAD_HANDLER(*args, **kwargs)

    @classmethod
    def jwt_encode_payload(cls, *args: Any, **kwargs: Any) -> Any:
        """A token for a payload."""
        return api_settings.JWT_ENCODE_HANDLER(*args, **kwargs)

    @classmethod
    def jwt_decode_token(cls, *args: Any, **kwargs: Any) -> Any:
        """The payload of a token."""
        return api_settings.JWT_DECODE_HANDLER(*args, **kwargs)

    @classmethod
    def jwt_get_username_from_payload(cls, *args: Any, **kwargs: Any) -> Any:
        """``JWT_PAYLOAD_GET_USERNAME_HANDLER``."""
        return api_settings.JWT_PAYLOAD_GET_USERNAME_HANDLER(*args, **kwargs)

    @classmethod
    def jwt_create_response_payload(cls, *args: Any, **kwargs: Any) -> Any:
        """``JWT_RESPONSE_PAYLOAD_HANDLER``."""
        return api_settings.JWT_RESPONSE_PAYLOAD_HANDLER(*args, **kwargs)

    def get_jwt_value(self, request: Request) -> Any:
        """The token in the header, else in a cookie; None for none.

        Raises:
            AuthenticationFailed: as 1.11 alone does, for a header of our scheme and not one word.
        """
        if api_settings.generation.name == "1.11":
            _refuse_as_1_11_did(get_authorization_header(request).split())
        try:
            return self.get_token_from_request(request)
        except MissingToken:
            return None

    @classmethod
    def get_token_from_request(cls, request: Request) -> str | None:
        """The token in the header, else in a cookie; None where the header is of another scheme.

        Raises:
            MissingToken: there is none in either.
        """
        try:
            header = get_authorization_header(request).decode()
            return cls.get_token_from_authorization_header(header)
        except (InvalidAuthorizationCredentials, UnicodeDecodeError):
            return cls.get_token_from_cookies(request.COOKIES)

    @classmethod
    def get_token_from_authorization_header(cls, authorization_header: str) -> str | None:
        """The token in a header; None where it is of another scheme.

        Raises:
            InvalidAuthorizationCredentials: it is not two words.
        """
        prefix, space, token = authorization_header.partition(" ")
        if not space or " " in token:
            raise InvalidAuthorizationCredentials
        if not cls.prefixes_match(prefix):
            return None
        if not token:
            raise InvalidAuthorizationCredentials
        return token

    @classmethod
    def prefixes_match(cls, prefix: str) -> bool:
        """Whether a word before a token is one of ours (RFC 9110 section 11.1: in any case)."""
        return prefix.lower() in {"jwt", "bearer", api_settings.JWT_AUTH_HEADER_PREFIX.lower()}

    @classmethod
    def get_token_from_cookies(cls, cookies: Mapping[str, str]) -> str:
        """The token in a cookie; that of an impersonation comes first.

        Raises:
            MissingToken: there is none.
        """
        for name in (api_settings.JWT_IMPERSONATION_COOKIE, api_settings.JWT_AUTH_COOKIE):
            if name and cookies.get(name):
                return cookies[name]
        raise MissingToken

    def authenticate_header(self, request: Request) -> str:
        """The ``WWW-Authenticate`` of a 401."""
        return f'{api_settings.JWT_AUTH_HEADER_PREFIX} realm="{self.www_authenticate_realm}"'


def _answer(why: Why) -> exceptions.APIException:
    said = api_settings.generation.at_the_door[why]
    if why is Why.ENDED and apps.is_installed(_BLACKLIST):
        return exceptions.PermissionDenied(said)
    return exceptions.AuthenticationFailed(said)


def _demand_same_origin(request: Request, token: str) -> None:
    """Refuse what another site makes a browser send, with the cookie that it sends by itself.

    Raises:
        PermissionDenied: it may change something, and comes from no page of ours.
    """
    # Late: it imports DRF's views, which import authenticators.
    from drf_ratchet.browser.cross_site import IsSameOrigin, comes_from_us

    if request.method in _SAFE_METHODS or comes_from_us(request):
        return
    names = (api_settings.JWT_IMPERSONATION_COOKIE, api_settings.JWT_AUTH_COOKIE)
    in_cookie = any(name and request.COOKIES.get(name) == token for name in names)
    # No site can make a browser send a header that it does not know the token for.
    if in_cookie and token not in get_authorization_header(request).decode("latin-1").split():
        security_log.warning(
            "Refused a request to %s that a cookie signed in.", one_line(request.path)
        )
        raise exceptions.PermissionDenied(str(IsSameOrigin.message["detail"]))


def _refuse_as_1_11_did(parts: list[bytes]) -> None:
    if not parts or not JSONWebTokenAuthentication.prefixes_match(parts[0].decode("latin-1")):
        return
    if len(parts) == 1:
        raise exceptions.AuthenticationFailed(
            _("Invalid Authorization header. No credentials provided.")
        )
    if len(parts) > 2:
        raise exceptions.AuthenticationFailed(
            _("Invalid Authorization header. Credentials string should not contain spaces.")
        )
