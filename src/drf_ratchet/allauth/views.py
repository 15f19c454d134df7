"""The endpoints beside allauth's: the exchange for our cookies, and the step-up."""

from typing import Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from drf_ratchet.allauth._internals import reauthentication_timeout, session_of
from drf_ratchet.allauth.exchanging import exchange
from drf_ratchet.allauth.links import sid_of
from drf_ratchet.allauth.stepping_up import take_proof
from drf_ratchet.browser.cross_site import HasCSRFToken, IsSameOrigin
from drf_ratchet.browser.views import BrowserSignInView
from drf_ratchet.exceptions import DifferentSessions, ReauthenticationRequired
from drf_ratchet.serializers import TokenField, idempotency_key
from drf_ratchet.sessions.device import django_request
from drf_ratchet.sessions.refreshing import read_refresh, step_up_session
from drf_ratchet.views import SignedInView
from ratchet_tokens.claims import session_id


class AllauthStepUpSerializer(Serializer[Any]):
    """The refresh token."""

    refresh = TokenField(write_only=True)


class AllauthStepUpView(SignedInView):
    """Step up by allauth's reauthentication: by a passkey, an authenticator app or a mailed code.

    The app has just reauthenticated at one of allauth's endpoints. It sends the same
    ``X-Session-Token``, the access token and the refresh token here. Each proof counts once.
    """

    serializer_class = AllauthStepUpSerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a new pair with a new ``auth_time``."""
        fields = self.get_serializer(data=self.get_data(request))
        fields.is_valid(raise_exception=True)
        token = read_refresh(fields.validated_data["refresh"], request=request)
        claims: Any = request.auth
        if token.session != session_id(claims):
            raise DifferentSessions
        key = idempotency_key(request)
        session = session_of(django_request(request))
        if session is None or sid_of(session) != token.session:
            raise NotAuthenticated
        methods = take_proof(session, request.user, token)
        if not methods:
            raise ReauthenticationRequired(int(reauthentication_timeout()))
        grant = step_up_session(token, request=request, idempotency_key=key, amr=methods)
        pair = {"access": grant.access, "refresh": grant.refresh}
        return self.answer({name: one for name, one in pair.items() if one}, grant)


class ExchangeView(BrowserSignInView):
    """Exchange a Django session that allauth has just signed in for our cookies, once.

    The Django session is deleted. The request needs Django's CSRF token, because the session's
    cookie authenticates it.
    """

    serializer_class = Serializer  # no fields, but DRF requires a class
    permission_classes = (IsSameOrigin, HasCSRFToken)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set the cookies, and return the access token unless it is in a cookie, too."""
        transport = self.get_transport()
        grant = exchange(django_request(request), transport)
        access = transport.in_body(grant).access
        return self.answer({"access": access} if access else {}, grant)
