"""The endpoints: sign in, refresh, verify, log out."""

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import connections
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from drf_ratchet.authentication import (
    REALM,
    REALM_INVALID_TOKEN,
    JWTAuthentication,
    header_token,
    verify_access,
)
from drf_ratchet.exceptions import BodyTooLarge, TokenNotValid, in_contract_shape, refusal_body
from drf_ratchet.parsers import FormParser, JSONParser, MultiPartParser
from drf_ratchet.serializers import (
    LogoutSerializer,
    TokenObtainPairSerializer,
    TokenRefreshSerializer,
    TokenVerifySerializer,
)
from drf_ratchet.sessions.freshness import living_user
from drf_ratchet.sessions.store import check_refresh, end_session, find_session, read_refresh
from drf_ratchet.tokens import codec
from drf_ratchet.tokens.claims import Claims, Kind, RefreshClaims, session_id
from drf_ratchet.tokens.errors import TokenRefused


class RatchetView(GenericAPIView[Any]):
    """What the endpoints share: open to all, errors in the contract's shape, nothing cached.

    They run outside of ``ATOMIC_REQUESTS``: DRF rolls a transaction back on every 4xx, and with
    it would go the ending of a stolen session.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    http_method_names = ["post", "options"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """As any view's, and in no database's ``ATOMIC_REQUESTS``."""
        view: Any = super().as_view(**initkwargs)
        view._non_atomic_requests = set(connections)  # what non_atomic_requests() sets, for all
        return view

    def get_authenticate_header(self, request: Request) -> str:
        """The ``WWW-Authenticate`` of a 401: DRF would ask an authenticator, and there is none."""
        return REALM

    def handle_exception(self, exc: Exception) -> Response:
        """Answer any refusal in the contract's shape, through the project's exception handler."""
        if isinstance(exc, TokenRefused):
            exc = TokenNotValid(exc.reason)
        elif isinstance(exc, RequestDataTooBig):
            exc = BodyTooLarge()
        elif isinstance(exc, SuspiciousOperation):
            exc = exceptions.ParseError(_("The request is malformed."))
        elif isinstance(exc, Http404):
            exc = exceptions.NotFound()
        elif isinstance(exc, PermissionDenied):
            exc = exceptions.PermissionDenied()
        if isinstance(exc, exceptions.APIException):
            in_contract_shape(exc)
        response = super().handle_exception(exc)
        if isinstance(exc, TokenNotValid) and response.status_code == status.HTTP_401_UNAUTHORIZED:
            response["WWW-Authenticate"] = REALM_INVALID_TOKEN
        return response

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        """Let nothing on the way keep a copy (RFC 6749 section 5.1)."""
        response = super().finalize_response(*args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class TokenObtainPairView(RatchetView):
    """Sign in: credentials for a pair of tokens."""

    serializer_class = TokenObtainPairSerializer
    throttle_scope = "token_obtain"

    def post(self, request: Request) -> Response:
        """The pair."""
        return Response(_validated(self, request))


class TokenRefreshView(RatchetView):
    """Refresh: a refresh token for a new pair."""

    serializer_class = TokenRefreshSerializer

    def post(self, request: Request) -> Response:
        """The new pair, or the access token alone for a session that does not rotate."""
        return Response(_validated(self, request))


class TokenVerifyView(RatchetView):
    """Verify: is this token, of either kind, good, and its session alive? Never writes."""

    serializer_class = TokenVerifySerializer

    def post(self, request: Request) -> Response:
        """An empty object, where it is."""
        token = _validated(self, request)["token"]
        if codec.kind_of(token) is Kind.ACCESS:
            living_user(verify_access(token))
        else:
            check_refresh(token)
        return Response({})


class LogoutView(RatchetView):
    """Log out: end the session of the refresh token, or else of the Bearer."""

    serializer_class = LogoutSerializer

    def post(self, request: Request) -> Response:
        """200 whether it ended now or before."""
        refresh = _validated(self, request).get("refresh")
        if refresh is None:
            ending = self._session_of_bearer(request)
        else:
            ending = self._session_of_refresh(request, refresh)
        session = find_session(ending)
        if session is not None:
            end_session(session, request=request)
        return Response({"detail": _("Logout successful.")})

    def _session_of_bearer(self, request: Request) -> Any:
        signed_in = JWTAuthentication().authenticate(request)
        if signed_in is None:
            raise exceptions.NotAuthenticated
        return session_id(signed_in[1])

    def _session_of_refresh(self, request: Request, refresh: str) -> Any:
        try:
            # Already rotated, expired or ended: a token we signed names its session all the same.
            token = read_refresh(refresh, check_times=False)
        except TokenRefused as refused:
            raise exceptions.ValidationError(refusal_body(refused.reason)) from None
        if self._is_somebody_else(request, token):
            raise exceptions.ValidationError(
                {
                    "detail": _("The refresh token and the access token are of different users."),
                    "code": "different_users",
                }
            )
        return token.session

    def _is_somebody_else(self, request: Request, refresh: RefreshClaims) -> bool:
        """Whether a valid Bearer is of another user. One that is no good does not count."""
        try:
            bearer = header_token(request)
            claims: Claims | None = verify_access(bearer) if bearer is not None else None
            if claims is None or claims["sub"] == refresh.subject:
                return False
            living_user(claims)
        except TokenRefused:
            return False
        return True


def _validated(view: RatchetView, request: Request) -> Any:
    serializer = view.get_serializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
