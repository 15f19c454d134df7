"""Sign and verify tokens. No other module encodes or decodes them."""

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

#: The most characters of a token. Most servers accept no longer header.
MAX_LENGTH = 16_384
_MAX_HEADER_LENGTH = 512
#: The end of the year 9999, in seconds since 1970: the last moment of a datetime.
_END_OF_TIME = 253_402_300_799
#: Seconds by which ``iat`` may be in the future, for an issuer whose clock is ahead. ``iat`` does
#: not limit validity (RFC 7519 section 4.1.6), so ``nbf`` and ``exp`` have no such allowance.
ISSUED_AHEAD = 5


class _Header(NamedTuple):
    alg: str
    typ: str
    kid: str


def sign(claims: Mapping[str, Any], key: Key, kind: Kind) -> str:
    """Return a signed token (JWS compact serialization, RFC 7515 section 3.1).

    Args:
        claims: the claims, of JSON types only.
        key: the key to sign with.
        kind: the kind of token, for the ``typ`` header.

    Raises:
        ValueError: the key has no private half, the token would be longer than ``MAX_LENGTH``, or
            the claims are not JSON.
        TypeError: a claim has a type that JSON does not have.
    """
    token = seal(claims, key, kind.typ)
    if len(token) > MAX_LENGTH:
        raise ValueError(
            f"The token would have {len(token)} characters, more than {MAX_LENGTH}. "
            "Put less into the custom claims."
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
    """Return the claims of a valid token.

    The payload is not parsed before its signature is verified. An access token that was verified
    before is not verified again (see ``verified_cache``).

    Args:
        token: the value that the client sent, of any type.
        keys: the keys whose signatures are accepted.
        kind: the required kind of token.
        issuer: the required ``iss``; None to accept any. A refresh token without ``iss`` is always
            accepted: only servers with several tenants write it.
        audience: the names of this service, one of which must be in ``aud``. If empty, a token with
            an audience is refused (RFC 7519 section 4.1.3). Pass a tuple: the result is cached for
            an immutable audience only.
        leeway: seconds of tolerance for ``exp`` and ``nbf``.
        check_times: False to accept an expired token, as a logout must.

    Raises:
        TokenRefused: the token is invalid.
    """
    if check_times and type(token) is str:  # other types may not be hashable
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
                checked_tokens.discard(token)  # it is refused below
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
    """Return signed claims with any ``typ``.

    Args:
        claims: the claims, of JSON types only.
        key: the key to sign with.
        typ: the ``typ`` header.

    Raises:
        ValueError: the key has no private half, or the claims are not JSON.
        TypeError: a claim has a type that JSON does not have.
    """
    payload = _ENCODER.encode(claims).encode()
    message = f"{_header_segment(key.alg, typ, key.kid)}.{_segment(payload)}"
    return f"{message}.{_segment(key.sign(message.encode()))}"


# Cached: all tokens of one key and kind have the same header.
@lru_cache(maxsize=64)
def _header_segment(alg: str, typ: str, kid: str) -> str:
    return _segment(_ENCODER.encode({"alg": alg, "typ": typ, "kid": kid}).encode())


def unseal(text: object, keys: KeySet, typ: str, limit: int) -> dict[str, Any]:
    """Return the payload of a text with a valid signature, without checking any claim.

    Args:
        text: the received value, of any type.
        keys: the keys whose signatures are accepted.
        typ: the required ``typ`` header, in lower case.
        limit: the most characters of the text.

    Raises:
        TokenRefused: the text is malformed, of another type, or not signed by one of the keys.
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
    """Return the kind that a token claims to be, without verifying it.

    Args:
        token: the value that the client sent, of any type.

    Raises:
        TokenRefused: the token is malformed, or its ``typ`` is unknown.
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
    """Return the ``kid`` that a token or a document claims, without verifying it.

    Args:
        text: the token or document.

    Raises:
        TokenRefused: the header is malformed.
    """
    segment = text.partition(".")[0]
    if len(segment) > _MAX_HEADER_LENGTH or not segment.isascii():
        raise TokenRefused(Reason.MALFORMED)
    return _read_header(segment).kid


# Cached: all tokens of one key and kind have the same header.
@lru_cache(maxsize=64)
def _read_header(segment: str) -> _Header:
    header = _read_object(_base64url(segment))
    # We write these three. Other parameters (jwk, jku, x5u, crit, b64, ...) ask a verifier to trust
    # or do something that we do not support, so refuse them (RFC 7515 section 4.1.11).
    if not header.keys() <= {"alg", "typ", "kid"}:
        raise TokenRefused(Reason.MALFORMED)
    alg, typ, kid = (header.get(name, "") for name in _Header._fields)
    if not (isinstance(alg, str) and isinstance(typ, str) and isinstance(kid, str)):
        raise TokenRefused(Reason.MALFORMED)
    # RFC 7515 section 4.1.9: typ is a media type, and "application/" may be omitted.
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
    # The same as urlsafe_b64decode, in half the time.
    try:
        given = segment.encode("ascii")
        padded = given.translate(_TO_STANDARD) + b"=" * (-len(given) % 4)
        decoded = binascii.a2b_base64(padded)
    except ValueError:  # binascii.Error is one
        raise TokenRefused(Reason.MALFORMED) from None
    # The decoder skips unknown characters and ignores trailing bits. Accept the canonical
    # encoding only, so that a token has one spelling.
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
        raise ValueError("duplicate name")  # RFC 7519 section 4: reject, or use the last one
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
    # A refresh token never has an audience. It has an issuer only if there are several tenants. One
    # issued before there were several has none.
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
    """Return the start (``nbf``, ``iat``) and the end (``exp``) of validity, seconds since 1970."""
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
    if type(value) in (int, float) and abs(value) <= _END_OF_TIME:  # False for NaN
        return float(value)
    raise TokenRefused(Reason.MALFORMED)
