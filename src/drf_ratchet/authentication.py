"""Authenticate requests by the access token in the Authorization header."""

from collections.abc import Mapping
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication, get_authorization_header

from drf_ratchet.caches import forget_on_change
from drf_ratchet.conf import NAME, ratchet_settings
from drf_ratchet.exceptions import Busy, TokenNotValid, in_contract_shape
from drf_ratchet.issuer import issuer_verifier, verified_elsewhere
from drf_ratchet.keyring import keyring
from drf_ratchet.tenants import issuer_for
from drf_ratchet.token_user import TokenUser
from ratchet_tokens import bearer, codec
from ratchet_tokens.claims import Claims, Kind
from ratchet_tokens.errors import TokenRefused, Unavailable

REALM = bearer.REALM
REALM_INVALID_TOKEN = bearer.REALM_INVALID_TOKEN


class JWTAuthentication(BaseAuthentication):
    """Authenticate a request by the access token in its Authorization header.

    ``request.user`` is the user, and ``request.auth`` is the immutable mapping of verified claims.
    With ``FRESHNESS`` "bounded" or "expiry" the user is a ``SimpleLazyObject``, as under Django's
    ``AuthenticationMiddleware``: the database is queried at the first access.

    Outside of DRF, call ``JWTAuthentication().authenticate(request)`` with Django's own request:
    docs/howto/plain-django.md.
    """

    #: The ``FRESHNESS`` of this class; None for the setting.
    freshness: str | None = None

    #: The request headers that the responses depend on, for ``Vary``.
    varies_by: tuple[str, ...] = ("Authorization",)

    @sensitive_variables()  # an error report must not show the token
    def authenticate(self, request: Any) -> tuple[Any, Claims] | None:
        """Return the user and the claims; None if the request has no token of our scheme.

        Args:
            request: DRF's or Django's request.

        Raises:
            RequestRefused: ``TokenNotValid`` if the token is refused. ``Busy`` if the token cannot
                be verified now, which happens with ``FRESHNESS = "bounded"`` or a ``VERIFIER``.
        """
        varies_by(request, *self.varies_by)
        try:
            claims = self.get_claims(request)
            if claims is None:
                return None
            user = self.get_user(claims)
            _let_coroutines_load(request, user)
            renderer = getattr(request, "accepted_renderer", None)
            if renderer is not None and renderer.media_type == "text/html":
                # The browsable API renders the user after the view, where DRF no longer handles
                # a refusal. So load a lazy user now.
                getattr(user, "is_active", None)
            return user, claims
        except TokenRefused as refused:
            raise TokenNotValid(refused.reason) from None
        except Unavailable:
            raise in_contract_shape(Busy()) from None

    @sensitive_variables()
    async def aauthenticate(self, request: Any) -> tuple[Any, Claims] | None:
        """Return what ``authenticate`` does, for a coroutine. The event loop goes on meanwhile.

        The user may be lazy: ``await request.auser()`` loads it.

        Args:
            request: Django's request.

        Raises:
            RequestRefused: as ``authenticate``.
        """
        try:
            if issuer_verifier() is None:
                claims = self.get_claims(request)
            else:  # it may have to fetch the issuer's keys
                claims = await sync_to_async(self.get_claims)(request)
            if claims is None:
                return None
            user = await self.aget_user(claims)
        except TokenRefused as refused:
            raise TokenNotValid(refused.reason) from None
        except Unavailable:
            raise in_contract_shape(Busy()) from None
        _let_coroutines_load(request, user)
        return user, claims

    def get_claims(self, request: Any) -> Claims | None:
        """Return the verified claims of the request's token; None if it has no token.

        Args:
            request: DRF's or Django's request.

        Raises:
            TokenRefused: the token is invalid.
            Unavailable: the issuer that ``VERIFIER`` names is not reachable.
        """
        token = header_token(request)
        if token is None:
            return None
        verifier = issuer_verifier()
        if verifier is not None:
            return verified_elsewhere(verifier, token, request)
        return verify_access(token, request=request)

    def get_user(self, claims: Mapping[str, Any]) -> Any:
        """Return the user of verified claims, if the session is active.

        Args:
            claims: the verified claims of an access token.

        Raises:
            TokenRefused: the session has ended, or the user may not sign in.
            Unavailable: with ``FRESHNESS = "bounded"``, the database has not responded for too
                long.
        """
        if ratchet_settings().USER == "claims":
            return TokenUser(claims)
        return _freshness().fresh_user(claims, self.freshness)

    async def aget_user(self, claims: Mapping[str, Any]) -> Any:
        """Return what ``get_user`` does, for a coroutine.

        Args:
            claims: the verified claims of an access token.

        Raises:
            TokenRefused: as ``get_user``.
            Unavailable: as ``get_user``.
        """
        if ratchet_settings().USER == "claims":
            return TokenUser(claims)
        return await _freshness().afresh_user(claims, self.freshness)

    def authenticate_header(self, request: Any) -> str:
        """Return the ``WWW-Authenticate`` of a 401, with an error if the request has a token."""
        sent = bearer.bears_token(get_authorization_header(request), _demands().schemes)
        return REALM_INVALID_TOKEN if sent else REALM


class ImmediateJWTAuthentication(JWTAuthentication):
    """``JWTAuthentication`` for views where a logout must take effect at once, such as payments.

    It ignores the setting ``FRESHNESS``.
    """

    freshness = "immediate"


def varies_by(request: HttpRequest, *names: str) -> None:
    """Add headers to the ``Vary`` of the view's response, whether or not a user is signed in.

    Otherwise a cache, including Django's, may send one user the response to another user. RFC 9111
    section 3.5 forbids that for ``Authorization``, but Django's cache middleware does not comply.

    Args:
        request: DRF's request. Django's own request has no view, so nothing is added.
        names: the request headers that authenticate.
    """
    view = (getattr(request, "parser_context", None) or {}).get("view")
    headers: dict[str, str] | None = getattr(view, "headers", None)
    if headers is not None:
        for name in names:
            said = headers.get("Vary")
            if not said:
                headers["Vary"] = name
            elif name not in said:
                headers["Vary"] = f"{said}, {name}"


def header_token(request: Any) -> str | None:
    """Return the token in the Authorization header; None if there is no header of our scheme.

    Args:
        request: DRF's or Django's request.

    Raises:
        TokenRefused: malformed, if the scheme is not followed by exactly one word.
    """
    return bearer.bearer_token(get_authorization_header(request), _demands().schemes)


def verify_access(
    token: object,
    kind: Kind = Kind.ACCESS,
    *,
    request: HttpRequest | None = None,
    check_times: bool = True,
) -> Claims:
    """Return the claims of an access token that we issued and that is valid now.

    This does not check the session.

    Args:
        token: the value that the client sent, of any type.
        kind: the required kind: in a header or in a cookie.
        request: the request with the token, for a callable ``ISSUER``.
        check_times: False to accept an expired token, as a logout must.

    Raises:
        TokenRefused: the token is invalid.
    """
    demands = _demands()
    return codec.verify(
        token,
        keyring().access,
        kind,
        issuer=issuer_for(request),
        audience=demands.audience,
        leeway=demands.leeway,
        check_times=check_times,
    )


async def aauthenticate(
    request: HttpRequest, by: type[JWTAuthentication] = JWTAuthentication
) -> tuple[Any, Claims] | None:
    """Authenticate the request of a plain asynchronous view, and return the user and the claims.

    Sets ``request.user``, ``request.auth`` and ``request.auser``. Without a token nothing is set.

    Args:
        request: Django's request.
        by: the class that authenticates, for example ``ImmediateJWTAuthentication``.

    Returns:
        The user, which may be lazy, and the claims; None if the request has no token.

    Raises:
        RequestRefused: the token is refused, or cannot be verified now.
    """
    signed_in = await by().aauthenticate(request)
    if signed_in is not None:
        request.user, request.auth = signed_in  # type: ignore[attr-defined]
        request.auser = partial(_loaded, request.user)
    return signed_in


def _let_coroutines_load(request: Any, user: Any) -> None:
    """Have ``await request.auser()`` return this user, and not Django's session's."""
    request = getattr(request, "_request", request)
    if isinstance(request, ASGIRequest):
        request.auser = partial(_loaded, user)


async def _loaded(user: Any) -> Any:
    return user if ratchet_settings().USER == "claims" else await _freshness().aload(user)


@cache
def _freshness() -> Any:
    # Imported late: a service without users does not install the app's models. Cached, because an
    # import statement takes as long as the look-up of a token, once per request.
    from drf_ratchet.sessions import freshness

    return freshness


class _Demands(NamedTuple):
    """The settings that every request needs, converted once."""

    schemes: frozenset[bytes]
    audience: tuple[str, ...]
    leeway: float


@lru_cache(maxsize=1)
def _demands() -> _Demands:
    settings = ratchet_settings()
    return _Demands(
        frozenset(scheme.lower().encode() for scheme in settings.AUTH_HEADER_TYPES),
        settings.audiences,
        settings.LEEWAY.total_seconds(),
    )


forget_on_change(_demands.cache_clear, NAME)
