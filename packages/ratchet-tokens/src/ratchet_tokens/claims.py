"""The claims of access tokens and refresh tokens."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NoReturn, Self
from uuid import UUID

from ratchet_tokens.errors import Reason, TokenRefused


class Kind(StrEnum):
    """The kinds of token; the value is the ``token_type`` claim.

    Tokens in cookies have kinds of their own. A token copied from a cookie is refused in a header
    or a body, and vice versa.
    """

    ACCESS = "access"
    REFRESH = "refresh"
    COOKIE_ACCESS = "cookie_access"
    COOKIE_REFRESH = "cookie_refresh"

    #: The ``typ`` header (RFC 8725 section 3.11: explicit typing; ``at+jwt`` is RFC 9068's).
    typ: str
    #: Whether this is a refresh token.
    is_refresh: bool
    #: Whether the token is accepted in a cookie only.
    in_cookie: bool

    # Computed once: every token reads them, and comparing enumeration members is slow.
    def __init__(self, name: str) -> None:
        self.is_refresh = name.endswith("refresh")
        self.in_cookie = name.startswith("cookie")
        self.typ = f"{'rt' if self.is_refresh else 'at'}{'-cookie' if self.in_cookie else ''}+jwt"


#: Claims that this package writes or checks. A project's own claims must not use these names.
REGISTERED_CLAIMS = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti"),  # RFC 7519 section 4.1
        *("sid", "auth_time", "amr", "acr"),  # OpenID Connect, RFC 8176
        *("client_id", "act", "cnf"),  # RFC 9068, RFC 8693, RFC 7800
        *("gen", "token_type"),  # ours
    }
)


class Claims(Mapping[str, Any]):
    """Verified claims: a deeply immutable mapping.

    JSON objects inside become read-only mappings, and arrays become tuples.

    Args:
        claims: the parsed payload of a token.
    """

    __slots__ = ("_claims",)

    _claims: Mapping[str, Any]

    def __init__(self, claims: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_claims", _frozen(claims))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        # All requests with the same token share one object.
        raise AttributeError("Verified claims cannot be changed.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("Verified claims cannot be changed.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (mutable_copy(self._claims),)  # a MappingProxyType cannot be pickled

    def __getitem__(self, name: str) -> Any:
        return self._claims[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def __repr__(self) -> str:
        # Names only: values may be personal data, such as an email address.
        return f"<Claims {', '.join(self._claims)}>"


# Most values have one of these types. Testing the type is faster than isinstance(…, Mapping).
_SCALARS = frozenset({str, int, float, bool, type(None)})


def _frozen(value: object) -> Any:
    if isinstance(value, Mapping):
        return MappingProxyType(
            {
                name: item if type(item) in _SCALARS else _frozen(item)
                for name, item in value.items()
            }
        )
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item) for item in value)
    return value


def mutable_copy(value: Any) -> Any:
    """Return a mutable copy of a claim, or of all claims, with JSON's types.

    Args:
        value: a ``Claims``, or one of its values.
    """
    if isinstance(value, Mapping):
        return {name: mutable_copy(item) for name, item in value.items()}
    return [mutable_copy(item) for item in value] if isinstance(value, tuple) else value


def session_id(claims: Mapping[str, Any]) -> UUID:
    """Return the ``sid`` claim as a UUID.

    Args:
        claims: verified claims.

    Raises:
        TokenRefused: malformed, if the claim is missing or not a UUID.
    """
    try:
        return _uuid(claims["sid"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise TokenRefused(Reason.MALFORMED) from None


# Cached: every request of a session parses the same id.
@lru_cache(maxsize=4096)
def _uuid(text: str) -> UUID:
    return UUID(text)


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """The claims of a verified refresh token: its user, session and generation.

    Args:
        subject: the user's id as a string, the ``sub`` claim.
        session: the id of the session, the ``sid`` claim.
        generation: the value of the session's counter in this token, the ``gen`` claim.
    """

    subject: str
    session: UUID
    generation: int

    @classmethod
    def read(cls, claims: Mapping[str, Any]) -> Self:
        """Read the three claims from verified claims.

        Args:
            claims: the verified claims of a refresh token.

        Raises:
            TokenRefused: malformed, if a claim is missing or has the wrong type.
        """
        subject, generation = claims.get("sub"), claims.get("gen")
        if not isinstance(subject, str) or type(generation) is not int or generation < 0:
            raise TokenRefused(Reason.MALFORMED)
        return cls(subject, session_id(claims), generation)


def access_claims(
    *,
    subject: str,
    session: UUID,
    issued_at: int,
    expires_at: int,
    auth_time: int,
    kind: Kind = Kind.ACCESS,
    issuer: str | None = None,
    audience: str | Sequence[str] | None = None,
    client_id: str | None = None,
    amr: Sequence[str] = (),
    acr: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the claims of a new access token.

    Args:
        subject: the user's id as a string.
        session: the id of the session.
        issued_at: seconds since 1970.
        expires_at: seconds since 1970; the first second at which the token is expired.
        auth_time: the time of the last sign-in or step-up, seconds since 1970.
        kind: the kind of access token: in a header or in a cookie.
        issuer: the ``iss`` claim, left out if None.
        audience: the ``aud`` claim, left out if None.
        client_id: the ``client_id`` claim, left out if None. With an issuer and an audience the
            token conforms to RFC 9068.
        amr: the authentication methods of that sign-in (RFC 8176), left out if empty.
        acr: the authentication context class of that sign-in, left out if None.
        extra: the project's own claims, without registered names.
    """
    claims: dict[str, Any] = {**(extra or {}), "token_type": kind.value}
    if amr:
        claims["amr"] = list(amr)
    if acr is not None:
        claims["acr"] = acr
    if issuer is not None:
        claims["iss"] = issuer
    if client_id is not None:
        claims["client_id"] = client_id
    if audience is not None:
        claims["aud"] = audience if isinstance(audience, str) else list(audience)
    return {
        **claims,
        "sub": subject,
        "sid": str(session),
        "jti": secrets.token_urlsafe(16),
        "iat": issued_at,
        "exp": expires_at,
        "auth_time": auth_time,
    }


def refresh_claims(
    *,
    subject: str,
    session: UUID,
    generation: int,
    issued_at: int,
    expires_at: int,
    kind: Kind = Kind.REFRESH,
    issuer: str | None = None,
) -> dict[str, Any]:
    """Return the claims of a refresh token.

    The same arguments always give the same claims, because a retried refresh must return the same
    token. So there is no ``jti``.

    Args:
        subject: the user's id as a string.
        session: the id of the session.
        generation: the value of the session's counter.
        issued_at: seconds since 1970.
        expires_at: seconds since 1970.
        kind: the kind of refresh token: in a body or in a cookie.
        issuer: the tenant's ``iss`` claim, left out if None.
    """
    return {
        **({"iss": issuer} if issuer is not None else {}),
        "token_type": kind.value,
        "sub": subject,
        "sid": str(session),
        "gen": generation,
        "iat": issued_at,
        "exp": expires_at,
    }
