"""The Authorization header, for DRF."""

from collections.abc import Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import Busy, TokenNotValid, in_contract_shape
from drf_ratchet.keyring import keyring
from drf_ratchet.sessions.feed import FeedTooOld
from drf_ratchet.sessions.freshness import fresh_user
from drf_ratchet.tokens import codec
from drf_ratchet.tokens.claims import Claims, Kind
from drf_ratchet.tokens.errors import Reason, TokenRefused

REALM = 'Bearer realm="api"'
REALM_INVALID_TOKEN = f'{REALM}, error="invalid_token"'  # RFC 6750 section 3


class JWTAuthentication(BaseAuthentication):
    """Signs a request in by the access token in its Authorization header.

    ``request.user`` is the user; ``request.auth`` the verified claims, an immutable mapping.
    """

    #: How old "still signed in" may be here; None for the setting ``FRESHNESS``.
    freshness: str | None = None

    @sensitive_variables()  # an error report shows no token
    def authenticate(self, request: Request) -> tuple[Any, Claims] | None:
        """The user and the claims; None where the header is missing or of another scheme.

        Raises:
            TokenNotValid: the token is refused.
            Busy: with ``FRESHNESS = "bounded"``, nobody knows who is signed in any more.
        """
        try:
            claims = self.get_claims(request)
            if claims is None:
                return None
            return self.get_user(claims), claims
        except TokenRefused as refused:
            raise TokenNotValid(refused.reason) from None
        except FeedTooOld:
            raise in_contract_shape(Busy()) from None

    def get_claims(self, request: Request) -> Claims | None:
        """The verified claims of the request's token; None where it brings none.

        Raises:
            TokenRefused: with the reason.
        """
        token = header_token(request)
        return None if token is None else verify_access(token)

    def get_user(self, claims: Mapping[str, Any]) -> Any:
        """The user that verified claims name, if the session is still alive.

        Raises:
            TokenRefused: with the reason.
        """
        return fresh_user(claims, self.freshness)

    def authenticate_header(self, request: Request) -> str:
        """The ``WWW-Authenticate`` of a 401; names the error where a token was sent."""
        return REALM_INVALID_TOKEN if _is_ours(_header_parts(request)) else REALM


class ImmediateJWTAuthentication(JWTAuthentication):
    """For views where a logout must count at once, whatever ``FRESHNESS`` is: payments, say."""

    freshness = "immediate"


def header_token(request: Request) -> str | None:
    """The token in the Authorization header; None where there is none of our scheme.

    Raises:
        TokenRefused: malformed, if the header is of our scheme and not one word long.
    """
    parts = _header_parts(request)
    if not _is_ours(parts):
        return None
    if len(parts) != 2:
        raise TokenRefused(Reason.MALFORMED)
    # The codec takes nothing but ASCII; a wrong byte only has to survive until there.
    return parts[1].decode("latin-1")


def verify_access(token: object, kind: Kind = Kind.ACCESS) -> Claims:
    """The claims of an access token that is ours and good now; its session is not looked at.

    Args:
        token: what the client sent; anything.
        kind: how it has to have travelled.

    Raises:
        TokenRefused: with the reason.
    """
    settings = ratchet_settings()
    return codec.verify(
        token,
        keyring().access,
        kind,
        issuer=settings.ISSUER,
        audience=settings.audiences,
        leeway=settings.LEEWAY.total_seconds(),
    )


def _header_parts(request: Request) -> list[bytes]:
    return get_authorization_header(request).split()


def _is_ours(parts: list[bytes]) -> bool:
    # RFC 9110 section 11.1: the scheme is case-insensitive.
    schemes = (scheme.lower().encode() for scheme in ratchet_settings().AUTH_HEADER_TYPES)
    return bool(parts) and parts[0].lower() in schemes
