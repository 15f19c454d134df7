"""The Authorization header, for DRF."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

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
    """Sign a request in by the access token in its Authorization header.

    ``request.user`` is the user; ``request.auth`` the verified claims, an immutable mapping. With
    ``FRESHNESS`` "bounded" or "expiry" the user is a ``SimpleLazyObject``, as under Django's
    ``AuthenticationMiddleware``, and is read from the database at the first look.

    Outside of DRF call ``JWTAuthentication().authenticate(request)`` with Django's own request:
    docs/howto/plain-django.md.
    """

    #: How old "still signed in" may be here; None for the setting ``FRESHNESS``.
    freshness: str | None = None

    #: The request headers that its responses depend on.
    varies_by: tuple[str, ...] = ("Authorization",)

    @sensitive_variables()  # an error report shows no token
    def authenticate(self, request: Any) -> tuple[Any, Claims] | None:
        """Return the user and the claims; None without a token of our scheme.

        Args:
            request: DRF's or Django's.

        Raises:
            RequestRefused: ``TokenNotValid`` where the token is refused; ``Busy`` where, with
                ``FRESHNESS = "bounded"`` or a ``VERIFIER``, it cannot be known who is signed in.
        """
        varies_by(request, *self.varies_by)
        try:
            claims = self.get_claims(request)
            if claims is None:
                return None
            user = self.get_user(claims)
            renderer = getattr(request, "accepted_renderer", None)
            if renderer is not None and renderer.media_type == "text/html":
                # The page shows the user. It is rendered after the view, where DRF answers no
                # refusal any more; so a lazy user is read here.
                getattr(user, "is_active", None)
            return user, claims
        except TokenRefused as refused:
            raise TokenNotValid(refused.reason) from None
        except Unavailable:
            raise in_contract_shape(Busy()) from None

    def get_claims(self, request: Any) -> Claims | None:
        """Return the verified claims of the request's token; None where it brings none.

        Raises:
            TokenRefused: with the reason.
            Unavailable: the issuer that ``VERIFIER`` names cannot be asked what is needed.
        """
        token = header_token(request)
        if token is None:
            return None
        verifier = issuer_verifier()
        if verifier is not None:
            return verified_elsewhere(verifier, token, request)
        return verify_access(token, request=request)

    def get_user(self, claims: Mapping[str, Any]) -> Any:
        """Return the user that verified claims name, if the session is still alive.

        Raises:
            TokenRefused: with the reason.
            Unavailable: with ``FRESHNESS = "bounded"``, the database has not answered for long.
        """
        if ratchet_settings().USER == "claims":
            return TokenUser(claims)
        return _fresh_user()(claims, self.freshness)

    def authenticate_header(self, request: Any) -> str:
        """The ``WWW-Authenticate`` of a 401; names the error where a token was sent."""
        sent = bearer.bears_token(get_authorization_header(request), _demands().schemes)
        return REALM_INVALID_TOKEN if sent else REALM


class ImmediateJWTAuthentication(JWTAuthentication):
    """For views where a logout must count at once, whatever ``FRESHNESS`` is: payments, say."""

    freshness = "immediate"


def varies_by(request: Any, *names: str) -> None:
    """Add headers to the ``Vary`` of the view's response, whether or not a user is signed in.

    Without it a cache, Django's own included, answers one user with the response to another. RFC
    9111 section 3.5 forbids that for ``Authorization``, and Django's cache middleware ignores it.

    Args:
        request: DRF's. Nothing happens for Django's, which knows no view.
        names: the request headers that sign in.
    """
    view: Any = (getattr(request, "parser_context", None) or {}).get("view")
    headers: dict[str, str] | None = getattr(view, "headers", None)
    if headers is not None:
        for name in names:
            said = headers.get("Vary")
            if not said:
                headers["Vary"] = name
            elif name not in said:
                headers["Vary"] = f"{said}, {name}"


def header_token(request: Any) -> str | None:
    """Return the token in the Authorization header; None where there is none of our scheme.

    Raises:
        TokenRefused: malformed, if the header is of our scheme and not one word long.
    """
    return bearer.bearer_token(get_authorization_header(request), _demands().schemes)


def verify_access(
    token: object,
    kind: Kind = Kind.ACCESS,
    *,
    request: Any = None,
    check_times: bool = True,
) -> Claims:
    """The claims of an access token that is ours and good now; its session is not looked at.

    Args:
        token: what the client sent; anything.
        kind: how it has to have travelled.
        request: the request that brought it, for a callable ``ISSUER``.
        check_times: False to accept an expired one, as ending its session must.

    Raises:
        TokenRefused: with the reason.
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


@cache
def _fresh_user() -> Callable[[Mapping[str, Any], str | None], Any]:
    # Late: a service that knows no users has no tables, and none of our models. And once, for an
    # import statement costs each request as much as the look-up of its token.
    from drf_ratchet.sessions.freshness import fresh_user

    return fresh_user


class _Demands(NamedTuple):
    """The settings that each request asks for, in the form in which it does."""

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
