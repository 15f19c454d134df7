"""The views of both generations. Class names decide which one a view is of."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, cast

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework import parsers as drf_parsers
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.settings import api_settings as drf_settings

from drf_ratchet import parsers
from drf_ratchet.browser.cross_site import comes_from_us
from drf_ratchet.exceptions import BodyTooLarge, Busy
from drf_ratchet.sessions.database import Contended
from drf_ratchet.sessions.device import network_of
from drf_ratchet.throttling import RateLimit
from drf_ratchet.views import SIGN_IN_SCOPE, SIGN_IN_THROTTLES, RatchetView
from drf_ratchet_compat.drf_jwt.authentication import JSONWebTokenAuthentication
from drf_ratchet_compat.drf_jwt.blacklist.exceptions import InvalidAuthorizationCredentials
from drf_ratchet_compat.drf_jwt.compat import set_cookie_with_token
from drf_ratchet_compat.drf_jwt.generations import GENERATIONS, Generation
from drf_ratchet_compat.drf_jwt.permissions import IsSuperUser
from drf_ratchet_compat.drf_jwt.serializers import (
    ImpersonateAuthTokenSerializer,
    JSONWebTokenSerializer,
    RefreshAuthTokenSerializer,
    RefreshJSONWebTokenSerializer,
    VerifyAuthTokenSerializer,
    VerifyJSONWebTokenSerializer,
)
from drf_ratchet_compat.drf_jwt.settings import api_settings
from ratchet_tokens.errors import Unavailable

#: DRF's parsers answer some hostile bodies with a 500; ours are the same otherwise.
_PARSERS: dict[type[Any], type[Any]] = {
    drf_parsers.JSONParser: parsers.JSONParser,
    drf_parsers.FormParser: parsers.FormParser,
    drf_parsers.MultiPartParser: parsers.MultiPartParser,
}


def _parsers() -> tuple[type[BaseParser], ...]:
    defaults: Any = drf_settings.DEFAULT_PARSER_CLASSES
    return tuple(_PARSERS.get(parser, parser) for parser in defaults)


#: What an exception of another kind is to the client; the first that fits.
_ANSWERS: dict[type[Exception], Callable[[], exceptions.APIException]] = {
    Contended: Busy,
    Unavailable: Busy,
    RequestDataTooBig: BodyTooLarge,
    SuspiciousOperation: lambda: exceptions.ParseError(_("The request is malformed.")),
}


class BaseJSONWebTokenAPIView(RatchetView):
    """What the views share: as our own, with the bodies and codes of the old package."""

    serializer_class: type[Serializer[Any]] = JSONWebTokenSerializer
    #: The project's, hardened; read anew for each request.
    parser_classes: Any = lazy(_parsers, tuple)()
    generation: Generation = GENERATIONS["1.19"]

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A token in the shape of ``JWT_RESPONSE_PAYLOAD_HANDLER``, and in the cookie."""
        serializer: Any = self.get_serializer(data=self.get_data(request))
        try:
            serializer.is_valid(raise_exception=True)
        except exceptions.ValidationError:
            self.refused(request)
            raise
        self.succeed()
        given = serializer.validated_data
        return self.hand_out(request, given["token"], given.get("user"), given.get("issued_at"))

    def refused(self, request: Request) -> None:
        """Called where a request is refused."""

    def hand_out(self, request: Request, token: str, user: Any, issued_at: Any) -> Response:
        """The response that holds the token."""
        make = api_settings.for_generation("JWT_RESPONSE_PAYLOAD_HANDLER", self.generation)
        given: tuple[Any, ...] = (token, user or request.user, request)
        # 1.11's handlers take no issued_at.
        given = given if self.generation.name == "1.11" else (*given, issued_at)
        response = Response(make(*given), status=self.generation.status)
        set_cookie(request, response, api_settings.JWT_AUTH_COOKIE, token)
        return response

    def get_serializer_context(self) -> dict[str, Any]:
        """As any view's, and whose sentences are to be said."""
        return {**super().get_serializer_context(), "generation": self.generation}

    def handle_exception(self, exc: Exception) -> Response:
        """As DRF answers it: drf-jwt's errors have no other shape."""
        for kind, answer in _ANSWERS.items():
            if isinstance(exc, kind):
                exc = answer()
                break
        return super(RatchetView, self).handle_exception(exc)


class JSONWebTokenAPIView(BaseJSONWebTokenAPIView):
    """The same of 1.11."""

    generation = GENERATIONS["1.11"]

    def handle_exception(self, exc: Exception) -> Response:
        """As 1.11: field errors do not pass a project's exception handler."""
        if isinstance(exc, exceptions.ValidationError):
            return Response(exc.detail, status=exc.status_code)
        return super().handle_exception(exc)


class _SignIn(BaseJSONWebTokenAPIView):
    signs_in = True
    throttle_classes = SIGN_IN_THROTTLES
    throttle_scope = SIGN_IN_SCOPE


class _TakesToken(BaseJSONWebTokenAPIView):
    def get_data(self, request: Request) -> Any:
        """The body; one that names no token takes the one of the Authorization header."""
        data: Any = request.data
        if not isinstance(data, Mapping) or "token" in data:
            return data
        header = request.META.get("HTTP_AUTHORIZATION", "")
        try:
            token = JSONWebTokenAuthentication.get_token_from_authorization_header(header.strip())
        except InvalidAuthorizationCredentials:
            token = None
        if token is None:
            return data
        named = data.copy() if hasattr(data, "copy") else dict(data)
        named["token"] = token
        return named


class _Refresh(_TakesToken):
    def refused(self, request: Request) -> None:
        """Only what is refused counts, by network.

        Raises:
            Throttled: too much was.
        """
        wait = RateLimit("refresh_failures", network_of(request), request).take()
        if wait is not None:
            raise exceptions.Throttled(wait) from None


class ObtainJSONWebTokenView(_SignIn):
    """Sign in, as 1.19."""

    serializer_class = JSONWebTokenSerializer


class VerifyJSONWebTokenView(_TakesToken):
    """Verify, as 1.19: the token again, if it is good."""

    serializer_class = VerifyAuthTokenSerializer


class RefreshJSONWebTokenView(_Refresh):
    """Refresh, as 1.19."""

    serializer_class = RefreshAuthTokenSerializer


class ObtainJSONWebToken(_SignIn, JSONWebTokenAPIView):
    """Sign in, as 1.11."""

    serializer_class = JSONWebTokenSerializer


class VerifyJSONWebToken(_TakesToken, JSONWebTokenAPIView):
    """Verify, as 1.11."""

    serializer_class = VerifyJSONWebTokenSerializer


class RefreshJSONWebToken(_Refresh, JSONWebTokenAPIView):
    """Refresh, as 1.11."""

    serializer_class = RefreshJSONWebTokenSerializer


class ImpersonateJSONWebTokenView(BaseJSONWebTokenAPIView):
    """A token of another user's, for superusers. It says who acts (RFC 8693's ``act``)."""

    authentication_classes: Any = lazy(
        lambda: tuple(cast(Any, drf_settings.DEFAULT_AUTHENTICATION_CLASSES)), tuple
    )()
    permission_classes: tuple[type[BasePermission], ...] = (IsSuperUser,)
    serializer_class = ImpersonateAuthTokenSerializer

    def get_authenticators(self) -> list[BaseAuthentication]:
        """As any view's; a logout counts at once, whatever ``FRESHNESS`` is."""
        found = super().get_authenticators()
        for authenticator in found:
            if hasattr(authenticator, "freshness"):
                authenticator.freshness = "immediate"
        return found

    def get_authenticate_header(self, request: Request) -> Any:
        """The ``WWW-Authenticate`` of a 401, as the first authenticator says it."""
        return super(RatchetView, self).get_authenticate_header(request)

    def hand_out(self, request: Request, token: str, user: Any, issued_at: Any) -> Response:
        """The token alone, whatever ``JWT_RESPONSE_PAYLOAD_HANDLER`` is."""
        response = Response({"token": token}, status=self.generation.status)
        set_cookie(request, response, api_settings.JWT_IMPERSONATION_COOKIE, token)
        return response


def set_cookie(request: Request, response: Response, name: str | None, token: str) -> None:
    """Put a token into the cookie of that name, if there is one.

    Not where a page of another site asks: it would sign its visitors in as whom it likes.
    """
    by_page = "HTTP_ORIGIN" in request.META or "HTTP_SEC_FETCH_SITE" in request.META
    if name and (not by_page or comes_from_us(request)):
        set_cookie_with_token(response, name, token)


def _of_the_generation(older: type[RatchetView], newer: type[RatchetView]) -> Callable[..., Any]:
    """The view of the generation that ``JWT_GENERATION`` names when the request comes."""
    views = {"1.11": older.as_view(), "1.19": newer.as_view()}
    generations: dict[str, type[RatchetView]] = {"1.11": older, "1.19": newer}

    @wraps(views["1.19"])  # takes over what tells Django of CSRF and transactions
    def view(request: Any, *args: Any, **kwargs: Any) -> Any:
        return views[api_settings.generation.name](request, *args, **kwargs)

    described: Any = view
    described.generations = generations  # for drf-spectacular: `cls` is one of them alone
    return view


obtain_jwt_token = _of_the_generation(ObtainJSONWebToken, ObtainJSONWebTokenView)
refresh_jwt_token = _of_the_generation(RefreshJSONWebToken, RefreshJSONWebTokenView)
verify_jwt_token = _of_the_generation(VerifyJSONWebToken, VerifyJSONWebTokenView)
impersonate_jwt_token = ImpersonateJSONWebTokenView.as_view()
