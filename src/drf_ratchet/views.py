"""The views of the endpoints: sign in, refresh, verify, log out, sessions, step-up."""

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
from drf_ratchet.sessions.freshness import active_user
from drf_ratchet.sessions.grant import HEADER, Grant, Transport
from drf_ratchet.sessions.refreshing import check_refresh, read_refresh, step_up_session
from drf_ratchet.throttling import CountingThrottle, SignInThrottle, StepUpThrottle
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind, RefreshClaims, session_id
from ratchet_tokens.errors import TokenRefused


def _throttles_with(ours: type[BaseThrottle]) -> tuple[type[BaseThrottle], ...]:
    defaults: Any = api_settings.DEFAULT_THROTTLE_CLASSES
    return tuple(dict.fromkeys((ours, *defaults)))


#: SignInThrottle and the project's DEFAULT_THROTTLE_CLASSES, which are read for each request.
SIGN_IN_THROTTLES: Any = lazy(_throttles_with, tuple)(SignInThrottle)
#: The same with StepUpThrottle, for views that ask a signed-in user for the password.
STEP_UP_THROTTLES: Any = lazy(_throttles_with, tuple)(StepUpThrottle)
#: The scope of sign-ins for DRF's ``ScopedRateThrottle``.
SIGN_IN_SCOPE = "token_obtain"
#: The most sessions in one response of the list.
SESSIONS_PER_PAGE = 100

#: The API exception for each other type of exception. The first match applies.
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
    """Content negotiation that always selects the view's first renderer."""

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer, with the parameters of ``Accept``, such as a version."""
        first = renderers[:1]
        try:
            selected: tuple[BaseRenderer, str] = super().select_renderer(request, first)
        except (exceptions.NotAcceptable, Http404):
            return first[0], first[0].media_type
        return selected


class RatchetView(GenericAPIView[Any]):
    """The base of all endpoints: no permission required, contract-shaped errors, no caching.

    The endpoints run outside of ``ATOMIC_REQUESTS``. DRF rolls the transaction back on every 4xx,
    which would undo the ending of a session whose refresh token was reused.
    """

    authentication_classes: tuple[type[BaseAuthentication], ...] = ()
    permission_classes: tuple[type[BasePermission], ...] = (AllowAny,)
    parser_classes: tuple[type[BaseParser], ...] = (JSONParser, FormParser, MultiPartParser)
    http_method_names = ["post", "options"]
    #: Whether the serializer signs users in. ``manage.py check`` compares these endpoints.
    signs_in = False
    #: The most bytes of a request body; ``DATA_UPLOAD_MAX_MEMORY_SIZE`` applies if it is smaller.
    max_body_size = MAX_BODY_SIZE

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, outside of ``ATOMIC_REQUESTS`` and hidden in error reports."""
        # Nearly every variable in the views is a password or a token, or contains one.
        view: Any = sensitive_variables()(
            sensitive_post_parameters()(super().as_view(**initkwargs))
        )
        # As Django's non_atomic_requests() does, but for every database.
        view._non_atomic_requests = EveryDatabase()
        return view

    def get_authenticate_header(self, request: Request) -> str:
        """Return the ``WWW-Authenticate`` of a 401. DRF would ask an authentication class."""
        return REALM

    def handle_exception(self, exc: Exception) -> Response:
        """Return the response to an exception, in the contract's shape.

        The project's exception handler makes the response.
        """
        for kind, answer in _ANSWERS.items():
            if isinstance(exc, kind):
                exc = answer(exc)
                break
        if isinstance(exc, exceptions.APIException):
            self.shape(exc)
        response = super().handle_exception(exc)
        if response.status_code == status.HTTP_401_UNAUTHORIZED:
            # RFC 9110 section 11.6.1 requires the header. A project's handler may omit it.
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

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """Return the project's exception handler, with DRF's own where it returns None."""
        theirs = super().get_exception_handler()

        def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
            response: Response | None = theirs(exc, context)
            return exception_handler(exc, context) if response is None else response

        return handle

    def shape(self, error: exceptions.APIException) -> None:
        """Give an error the body that clients of this endpoint expect."""
        in_contract_shape(error)

    def get_transport(self) -> Transport:
        """Return the kinds of token that this endpoint accepts and issues."""
        return HEADER

    def get_parsers(self) -> list[BaseParser]:
        """Return the parsers, which refuse files and bodies longer than ``max_body_size``."""
        return [BoundedParser(parser) for parser in super().get_parsers()]

    def get_data(self, request: Request) -> Any:
        """Return the fields to validate: by default the request body."""
        return request.data

    def get_renderers(self) -> list[BaseRenderer]:
        """Return the renderers that need no template, because these endpoints have none."""
        wanting = (TemplateHTMLRenderer, StaticHTMLRenderer)
        found = [each for each in super().get_renderers() if not isinstance(each, wanting)]
        return found or [JSONRenderer()]

    def get_serializer_context(self) -> dict[str, Any]:
        """Return the context, with the kinds of token as ``transport``."""
        return {**super().get_serializer_context(), "transport": self.get_transport()}

    def answer(self, body: dict[str, Any], grant: Grant) -> Response:
        """Return the response with issued tokens.

        Args:
            body: the response body, without the tokens that belong in cookies.
            grant: the issued tokens.
        """
        return Response(body)

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the throttles, and keep them: ``succeed`` needs them.

        Leaves out DRF's ``ScopedRateThrottle`` if the project sets no rate for ``SIGN_IN_SCOPE``:
        it raises for a scope without a rate.
        """
        self.throttles = [each for each in super().get_throttles() if not _lacks_rate(each, self)]
        return self.throttles

    def give_back(self) -> None:
        """Remove this request from the counters of drf-ratchet's throttles."""
        for throttle in self._counting_throttles():
            throttle.give_back()

    def succeed(self) -> None:
        """Count this request as a success in drf-ratchet's throttles."""
        for throttle in self._counting_throttles():
            throttle.succeed()

    def _counting_throttles(self) -> list[CountingThrottle]:
        return [one for one in self.throttles if isinstance(one, CountingThrottle)]

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        """Refuse the request with 429, and remove it from the counters of the other throttles.

        Args:
            request: DRF's request.
            wait: the seconds to wait, for ``Retry-After``.

        Raises:
            Throttled: always.
        """
        self.give_back()
        raise exceptions.Throttled(wait)

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        """Forbid caches to store the response (RFC 6749 section 5.1)."""
        response = super().finalize_response(*args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class TokenObtainPairView(RatchetView):
    """Sign in: exchange credentials for a pair of tokens."""

    signs_in = True
    throttle_classes = SIGN_IN_THROTTLES
    throttle_scope = SIGN_IN_SCOPE

    def get_serializer_class(self) -> type[Any]:
        """Return ``serializer_class``, or the class that ``SIGN_IN_SERIALIZER`` names."""
        return self.serializer_class or sign_in_serializer()

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Check the credentials and return a pair of tokens."""
        with only_failures_count(self):
            login = _validated(self, request)
            grant = _saved(login)
        return self.answer(dict(login.data), grant)


class TokenRefreshView(RatchetView):
    """Refresh: exchange a refresh token for a new pair of tokens."""

    serializer_class = TokenRefreshSerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a new pair; only an access token for a session that does not rotate."""
        fields = _validated(self, request)
        grant = _saved(fields)
        # A plain dict: of a serializer's, JSON:API's renderer shows the declared fields alone.
        return self.answer(dict(fields.data), grant)


class TokenVerifyView(RatchetView):
    """Verify that an access or refresh token is valid and its session is active.

    This view never writes to the database.
    """

    serializer_class = TokenVerifySerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return an empty object for a valid token of an active session."""
        token = _validated(self, request).validated_data["token"]
        if codec.kind_of(token) is Kind.ACCESS:
            active_user(verify_access(token, request=request))
        else:
            check_refresh(token, request=request)
        return Response({})


class LogoutView(RatchetView):
    """Log out: end the session of the refresh token, or of the Bearer access token."""

    serializer_class = LogoutSerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End the session. The response is 200 also if it had ended before."""
        refresh = _validated(self, request).validated_data.get("refresh")
        if refresh is None:
            ending = self._session_of_bearer(request)
        else:
            ending = self._session_of_refresh(request, refresh)
        session = store.get(ending)
        if session is not None:
            end_session(session, request=request)
        return Response({"detail": _("Logout successful.")})

    def _session_of_bearer(self, request: Request) -> UUID:
        signed_in = ImmediateJWTAuthentication().authenticate(request)
        if signed_in is None:
            raise exceptions.NotAuthenticated
        return session_id(signed_in[1])

    def _session_of_refresh(self, request: Request, refresh: str) -> UUID:
        try:
            # A token that we signed may be rotated or expired, or its session ended: accept it.
            token = read_refresh(refresh, request=request, check_times=False)
        except TokenRefused as refused:
            raise exceptions.ValidationError(refusal_body(refused.reason)) from None
        if self._is_somebody_else(request, token):
            raise DifferentUsers
        return token.session

    def _is_somebody_else(self, request: Request, refresh: RefreshClaims) -> bool:
        """Return whether a valid Bearer belongs to another user. An invalid one is ignored."""
        try:
            bearer = header_token(request)
            if bearer is None:
                return False
            claims = verify_access(bearer, request=request)
            if claims["sub"] == refresh.subject:
                return False
            active_user(claims)
        except TokenRefused:
            return False
        return True


class SignedInView(RatchetView):
    """The base of endpoints that require a Bearer access token.

    A logout takes effect here at once, whatever the setting ``FRESHNESS`` is.
    """

    authentication_classes = (ImmediateJWTAuthentication,)
    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)


class LogoutAllView(SignedInView):
    """Log the user out on all devices."""

    serializer_class = Serializer  # no fields, but DRF requires a class

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End every session of the user."""
        end_all_sessions(request.user, request=request)
        return Response({"detail": _("Logout successful.")})


class SessionListView(SignedInView):
    """List the user's active sessions: the devices on which they are signed in."""

    serializer_class = SessionSerializer
    http_method_names = ["get", "head", "options"]

    def get_queryset(self) -> QuerySet[Session]:
        """Return the user's active sessions, newest first."""
        return store.active_sessions(self.request.user)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the newest sessions, or those before ``?before=ID``, and link to the next page."""
        found = self.get_queryset()
        if before := request.query_params.get("before"):
            found = found.filter(pk__lt=_cursor(before))
        page = list(found[: SESSIONS_PER_PAGE + 1])
        shown = page[:SESSIONS_PER_PAGE]
        context = {**self.get_serializer_context(), "current": _own_session(request)}
        serializer = self.get_serializer_class()(shown, many=True, context=context)
        response = Response(serializer.data)
        if len(page) > len(shown):
            # The request's own URL keeps its captured arguments, which reverse() would need.
            here = request.build_absolute_uri()
            following = replace_query_param(here, "before", str(shown[-1].pk))
            response["Link"] = f'<{following}>; rel="next"'
        return response


class SessionDetailView(SignedInView):
    """End one of the user's sessions."""

    serializer_class = Serializer
    http_method_names = ["delete", "options"]

    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End the session with this id."""
        named = _uuid(kwargs["id"])
        session = named and store.active_sessions(request.user).filter(pk=named).first()
        if not session:
            raise exceptions.NotFound
        end_session(session, reason=EndReason.REVOKED, request=request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class StepUpView(SignedInView):
    """Re-enter the password, for views that require a recent sign-in (RFC 9470)."""

    throttle_classes = STEP_UP_THROTTLES
    throttle_scope = SIGN_IN_SCOPE

    def get_serializer_class(self) -> type[Any]:
        """Return ``serializer_class``, or the sign-in's serializer without the username."""
        return self.serializer_class or step_up_serializer()

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Check the password, and return a new pair with a new ``auth_time``."""
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
    """Call a serializer's ``create`` and return the grant that it made.

    Raises:
        ImproperlyConfigured: a project's ``create`` returned something else.
    """
    grant = serializer.create(serializer.validated_data)
    if not isinstance(grant, Grant):
        raise ImproperlyConfigured(
            f"{type(serializer).__name__}.create() did not return a Grant. Return the result of "
            "open_session(): the view may have to set its tokens as cookies."
        )
    serializer.instance = grant
    return grant


@contextmanager
def only_failures_count(view: RatchetView) -> Iterator[None]:
    """Count an attempt as a success instead of a failure if the block raises nothing.

    Args:
        view: the view that handles the attempt.
    """
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
    """Return the id after which a page of the list begins.

    Raises:
        ValidationError: ``before`` is not a session's id. Ignoring it would return the first page
            again and again.
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
