"""Sign and verify. The only module that turns claims into strings and strings into claims."""

import binascii
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ratchet_tokens.claims import Claims, Kind
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import Key, KeySet
from ratchet_tokens.verified_cache import Checked, checked_tokens

#: Longest token looked at or made, in characters. Most servers take no longer header.
MAX_LENGTH = 16_384
_MAX_HEADER_LENGTH = 512
#: The end of the year 9999, the last moment that a datetime can hold.
_END_OF_TIME = 253_402_300_799
#: How far, in seconds, another machine's clock may run ahead when it says "issued now". ``iat`` is
#: not a bound of validity (RFC 7519 section 4.1.6); ``nbf`` and ``exp`` get no such allowance.
ISSUED_AHEAD = 5


class _Header(NamedTuple):
    alg: str
    typ: str
    kid: str


def sign(claims: Mapping[str, Any], key: Key, kind: Kind) -> str:
    """A signed token (JWS compact serialization, RFC 7515 section 3.1).

    Args:
        claims: what it says; JSON types only.
        key: the key to sign with.
        kind: what it is, for the ``typ`` header.

    Raises:
        ValueError: the key has no private half, the token would be longer than any server takes,
            or the claims are not JSON.
        TypeError: a claim is of a type that JSON does not have.
    """
    token = seal(claims, key, kind.typ)
    if len(token) > MAX_LENGTH:
        raise ValueError(
            f"The token would have {len(token)} characters, more than {MAX_LENGTH}: "
            "put less into the custom claims."
        )
    return token


def verify(
    token: object,
    keys: KeySet,
    kind: Kind,
    *,
    issuer: str | None = None,
    audience: Collection[str] = (),
    leeway: float = 0,
    check_times: bool = True,
) -> Claims:
    """The claims of a token, if it is one of ours, of this kind, and good now.

    Nothing of the payload is parsed before the signature over it was found good. An access token
    that was found good before is not taken apart again (see ``checked``).

    Args:
        token: what the client sent; anything.
        keys: the keys whose signature counts.
        kind: what the token must be; one of the other kind is refused.
        issuer: the ``iss`` it must carry; None asks for none. A refresh token without any is
            accepted: only servers with several tenants write it.
        audience: names we answer to, one of which must be in ``aud``; empty means that a token
            made for a named audience is not for us (RFC 7519 section 4.1.3). Only with a tuple,
            which nobody can change, is the answer remembered.
        leeway: seconds that ``exp`` and ``nbf`` may be off.
        check_times: False to accept an expired token, as a logout must.

    Raises:
        TokenRefused: with the reason.
    """
    if check_times and type(token) is str:  # of another type it may have no hash
        known = checked_tokens.get(token)
        if known is not None:
            asked_kind, asked_issuer, asked_audience, key, claims, not_before, expires_at = known
            if (
                kind is asked_kind
                and issuer == asked_issuer
                and audience == asked_audience
                and keys.get(key.kid) is key
            ):
                now = time.time()
                if now - leeway < expires_at and now + leeway >= not_before:
                    return claims
                checked_tokens.discard(token)  # and below it is refused
    parsed, key = _unseal(token, keys, kind.typ, MAX_LENGTH)
    _check_claims(parsed, kind, issuer, audience)
    not_before, expires_at = _times(parsed)
    now = time.time()
    if check_times:
        _check_times(not_before, expires_at, now, leeway)
    try:
        claims = Claims(parsed)
    except RecursionError:
        raise TokenRefused(Reason.MALFORMED) from None
    if check_times and type(token) is str and type(audience) is tuple and not kind.is_refresh:
        checked = Checked(kind, issuer, audience, key, claims, not_before, expires_at)
        checked_tokens.add(token, checked, now)
    return claims


def seal(claims: Mapping[str, Any], key: Key, typ: str) -> str:
    """Claims of any type, signed.

    Args:
        claims: JSON types only.
        key: the key to sign with.
        typ: the ``typ`` header.

    Raises:
        ValueError: the key has no private half, or the claims are not JSON.
        TypeError: a claim is of a type that JSON does not have.
    """
    payload = _ENCODER.encode(claims).encode()
    message = f"{_header_segment(key.alg, typ, key.kid)}.{_segment(payload)}"
    return f"{message}.{_segment(key.sign(message.encode()))}"


# Of every token of one key and kind the same.
@lru_cache(maxsize=64)
def _header_segment(alg: str, typ: str, kid: str) -> str:
    return _segment(_ENCODER.encode({"alg": alg, "typ": typ, "kid": kid}).encode())


def unseal(text: object, keys: KeySet, typ: str, limit: int) -> dict[str, Any]:
    """What was signed as one type, if the signature is good. No claim of it is looked at.

    Args:
        text: what somebody sent; anything.
        keys: the keys whose signature counts.
        typ: the ``typ`` header it must have, in lower case.
        limit: its longest length, in characters.

    Raises:
        TokenRefused: with the reason.
    """
    return _unseal(text, keys, typ, limit)[0]


def _unseal(text: object, keys: KeySet, typ: str, limit: int) -> tuple[dict[str, Any], Key]:
    if not isinstance(text, str) or len(text) > limit or not text.isascii():
        raise TokenRefused(Reason.MALFORMED)
    segment, dot, _ = text.partition(".")
    if not dot or len(segment) > _MAX_HEADER_LENGTH:
        raise TokenRefused(Reason.MALFORMED)
    header = _read_header(segment)
    if header.typ != typ:
        raise TokenRefused(Reason.WRONG_TYPE)
    key = keys.get(header.kid)
    if key is None or header.alg not in key.names:
        raise TokenRefused(Reason.BAD_SIGNATURE)
    return _read_object(_checked_payload(text, key)), key


def kind_of(token: object) -> Kind:
    """Which kind a token says it is, before anything is verified.

    Raises:
        TokenRefused: malformed or of neither kind.
    """
    if not isinstance(token, str):
        raise TokenRefused(Reason.MALFORMED)
    segment = token[: _MAX_HEADER_LENGTH + 1].partition(".")[0]
    if len(segment) > _MAX_HEADER_LENGTH or not segment.isascii():
        raise TokenRefused(Reason.MALFORMED)
    typ = _read_header(segment).typ
    for kind in Kind:
        if kind.typ == typ:
            return kind
    raise TokenRefused(Reason.WRONG_TYPE)


def kid_of(text: str) -> str:
    """Which key a token or a document says it is signed with, before anything is verified.

    Raises:
        TokenRefused: its header is malformed.
    """
    segment = text.partition(".")[0]
    if len(segment) > _MAX_HEADER_LENGTH or not segment.isascii():
        raise TokenRefused(Reason.MALFORMED)
    return _read_header(segment).kid


# Every token of one key has the same header, so few are ever parsed.
@lru_cache(maxsize=64)
def _read_header(segment: str) -> _Header:
    header = _read_object(_base64url(segment))
    # We make these three. Whatever else a header may say (jwk, jku, x5u, crit, b64, ...) asks a
    # verifier to trust or do something that we do not: refuse it (RFC 7515 section 4.1.11).
    if not header.keys() <= {"alg", "typ", "kid"}:
        raise TokenRefused(Reason.MALFORMED)
    alg, typ, kid = (header.get(name, "") for name in _Header._fields)
    if not (isinstance(alg, str) and isinstance(typ, str) and isinstance(kid, str)):
        raise TokenRefused(Reason.MALFORMED)
    # RFC 7515 section 4.1.9: a media type, whose "application/" may be left out.
    return _Header(alg, typ.lower().removeprefix("application/"), kid)


def _checked_payload(token: str, key: Key) -> bytes:
    if token.count(".") != 2:
        raise TokenRefused(Reason.MALFORMED)
    message, _, signature = token.rpartition(".")
    try:
        good = key.verify(message.encode(), _base64url(signature))
    except TokenRefused:
        good = False
    if not good:
        raise TokenRefused(Reason.BAD_SIGNATURE)
    return _base64url(message.partition(".")[2])


def _segment(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _base64url(segment: str) -> bytes:
    # What urlsafe_b64decode does, in half of its time.
    try:
        given = segment.encode("ascii")
        padded = given.translate(_TO_STANDARD) + b"=" * (-len(given) % 4)
        decoded = binascii.a2b_base64(padded)
    except ValueError:  # binascii.Error is one
        raise TokenRefused(Reason.MALFORMED) from None
    # The decoder skips what it does not know and ignores loose bits; one spelling is enough.
    again = binascii.b2a_base64(decoded, newline=False).rstrip(b"=").translate(_TO_URL_SAFE)
    if again != given:
        raise TokenRefused(Reason.MALFORMED)
    return decoded


def _read_object(raw: bytes) -> dict[str, Any]:
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise TokenRefused(Reason.MALFORMED) from None
    if not isinstance(value, dict):
        raise TokenRefused(Reason.MALFORMED)
    return value


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")  # RFC 7519 section 4: reject, or take the last
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are not JSON


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder(object_pairs_hook=_unique_names, parse_constant=_no_constant)


def _check_claims(
    claims: dict[str, Any], kind: Kind, issuer: str | None, audience: Collection[str]
) -> None:
    if claims.get("token_type") != kind.value:
        raise TokenRefused(Reason.WRONG_TYPE)
    if not isinstance(claims.get("sub"), str) or not isinstance(claims.get("sid"), str):
        raise TokenRefused(Reason.MALFORMED)
    if not isinstance(claims.get("jti", ""), str):
        raise TokenRefused(Reason.MALFORMED)
    # A refresh token is for us alone. It names its issuer where we are several (tenants), and never
    # an audience. One from before there were several names none.
    demanded = issuer is not None and not (kind.is_refresh and "iss" not in claims)
    if demanded and claims.get("iss") != issuer:
        raise TokenRefused(Reason.WRONG_ISSUER)
    if kind.is_refresh:
        return
    named = claims.get("aud", [])
    named = [named] if isinstance(named, str) else named
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise TokenRefused(Reason.MALFORMED)
    if (named or audience) and not any(name in audience for name in named):
        raise TokenRefused(Reason.WRONG_AUDIENCE)


def _times(claims: dict[str, Any]) -> tuple[float, float]:
    """From when it is good (``nbf``, ``iat``) and until when (``exp``), seconds since 1970."""
    expires_at, earliest = _seconds(claims, "exp"), _seconds(claims, "iat") - ISSUED_AHEAD
    not_before = _seconds(claims, "nbf") if "nbf" in claims else earliest
    return max(not_before, earliest), expires_at


def _check_times(not_before: float, expires_at: float, now: float, leeway: float) -> None:
    if now - leeway >= expires_at:  # RFC 7519 section 4.1.4
        raise TokenRefused(Reason.EXPIRED)
    if now + leeway < not_before:  # section 4.1.5
        raise TokenRefused(Reason.NOT_YET_VALID)


def _seconds(claims: dict[str, Any], name: str) -> float:
    value: Any = claims.get(name)
    if type(value) in (int, float) and abs(value) <= _END_OF_TIME:  # NaN is in no range
        return float(value)
    raise TokenRefused(Reason.MALFORMED)
