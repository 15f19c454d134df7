"""Tokens that another package made, read with the key it made them with.

They say ``typ: JWT`` or nothing; ours never do, so neither passes for the other, whatever the keys.
"""

import json
import time
import warnings
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from joserfc import jwk, jws
from joserfc.errors import JoseError

from ratchet_tokens.algorithms import ALGORITHMS
from ratchet_tokens.codec import MAX_LENGTH
from ratchet_tokens.errors import Reason, TokenRefused

_HEADER = frozenset({"alg", "typ", "kid"})
#: The last moment that a datetime can hold.
_END_OF_TIME = 253_402_300_799


class OldKey(NamedTuple):
    """A key of the package that was here before. Its repr shows nothing of it.

    Args:
        alg: the one algorithm it is used with; a token's header does not choose.
        key: the key, symmetric or public.
        kid: its name; None where it has none and is tried for every token.
    """

    alg: str
    key: Any
    kid: str | None = None

    def __repr__(self) -> str:
        return f"<OldKey {self.alg}>"


def old_key(text: str | bytes, alg: str, kid: str | None = None) -> OldKey:
    """A key out of another package's settings.

    Short secrets are accepted: their tokens are out there, and no better if they are refused now.

    Args:
        text: a secret for HS256 and the like, else a key in PEM, public or private.
        alg: the algorithm (RFC 7518).
        kid: its name, if it has one.

    Raises:
        ValueError: it cannot be used. The text shows nothing of the key.
    """
    kinds = {"HS": jwk.OctKey, "RS": jwk.RSAKey, "PS": jwk.RSAKey, "ES": jwk.ECKey}
    kind: Any = jwk.OKPKey if alg in ("EdDSA", "Ed25519") else kinds.get(alg[:2])
    if alg not in ALGORITHMS or kind is None:
        raise ValueError(f"{alg!r} is no algorithm that drf-ratchet verifies.")
    if not text:
        raise ValueError("The key is empty.")
    raw = text.encode() if isinstance(text, str) else text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joserfc's, about short secrets
            return OldKey(alg, kind.import_key(raw), kid)
    except (JoseError, ValueError, TypeError):
        raise ValueError(f"The key is none for {alg}.") from None


def read_old_token(
    token: object,
    keys: Iterable[OldKey],
    *,
    issuer: str | None = None,
    audience: Collection[str] = (),
    leeway: float = 0,
    check_times: bool = True,
) -> dict[str, Any]:
    """The claims of an old token whose signature is good.

    What kind of token it is and whose is for the caller to find out.

    Args:
        token: what the client sent; anything.
        keys: whose signature counts. Where the token and the keys have names, they must agree.
        issuer: the ``iss`` it must carry; None asks for none.
        audience: names of which one must be in ``aud``; empty asks for none, as simplejwt does.
        leeway: seconds that ``exp`` and ``nbf`` may be off.
        check_times: False to accept an expired one.

    Raises:
        TokenRefused: with the reason.
    """
    if not isinstance(token, str) or len(token) > MAX_LENGTH or not token.isascii():
        raise TokenRefused(Reason.MALFORMED)
    header = _header(token)
    for key in keys:
        if header.get("alg") != key.alg or not _fits(header.get("kid"), key.kid):
            continue
        try:
            found = jws.deserialize_compact(token, key.key, algorithms=[key.alg])
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
        claims = _object(found.payload)
        _check_names(claims, issuer, audience)
        _check_times(claims)
        if check_times:
            check_moment(claims, leeway)
        return claims
    raise TokenRefused(Reason.BAD_SIGNATURE)


def is_old(token: object) -> bool:
    """Whether it says of itself that another package made it. Nothing is verified."""
    if not isinstance(token, str) or len(token) > MAX_LENGTH or not token.isascii():
        return False
    try:
        return bool(_header(token))
    except TokenRefused:
        return False


def unverified_claims(token: str) -> dict[str, Any]:
    """What any token says, ours or not, if anybody believes it.

    Raises:
        TokenRefused: malformed.
    """
    try:
        return _object(jws.extract_compact(token.encode("ascii")).payload)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise TokenRefused(Reason.MALFORMED) from None


def _header(token: str) -> Mapping[str, Any]:
    try:
        header: Mapping[str, Any] = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise TokenRefused(Reason.MALFORMED) from None
    typ = header.get("typ", "JWT")
    if not header.keys() <= _HEADER or not isinstance(typ, str) or typ.upper() != "JWT":
        raise TokenRefused(Reason.MALFORMED)
    return header


def _fits(named: Any, kid: str | None) -> bool:
    return kid is None or named is None or named == kid


def _object(payload: bytes) -> dict[str, Any]:
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        raise TokenRefused(Reason.MALFORMED) from None
    if not isinstance(claims, dict):
        raise TokenRefused(Reason.MALFORMED)
    return claims


def _check_names(claims: Mapping[str, Any], issuer: str | None, audience: Collection[str]) -> None:
    if issuer is not None and claims.get("iss") != issuer:
        raise TokenRefused(Reason.WRONG_ISSUER)
    named = claims.get("aud", [])
    named = [named] if isinstance(named, str) else named
    if not isinstance(named, list):
        raise TokenRefused(Reason.MALFORMED)
    if audience and not any(name in audience for name in named):
        raise TokenRefused(Reason.WRONG_AUDIENCE)


def check_moment(claims: Mapping[str, Any], leeway: float) -> None:
    """Check ``exp`` and ``nbf`` (RFC 7519 section 4.1) against the clock.

    Args:
        claims: verified; with an ``exp``.
        leeway: seconds that both may be off.

    Raises:
        TokenRefused: malformed, expired or not yet valid.
    """
    _check_times(claims)
    now = time.time()
    if claims["exp"] <= now - leeway:
        raise TokenRefused(Reason.EXPIRED)
    if claims.get("nbf", 0) > now + leeway:
        raise TokenRefused(Reason.NOT_YET_VALID)


def _check_times(claims: Mapping[str, Any]) -> None:
    given = [claims[name] for name in ("exp", "nbf", "iat", "orig_iat") if name in claims]
    if "exp" not in claims or not all(map(_is_time, given)):
        raise TokenRefused(Reason.MALFORMED)


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= _END_OF_TIME  # NaN is in no range
