"""The endpoints for services: introspection (RFC 7662), revocation (RFC 7009), ended sessions."""

import logging
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from drf_ratchet.authentication import verify_access
from drf_ratchet.bounds import conditional_response
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import keyring
from drf_ratchet.parsers import FormParser
from drf_ratchet.serializers import TokenVerifySerializer
from drf_ratchet.services.authentication import REALM, ServiceAuthentication
from drf_ratchet.services.ended_sessions import ended_sessions
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.device import django_request
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import end_session
from drf_ratchet.sessions.freshness import active_user
from drf_ratchet.sessions.refreshing import check_refresh, read_refresh
from drf_ratchet.tenants import issuer_for
from drf_ratchet.views import FirstRenderer, RatchetView
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind, RefreshClaims, session_id
from ratchet_tokens.errors import Reason, TokenRefused

security_log = logging.getLogger("drf_ratchet.security")


class ServiceView(RatchetView):
    """The base of the endpoints for services, which take forms and return JSON."""

    authentication_classes: tuple[type[BaseAuthentication], ...] = (ServiceAuthentication,)
    parser_classes = (FormParser,)
    # A project's own renderer would rename the members, or show a form to try tokens in.
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = FirstRenderer
    # A project's own throttles would count all users of a service as one address.
    throttle_classes: tuple[type[BaseThrottle], ...] = ()

    def get_authenticate_header(self, request: Request) -> str:
        """Return the ``WWW-Authenticate`` header of a 401."""
        return REALM


class IntrospectView(ServiceView):
    """Introspect a token: is it valid, and its session active? Never writes.

    Refresh tokens and tokens from cookies are shown only to the services that the setting
    ``SERVICES_THAT_SEE_ALL_TOKENS`` names. Other services do not receive them from their own
    clients (RFC 7662 section 2.2). ``token_type_hint`` is ignored, because the token contains its
    type.
    """

    serializer_class = TokenVerifySerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the token's claims, or ``{"active": false}`` alone (RFC 7662 section 2.2)."""
        token = _token_of(self)
        sees_all = request.auth in ratchet_settings().SERVICES_THAT_SEE_ALL_TOKENS
        try:
            return Response({**_claims_of(token, request, sees_all=sees_all), "active": True})
        except TokenRefused:
            return Response({"active": False})


class RevokeView(ServiceView):
    """Revoke a token: end its session, for a token of any kind and age."""

    serializer_class = TokenVerifySerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return 200, also for a token that this server did not sign (RFC 7009 section 2.2)."""
        token = _token_of(self)
        try:
            ending = _session_of(token, request)
        except TokenRefused:
            return Response({})
        session = store.get(ending)
        if session and end_session(session, reason=EndReason.REVOKED, request=request):
            security_log.info("The service %s has revoked session %s.", request.auth, session.pk)
        return Response({})


class EndedSessionsView(ServiceView):
    """Return the signed list of sessions that ended recently."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the document; 304 if the service already has it."""
        document = ended_sessions(issuer_for(request), write_database()).document()
        response = HttpResponse(document.text, content_type="application/jwt")
        response["ETag"] = document.etag
        asked: HttpRequest = django_request(request)
        return conditional_response(asked, response)

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        """Let only the service cache the response, for ``FEED_INTERVAL``."""
        response = super().finalize_response(*args, **kwargs)
        if response.status_code in (200, 304) and self.request.method in ("GET", "HEAD"):
            interval = int(ratchet_settings().FEED_INTERVAL.total_seconds())
            response["Cache-Control"] = f"private, max-age={interval}"
        return response


def _token_of(view: ServiceView) -> str:
    fields = view.get_serializer(data=view.request.data)
    fields.is_valid(raise_exception=True)
    token: str = fields.validated_data["token"]
    return token


def _claims_of(token: str, request: Request, *, sees_all: bool) -> dict[str, Any]:
    """Return the claims of a valid token whose session is active.

    Args:
        token: the token that the service sent.
        request: the service's request, for a callable ``ISSUER``.
        sees_all: whether the service may see other tokens than access tokens from headers.

    Raises:
        TokenRefused: the token is not valid, or its session is not active.
    """
    kind = codec.kind_of(token)
    if kind is not Kind.ACCESS and not sees_all:
        raise TokenRefused(Reason.WRONG_TYPE)
    if not kind.is_refresh:
        claims = verify_access(token, kind, request=request)
        username = active_user(claims).get_username()
        return {**claims, "username": username, "token_type": "Bearer"}
    leeway = ratchet_settings().LEEWAY.total_seconds()
    issuer = issuer_for(request)
    claims = codec.verify(token, keyring().refresh, kind, issuer=issuer, leeway=leeway)
    refresh = RefreshClaims.read(claims)
    session: Any = check_refresh(refresh)
    if session.generation != refresh.generation:
        raise TokenRefused(Reason.REUSED)
    shown = {name: claims[name] for name in ("sub", "sid", "exp", "iat")}
    return {**shown, "username": session.user.get_username()}


def _session_of(token: str, request: Request) -> UUID:
    """Return the session of a token that this server signed, expired or not.

    Raises:
        TokenRefused: another server signed it, or it is malformed.
    """
    kind = codec.kind_of(token)
    if kind.is_refresh:
        return read_refresh(token, kind=kind, request=request, check_times=False).session
    return session_id(verify_access(token, kind, request=request, check_times=False))
