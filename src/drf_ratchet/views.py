"""The endpoints: sign in, refresh, verify, log out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from uuid import UUID

from django.core.exceptions import (
    ImproperlyConfigured,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db.models import QuerySet
from django.http import Http404
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from rest_framework import exceptions, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.renderers import (
    BaseRenderer,
    JSONRenderer,
    StaticHTMLRenderer,
    TemplateHTMLRenderer,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer, UUIDField
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, ScopedRateThrottle
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView, exception_handler

from drf_ratchet.authentication import (
    REALM,
    REALM_INVALID_TOKEN,
    ImmediateJWTAuthentication,
    header_token,
    verify_access,
)
from drf_ratchet.bounds import MAX_BODY_SIZE
from drf_ratchet.exceptions import (
    BodyTooLarge,
    Busy,
    DifferentSessions,
    DifferentUsers,
    NoActiveAccount,
    TokenNotValid,
    UnknownContentType,
    in_contract_shape,
    refusal_body,
)
from drf_ratchet.models import Session
from drf_ratchet.parsers import BoundedParser, FormParser, JSONParser, MultiPartParser
from drf_ratchet.serializers import (
    LogoutSerializer,
    SessionSerializer,
    TokenRefreshSerializer,
    TokenVerifySerializer,
    idempotency_key,
    sign_in_serializer,
    step_up_serializer,
)
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import Contended, EveryDatabase
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import end_all_sessions, end_session
from drf_ratchet.sessions.freshness import living_user
from drf_ratchet.sessions.grant import HEADER, Grant, Transport
from drf_ratchet.sessions.refreshing import check_refresh, read_refresh, step_up_session
from drf_ratchet.throttling import CountingThrottle, SignInThrottle, StepUpThrottle
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind, RefreshClaims, session_id
from ratchet_tokens.errors import TokenRefused


def _throttles_with(ours: type[BaseThrottle]) -> tuple[type[BaseThrottle], ...]:
    defaults: Any = api_settings.DEFAULT_THROTTLE_CLASSES
    return tuple(dict.fromkeys((ours, *defaults)))


#: Ours, and those that a project asks of every view; read anew for each request.
SIGN_IN_THROTTLES: Any = lazy(_throttles_with, tuple)(SignInThrottle)
#: The same for views that ask a signed-in user for the password.
STEP_UP_THROTTLES: Any = lazy(_throttles_with, tuple)(StepUpThrottle)
#: The scope of sign-ins for DRF's ``ScopedRateThrottle``.
SIGN_IN_SCOPE = "token_obtain"
#: Sessions that the list shows at once.
SESSIONS_PER_PAGE = 100

#: What an exception of another kind is to the client; the first that fits.
_ANSWERS: dict[type[Exception], Callable[[Any], exceptions.APIException]] = {
    TokenRefused: lambda exc: TokenNotValid(exc.reason),
    Contended: lambda exc: Busy(),
    RequestDataTooBig: lambda exc: BodyTooLarge(),
    exceptions.UnsupportedMediaType: lambda exc: UnknownContentType(),
    SuspiciousOperation: lambda exc: exceptions.ParseError(_("The request is malformed.")),
    Http404: lambda exc: exceptions.NotFound(),
    PermissionDenied: lambda exc: exceptions.PermissionDenied(),
}


class FirstRenderer(DefaultContentNegotiation):
    """The view's first renderer, whatever ``Accept`` and a format say."""

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first one, with the parameters that ``Accept`` names: a version may be among them."""
        first = renderers[:1]
        try:
            selected: tuple[BaseRenderer, str] = super().select_renderer(request, first)
        except (exceptions.NotAcceptable, Http404):
            return first[0], first[0].media_type
        return selected


class RatchetView(GenericAPIView[Any]):
    """What the endpoints share: open to all, errors in the contract's shape, nothing cached.

    They run outside of ``ATOMIC_REQUESTS``: DRF rolls a transaction back on every 4xx, and with
    it would go the ending of a stolen session.
    """

    authentication_classes: tuple[type[BaseAuthentication], ...] = ()
    permission_classes: tuple[type[BasePermission], ...] = (AllowAny,)
    parser_classes: tuple[type[BaseParser], ...] = (JSONParser, FormParser, MultiPartParser)
    http_method_names = ["post", "options"]
    #: Whether its serializer signs users in: ``manage.py check`` compares all that do.
    signs_in = False
    #: Bytes that a body may have; ``DATA_UPLOAD_MAX_MEMORY_SIZE`` if that is less.
    max_body_size = MAX_BODY_SIZE

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """As any view's, in no database's ``ATOMIC_REQUESTS``, and discreet in error reports."""
        # Nearly every variable from here down is a password or a token, or holds one.
        view: Any = sensitive_variables()(
            sensitive_post_parameters()(super().as_view(**initkwargs))
        )
        view._non_atomic_requests = EveryDatabase()  # what non_atomic_requests() sets, for all
        return view

    def get_authenticate_header(self, request: Request) -> str:
        """The ``WWW-Authenticate`` of a 401: DRF would ask an authenticator, and there is none."""
        return REALM

    def handle_exception(self, exc: Exception) -> Response:
        """Answer any refusal in the contract's shape, through the project's exception handler."""
        for kind, answer in _ANSWERS.items():
            if isinstance(exc, kind):
                exc = answer(exc)
                break
        if isinstance(exc, exceptions.APIException):
            self.shape(exc)
        response = super().handle_exception(exc)
        if response.status_code == status.HTTP_401_UNAUTHORIZED:
            # RFC 9110 section 11.6.1 demands it. The project's handler may have left it out.
            challenge = getattr(exc, "auth_header", None) or self.get_authenticate_header(
                self.request
            )
            response.headers.setdefault("WWW-Authenticate", challenge)
            if isinstance(exc, TokenNotValid):
                response["WWW-Authenticate"] = REALM_INVALID_TOKEN
        wait = getattr(exc, "wait", None)
        if wait is not None:
            response.headers.setdefault("Retry-After", str(max(1, int(wait))))
        return response

    def get_exception_handler(self) -> Any:
        """Return the project's, and DRF's own for a refusal that it leaves open (None)."""
        theirs = super().get_exception_handler()

        def handle(exc: Exception, context: Any) -> Response | None:
            response: Response | None = theirs(exc, context)
            return exception_handler(exc, context) if response is None else response

        return handle

    def shape(self, error: exceptions.APIException) -> None:
        """Give an error the body that clients of this endpoint expect: the contract's."""
        in_contract_shape(error)

    def get_transport(self) -> Transport:
        """How the tokens travel that this endpoint takes and hands out."""
        return HEADER

    def get_parsers(self) -> list[BaseParser]:
        """As any view's; none is given a file, or a body longer than ``max_body_size``."""
        return [BoundedParser(parser) for parser in super().get_parsers()]

    def get_data(self, request: Request) -> Any:
        """The fields to validate: what the body says."""
        return request.data

    def get_renderers(self) -> list[BaseRenderer]:
        """As any view's, but for those that want a template: these endpoints have none."""
        wanting = (TemplateHTMLRenderer, StaticHTMLRenderer)
        found = [each for each in super().get_renderers() if not isinstance(each, wanting)]
        return found or [JSONRenderer()]

    def get_serializer_context(self) -> dict[str, Any]:
        """As any view's, and how the tokens travel."""
        return {**super().get_serializer_context(), "transport": self.get_transport()}

    def answer(self, body: dict[str, Any], grant: Grant) -> Response:
        """Return the response that carries new tokens.

        Args:
            body: the response body; no token that travels in a cookie is in it.
            grant: the tokens.
        """
        return Response(body)

    def get_throttles(self) -> list[BaseThrottle]:
        """As any view's, and kept: what succeeds does not count.

        DRF's ``ScopedRateThrottle`` raises for a scope that has no rate. Ours has one only if the
        project gave it one.
        """
        self.throttles = [each for each in super().get_throttles() if not _lacks_rate(each, self)]
        return self.throttles

    def give_back(self) -> None:
        """Let this request count for nothing, as far as our throttles go."""
        for throttle in self._counting_throttles():
            throttle.give_back()

    def succeed(self) -> None:
        """Let this request count as a success, as far as our throttles go."""
        for throttle in self._counting_throttles():
            throttle.succeed()

    def _counting_throttles(self) -> list[CountingThrottle]:
        return [one for one in self.throttles if isinstance(one, CountingThrottle)]

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        """429. What one throttle refuses, the others have not seen."""
        self.give_back()
        raise exceptions.Throttled(wait)

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        """Let nothing on the way keep a copy (RFC 6749 section 5.1)."""
        response = super().finalize_response(*args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class TokenObtainPairView(RatchetView):
    """Sign in: credentials for a pair of tokens."""

    signs_in = True
    throttle_classes = SIGN_IN_THROTTLES
    throttle_scope = SIGN_IN_SCOPE

    def get_serializer_class(self) -> type[Any]:
        """``serializer_class``, else the one that ``SIGN_IN_SERIALIZER`` names."""
        return self.serializer_class or sign_in_serializer()

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The pair."""
        with only_failures_count(self):
            login = _validated(self, request)
            grant = _saved(login)
        return self.answer(login.data, grant)


class TokenRefreshView(RatchetView):
    """Refresh: a refresh token for a new pair."""

    serializer_class = TokenRefreshSerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The new pair, or the access token alone for a session that does not rotate."""
        fields = _validated(self, request)
        grant = _saved(fields)
        return self.answer(fields.data, grant)


class TokenVerifyView(RatchetView):
    """Verify: is this token, of either kind, good, and its session alive? Never writes."""

    serializer_class = TokenVerifySerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """An empty object, where it is."""
        token = _validated(self, request).validated_data["token"]
        if codec.kind_of(token) is Kind.ACCESS:
            living_user(verify_access(token, request=request))
        else:
            check_refresh(token, request=request)
        return Response({})


class LogoutView(RatchetView):
    """Log out: end the session of the refresh token, or else of the Bearer."""

    serializer_class = LogoutSerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """200 whether it ended now or before."""
        refresh = _validated(self, request).validated_data.get("refresh")
        if refresh is None:
            ending = self._session_of_bearer(request)
        else:
            ending = self._session_of_refresh(request, refresh)
        session = store.get(ending)
        if session is not None:
            end_session(session, request=request)
        return Response({"detail": _("Logout successful.")})

    def _session_of_bearer(self, request: Request) -> Any:
        signed_in = ImmediateJWTAuthentication().authenticate(request)
        if signed_in is None:
            raise exceptions.NotAuthenticated
        return session_id(signed_in[1])

    def _session_of_refresh(self, request: Request, refresh: str) -> Any:
        try:
            # Already rotated, expired or ended: a token we signed names its session all the same.
            token = read_refresh(refresh, request=request, check_times=False)
        except TokenRefused as refused:
            raise exceptions.ValidationError(refusal_body(refused.reason)) from None
        if self._is_somebody_else(request, token):
            raise DifferentUsers
        return token.session

    def _is_somebody_else(self, request: Request, refresh: RefreshClaims) -> bool:
        """Whether a valid Bearer is of another user. One that is no good does not count."""
        try:
            bearer = header_token(request)
            if bearer is None:
                return False
            claims = verify_access(bearer, request=request)
            if claims["sub"] == refresh.subject:
                return False
            living_user(claims)
        except TokenRefused:
            return False
        return True


class SignedInView(RatchetView):
    """What asks for a Bearer. A logout counts here at once, whatever ``FRESHNESS`` is."""

    authentication_classes = (ImmediateJWTAuthentication,)
    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)


class LogoutAllView(SignedInView):
    """Log out everywhere."""

    serializer_class = Serializer  # it takes nothing, and DRF asks for one to say so

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End every session of the user."""
        end_all_sessions(request.user, request=request)
        return Response({"detail": _("Logout successful.")})


class SessionListView(SignedInView):
    """The devices on which the user is signed in."""

    serializer_class = SessionSerializer
    http_method_names = ["get", "head", "options"]

    def get_queryset(self) -> QuerySet[Session]:
        """The user's living sessions, newest first."""
        return store.living(self.request.user)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The newest ones, or those before the id in ``?before=``, and a link to the next page."""
        found = self.get_queryset()
        if before := request.query_params.get("before"):
            found = found.filter(pk__lt=_cursor(before))
        page = list(found[: SESSIONS_PER_PAGE + 1])
        shown = page[:SESSIONS_PER_PAGE]
        context = {**self.get_serializer_context(), "current": _own_session(request)}
        serializer = self.get_serializer_class()(shown, many=True, context=context)
        response = Response(serializer.data)
        if len(page) > len(shown):
            # Not by reverse(): the address as it came keeps what the URL captured.
            here = request.build_absolute_uri()
            following = replace_query_param(here, "before", str(shown[-1].pk))
            response["Link"] = f'<{following}>; rel="next"'
        return response


class SessionDetailView(SignedInView):
    """One of the user's devices."""

    serializer_class = Serializer
    http_method_names = ["delete", "options"]

    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End it."""
        named = _uuid(kwargs["id"])
        session = named and store.living(request.user).filter(pk=named).first()
        if not session:
            raise exceptions.NotFound
        end_session(session, reason=EndReason.REVOKED, request=request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class StepUpView(SignedInView):
    """Prove again who you are, for what asks for a recent sign-in (RFC 9470)."""

    throttle_classes = STEP_UP_THROTTLES
    throttle_scope = SIGN_IN_SCOPE

    def get_serializer_class(self) -> type[Any]:
        """``serializer_class``, else what ``SIGN_IN_SERIALIZER`` asks for beside the name."""
        return self.serializer_class or step_up_serializer()

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A new pair with a new ``auth_time``."""
        login = _validated(self, request)
        fields = login.validated_data
        token = read_refresh(fields["refresh"], kind=self.get_transport().refresh, request=request)
        if token.session != _own_session(request):
            raise DifferentSessions
        key = idempotency_key(request)
        name = login.account_name(request.user)
        with only_failures_count(self):
            credentials = login.get_credentials({**fields, login.username_field: name})
            if login.authenticate(credentials) != request.user:
                raise NoActiveAccount
        login.instance = step_up_session(
            token,
            request=request,
            idempotency_key=key,
            amr=login.amr,
            get_claims=login.get_claims,
            transport=self.get_transport(),
        )
        return self.answer(login.to_representation(login.instance), login.instance)


def _saved(serializer: Any) -> Grant:
    """Save a serializer, and return the grant that its ``create`` made.

    Raises:
        ImproperlyConfigured: a project's ``create`` returned something else.
    """
    grant = serializer.create(serializer.validated_data)
    if not isinstance(grant, Grant):
        raise ImproperlyConfigured(
            f"{type(serializer).__name__}.create() must return what open_session() returned: its "
            "tokens may have to travel in cookies."
        )
    serializer.instance = grant
    return grant


@contextmanager
def only_failures_count(view: RatchetView) -> Iterator[None]:
    """Count a sign-in that succeeds as a success, and no longer as a failure."""
    yield
    view.succeed()


def _lacks_rate(throttle: BaseThrottle, view: APIView) -> bool:
    if not isinstance(throttle, ScopedRateThrottle):
        return False
    scope = getattr(view, throttle.scope_attr, None)
    return scope == SIGN_IN_SCOPE and scope not in (throttle.THROTTLE_RATES or {})


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _cursor(text: str) -> UUID:
    """Return the id that a page of the list begins after.

    Raises:
        ValidationError: it is none. Ignored, it would give the first page again, for ever.
    """
    try:
        cursor: UUID = UUIDField().run_validation(text)
    except exceptions.ValidationError as error:
        raise exceptions.ValidationError({"before": error.detail}) from None
    return cursor


def _own_session(request: Request) -> UUID:
    claims: Any = request.auth
    return session_id(claims)


def _validated(view: RatchetView, request: Request) -> Any:
    serializer = view.get_serializer(data=view.get_data(request))
    serializer.is_valid(raise_exception=True)
    return serializer
