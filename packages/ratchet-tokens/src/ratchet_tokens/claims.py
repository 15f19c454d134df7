"""What an access token and a refresh token say."""

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

    What travels in a cookie is of a kind of its own, so that a token taken out of one is no use in
    a header or a body, nor the other way round.
    """

    ACCESS = "access"
    REFRESH = "refresh"
    COOKIE_ACCESS = "cookie_access"
    COOKIE_REFRESH = "cookie_refresh"

    #: The ``typ`` header (RFC 8725 section 3.11: explicit typing; ``at+jwt`` is RFC 9068's).
    typ: str
    #: Whether it is good for refreshing, and for nothing else.
    is_refresh: bool
    #: Whether it travels in a cookie, and nowhere else.
    in_cookie: bool

    # Attributes, since each token asks for them, and an enumeration's members are slow to compare.
    def __init__(self, name: str) -> None:
        self.is_refresh = name.endswith("refresh")
        self.in_cookie = name.startswith("cookie")
        self.typ = f"{'rt' if self.is_refresh else 'at'}{'-cookie' if self.in_cookie else ''}+jwt"


#: Claims that this package writes or checks. A project's own claims may not use these names.
REGISTERED_CLAIMS = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti"),  # RFC 7519 section 4.1
        *("sid", "auth_time"),  # OpenID Connect
        *("client_id", "act", "cnf"),  # RFC 9068, RFC 8693, RFC 7800
        *("gen", "token_type"),  # ours
    }
)


class Claims(Mapping[str, Any]):
    """Verified claims: a mapping that nothing can change, all the way down.

    Objects inside become read-only mappings and arrays become tuples.

    Args:
        claims: the parsed payload of a token.
    """

    __slots__ = ("_claims",)

    _claims: Mapping[str, Any]

    def __init__(self, claims: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_claims", _frozen(claims))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        # One object answers every request with the same token.
        raise AttributeError("Verified claims cannot be changed.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("Verified claims cannot be changed.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (thawed(self._claims),)  # a mappingproxy cannot be pickled

    def __getitem__(self, name: str) -> Any:
        return self._claims[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def __repr__(self) -> str:
        # Names only: the values are somebody's email address as often as not.
        return f"<Claims {', '.join(self._claims)}>"


# Most values are one of these, and whether something is a mapping is a slow question.
_SCALARS = frozenset({str, int, float, bool, type(None)})


def _frozen(value: Any) -> Any:
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


def thawed(value: Any) -> Any:
    """Return a claim, or all of them, as parsed from JSON: a copy that may be changed.

    Args:
        value: a ``Claims``, which is read-only all the way down, or one of its values.
    """
    if isinstance(value, Mapping):
        return {name: thawed(item) for name, item in value.items()}
    return [thawed(item) for item in value] if isinstance(value, tuple) else value


def session_id(claims: Mapping[str, Any]) -> UUID:
    """The ``sid`` claim as a UUID.

    Raises:
        TokenRefused: malformed, if there is none or it is not a UUID.
    """
    try:
        return _uuid(claims["sid"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise TokenRefused(Reason.MALFORMED) from None


# Asked at each request of a session.
@lru_cache(maxsize=4096)
def _uuid(text: str) -> UUID:
    return UUID(text)


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """What a refresh token says, once verified: the pair (session, generation) and whose it is.

    Args:
        subject: the user's id as a string, the ``sub`` claim.
        session: the id of the session, the ``sid`` claim.
        generation: the counter's value this token stands for, the ``gen`` claim.
    """

    subject: str
    session: UUID
    generation: int

    @classmethod
    def read(cls, claims: Mapping[str, Any]) -> Self:
        """Take the three out of verified claims.

        Raises:
            TokenRefused: malformed, if one is missing or of the wrong type.
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
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The claims of an access token.

    Args:
        subject: the user's id as a string.
        session: the id of the session.
        issued_at: seconds since 1970.
        expires_at: seconds since 1970; the first second at which the token is no longer good.
        auth_time: when the user last proved who they are, seconds since 1970.
        kind: how it travels, in a header or in a cookie.
        issuer: the ``iss`` claim, left out if None.
        audience: the ``aud`` claim, left out if None.
        client_id: the claim of that name, left out if None. With an issuer and an audience the
            token is RFC 9068's.
        extra: the project's own claims, none with a registered name.
    """
    claims: dict[str, Any] = {**(extra or {}), "token_type": kind.value}
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
    """The claims of a refresh token.

    The same arguments always give the same claims: a repeated refresh hands out the very same
    token, so there is no ``jti``.

    Args:
        subject: the user's id as a string.
        session: the id of the session.
        generation: the counter's value that the token stands for.
        issued_at: seconds since 1970.
        expires_at: seconds since 1970.
        kind: how it travels, in a body or in a cookie.
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
