"""The endpoint that exchanges a Django session of allauth for our cookies."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from drf_ratchet.allauth.exchanging import exchange
from drf_ratchet.browser.cross_site import HasCSRFToken, IsSameOrigin
from drf_ratchet.browser.views import BrowserSignInView
from drf_ratchet.sessions.device import django_request


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
