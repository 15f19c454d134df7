"""The authentication class of drf-ratchet, which reads simplejwt's access tokens too.

A project that moves on to drf-ratchet's own names first names these. Each client gets a pair of
drf-ratchet at its next refresh, in the same session. One refresh lifetime later the project names
drf-ratchet's classes and takes the bridge out.
"""

from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication as SimpleJWTAuthentication

from drf_ratchet import authentication
from drf_ratchet.authentication import header_token
from drf_ratchet.exceptions import TokenNotValid
from drf_ratchet_compat.old_tokens import is_old
from ratchet_tokens.errors import Reason


class JWTAuthentication(authentication.JWTAuthentication):
    """Authenticate by an access token of drf-ratchet, or by one that simplejwt made.

    ``request.auth`` of the latter is simplejwt's token object.
    """

    @sensitive_variables()
    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        """Return the user and the claims; None if the request has no token of our scheme.

        Raises:
            RequestRefused: as ``drf_ratchet.authentication.JWTAuthentication``.
        """
        if not is_old(header_token(request)):
            return super().authenticate(request)
        try:
            found: tuple[Any, Any] | None = SimpleJWTAuthentication().authenticate(request)
        except AuthenticationFailed:
            raise TokenNotValid(Reason.SESSION_ENDED) from None
        return found
