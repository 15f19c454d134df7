"""simplejwt's seven views."""

from typing import Any

from django.utils.module_loading import import_string
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from drf_ratchet.limited_refresh import count_refusal
from drf_ratchet.views import (
    SIGN_IN_THROTTLES,
    RatchetView,
    only_failures_count,
)
from drf_ratchet_compat.simplejwt.exceptions import InvalidToken, TokenError
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.underneath import header_types

AUTH_HEADER_TYPES = header_types()


class TokenViewBase(RatchetView):
    """What they share: the serializer does the work, and errors are simplejwt's."""

    permission_classes = ()
    authentication_classes = ()

    serializer_class: Any = None
    #: The setting that names the serializer where the class has none.
    _serializer_setting = ""
    _serializer_class = ""

    www_authenticate_realm = "api"

    def get_serializer_class(self) -> Any:
        """``serializer_class``, else the one that ``SIMPLE_JWT`` names."""
        if self.serializer_class:
            return self.serializer_class
        named = self._serializer_class or getattr(api_settings, self._serializer_setting)
        try:
            return import_string(named)
        except ImportError as error:
            raise ImportError(f"Could not import serializer '{named}'") from error

    def get_authenticate_header(self, request: Request) -> str:
        """The ``WWW-Authenticate`` of a 401."""
        return f'{header_types()[0]} realm="{self.www_authenticate_realm}"'

    def shape(self, error: exceptions.APIException) -> None:
        """simplejwt leaves errors as DRF makes them."""

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What the serializer validates to."""
        serializer = self.get_serializer(data=request.data)
        try:
            serializer.is_valid(raise_exception=True)
        except TokenError as error:
            count_refusal(request)
            raise InvalidToken(error.args[0]) from error
        return Response(serializer.validated_data, status=status.HTTP_200_OK)


class _SignInView(TokenViewBase):
    """Failed sign-ins are counted and limited."""

    signs_in = True
    throttle_classes = SIGN_IN_THROTTLES
    throttle_scope = "token_obtain"

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The tokens."""
        with only_failures_count(self):
            return super().post(request, *args, **kwargs)


class TokenObtainPairView(_SignInView):
    """Sign in: credentials for a refresh and an access token."""

    _serializer_setting = "TOKEN_OBTAIN_SERIALIZER"


class TokenRefreshView(TokenViewBase):
    """A refresh token for an access token."""

    _serializer_setting = "TOKEN_REFRESH_SERIALIZER"


class TokenObtainSlidingView(_SignInView):
    """Sign in: credentials for a sliding token."""

    _serializer_setting = "SLIDING_TOKEN_OBTAIN_SERIALIZER"


class TokenRefreshSlidingView(TokenViewBase):
    """A sliding token for one that expires later."""

    _serializer_setting = "SLIDING_TOKEN_REFRESH_SERIALIZER"


class TokenVerifyView(TokenViewBase):
    """Whether a token, of whatever type, is good, and its session alive."""

    _serializer_setting = "TOKEN_VERIFY_SERIALIZER"


class TokenBlacklistView(TokenViewBase):
    """Log out: end a refresh token's session."""

    _serializer_setting = "TOKEN_BLACKLIST_SERIALIZER"


token_obtain_pair = TokenObtainPairView.as_view()
token_refresh = TokenRefreshView.as_view()
token_obtain_sliding = TokenObtainSlidingView.as_view()
token_refresh_sliding = TokenRefreshSlidingView.as_view()
token_verify = TokenVerifyView.as_view()
token_blacklist = TokenBlacklistView.as_view()
