"""simplejwt's authentication classes."""

from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from rest_framework import HTTP_HEADER_ENCODING
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import Busy
from drf_ratchet.sessions.freshness import fresh_user
from drf_ratchet_compat.simplejwt import old
from drf_ratchet_compat.simplejwt.base import Token
from drf_ratchet_compat.simplejwt.exceptions import AuthenticationFailed, InvalidToken, TokenError
from drf_ratchet_compat.simplejwt.models import TokenUser
from drf_ratchet_compat.simplejwt.sessions import token_error
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.underneath import header_types
from drf_ratchet_compat.simplejwt.wire import SLIDING
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import Reason, TokenRefused, Unavailable

#: For annotations.
AuthUser = TypeVar("AuthUser", AbstractBaseUser, TokenUser)

AUTH_HEADER_TYPES: tuple[str, ...] = header_types()
AUTH_HEADER_TYPE_BYTES: set[bytes] = {name.encode(HTTP_HEADER_ENCODING) for name in header_types()}


class JWTAuthentication(BaseAuthentication):
    """Signs a request in by the token in its header.

    ``request.user`` is the user, ``request.auth`` the token. A session that has ended, an inactive
    user and a new password are refused, as ``FRESHNESS`` says.
    """

    www_authenticate_realm = "api"
    media_type = "application/json"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user_model = get_user_model()

    @sensitive_variables()  # an error report shows no token
    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        """The user and the token; None where the header is missing or of another scheme.

        Raises:
            AuthenticationFailed: 401.
            Busy: with ``FRESHNESS = "bounded"``, nobody knows who is signed in any more.
        """
        header = self.get_header(request)
        raw_token = None if header is None else self.get_raw_token(header)
        if raw_token is None:
            return None
        validated_token = self.get_validated_token(raw_token)
        return self.get_user(validated_token), validated_token

    def authenticate_header(self, request: Request) -> str:
        """The ``WWW-Authenticate`` of a 401."""
        return f'{header_types()[0]} realm="{self.www_authenticate_realm}"'

    def get_header(self, request: Request) -> bytes | None:
        """The header ``AUTH_HEADER_NAME``."""
        header = request.META.get(api_settings.AUTH_HEADER_NAME)
        return header.encode(HTTP_HEADER_ENCODING) if isinstance(header, str) else header

    def get_raw_token(self, header: bytes) -> bytes | None:
        """The token in it; None where it is empty or of another scheme.

        Raises:
            AuthenticationFailed: it has not two words.
        """
        words = header.split()
        if not words or words[0].decode(HTTP_HEADER_ENCODING) not in header_types():
            return None
        if len(words) != 2:
            raise AuthenticationFailed(
                _("Authorization header must contain two space-delimited values"),
                code="bad_authorization_header",
            )
        return words[1]

    def get_validated_token(self, raw_token: bytes) -> Token:
        """The token, of the first of ``AUTH_TOKEN_CLASSES`` that it is good for.

        Raises:
            InvalidToken: it is good for none.
        """
        messages = []
        for kind in api_settings.AUTH_TOKEN_CLASSES:
            try:
                token: Token = kind(raw_token)
                return token
            except TokenError as error:
                messages.append(
                    {
                        "token_class": kind.__name__,
                        "token_type": kind.token_type,
                        "message": error.args[0],
                    }
                )
        raise InvalidToken(
            {"detail": _("Given token not valid for any token type"), "messages": messages}
        )

    def get_user(self, validated_token: Token) -> Any:
        """The user of a token, whose session is alive.

        Raises:
            AuthenticationFailed: 401.
        """
        if api_settings.USER_ID_CLAIM not in validated_token:
            raise InvalidToken(_("Token contained no recognizable user identification"))
        try:
            return self._user(validated_token)
        except TokenRefused as refused:
            raise self._as_theirs(refused.reason, validated_token) from None
        except Unavailable:
            raise Busy from None

    def _user(self, token: Token) -> Any:
        if token.payload.kind in (Kind.ACCESS, SLIDING):
            return fresh_user(token.payload)
        # simplejwt's own tokens, and those of the project's own kinds.
        user = old.old_user(token.payload)
        if user is None:
            raise TokenRefused(Reason.SESSION_ENDED)
        if not user.is_active:
            raise TokenRefused(Reason.USER_INACTIVE)
        return user

    def _as_theirs(self, reason: Reason, token: Token) -> AuthenticationFailed:
        """A refusal of ours as simplejwt's error."""
        if reason in _CODES:
            text, code = _CODES[reason]
            return AuthenticationFailed(text, code=code)
        if reason is Reason.SESSION_ENDED and self._is_gone(token):
            return AuthenticationFailed(_("User not found"), code="user_not_found")
        return InvalidToken(
            {
                "detail": _("Given token not valid for any token type"),
                "messages": [
                    {
                        "token_class": type(token).__name__,
                        "token_type": token.token_type,
                        "message": token_error(reason).args[0],
                    }
                ],
            }
        )

    def _is_gone(self, token: Token) -> bool:
        """Whether the user was deleted, which ended the session. simplejwt tells the two apart."""
        try:
            return old.old_user(token.payload) is None
        except TokenRefused:
            return False


_CODES = {
    Reason.PASSWORD_CHANGED: (_("The user's password has been changed."), "password_changed"),
    Reason.USER_INACTIVE: (_("User is inactive"), "user_inactive"),
}


class JWTStatelessUserAuthentication(JWTAuthentication):
    """Signs a request in by what the token says, and asks no database who that is.

    With ``FRESHNESS = "bounded"`` a session that has ended is refused all the same.
    """

    def get_user(self, validated_token: Token) -> Any:
        """A ``TOKEN_USER_CLASS`` of the token.

        Raises:
            InvalidToken: the token names no user.
        """
        if ratchet_settings().FRESHNESS == "bounded":
            super().get_user(validated_token)
        elif api_settings.USER_ID_CLAIM not in validated_token:
            raise InvalidToken(_("Token contained no recognizable user identification"))
        return api_settings.TOKEN_USER_CLASS(validated_token)


JWTTokenUserAuthentication = JWTStatelessUserAuthentication


def default_user_authentication_rule(user: Any) -> bool:
    """Whether a user may have a token: ``USER_AUTHENTICATION_RULE``, unless it says else."""
    return user is not None and user.is_active
