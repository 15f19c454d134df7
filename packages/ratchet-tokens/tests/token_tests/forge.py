"""Keys for tests, and tokens that `codec.sign` would never make."""

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from joserfc import jwk

from ratchet_tokens import ml_dsa
from ratchet_tokens.algorithms import HMAC_BYTES
from ratchet_tokens.claims import Kind, access_claims, refresh_claims
from ratchet_tokens.key_texts import from_jwk
from ratchet_tokens.keys import Key

SESSION = UUID("01980000-0000-7000-8000-000000000001")
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


@cache
def rsa_key() -> jwk.RSAKey:
    """One for all tests: making one takes longer than a hundred tests."""
    return jwk.RSAKey.generate_key(2048)


@cache
def key_for(alg: str) -> Key:
    """A key of each kind, the same for all who ask."""
    if alg in HMAC_BYTES:
        return Key(jwk.OctKey.generate_key(HMAC_BYTES[alg] * 8), alg, kid=f"kid of {alg}")
    if alg in CURVES:
        return Key(jwk.ECKey.generate_key(CURVES[alg]), alg)
    if alg in ("Ed25519", "EdDSA"):
        return Key(jwk.OKPKey.generate_key("Ed25519"), alg)
    if alg in ml_dsa.NAMES:
        return Key(ml_dsa.AKPKey.generate_key(alg), alg)
    return Key(rsa_key(), alg)


def public_half(key: Key) -> Key:
    """The key as whoever only verifies has it."""
    return from_jwk({**key.jose.as_dict(private=False), "alg": key.alg})


def claims(kind: Kind = Kind.ACCESS, **changes: Any) -> dict[str, Any]:
    """The claims of a token that is good now, with changes."""
    now = int(time.time())
    common: dict[str, Any] = {
        "subject": "1",
        "session": SESSION,
        "issued_at": now,
        # Some are made when a module is imported, and the whole suite takes its minutes.
        "expires_at": now + 3600,
        "kind": kind,
    }
    made = (
        refresh_claims(generation=1, **common)
        if kind.is_refresh
        else access_claims(auth_time=now, **common)
    )
    return made | changes


def without(name: str, kind: Kind = Kind.ACCESS) -> dict[str, Any]:
    """The claims of a good token, but for one."""
    made = claims(kind)
    del made[name]
    return made


def forge(
    secret: Key | bytes, payload: Mapping[str, Any] | bytes, header: Mapping[str, Any] | bytes
) -> str:
    """A token that says whatever is wanted, with an HMAC over it that is right for the secret."""
    raw = secret.jose.raw_value if isinstance(secret, Key) else secret
    return signed(raw, f"{encoded(header)}.{encoded(payload)}")


def signed(secret: bytes, signing_input: str) -> str:
    """Two segments and the HMAC-SHA256 over them."""
    return f"{signing_input}.{encoded(hmac.digest(secret, signing_input.encode(), 'sha256'))}"


def encoded(value: Mapping[str, Any] | bytes) -> str:
    """A segment: base64url, of JSON where it is a mapping."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(segment: str) -> bytes:
    """What a segment holds."""
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def header(key: Key, kind: Kind = Kind.ACCESS, **changes: Any) -> dict[str, Any]:
    """The header of an honest token, with changes."""
    return {"alg": key.alg, "typ": kind.typ, "kid": key.kid, **changes}


def with_spare_bits(segment: str) -> str:
    """The same bytes spelled otherwise: the bits that the last character has to spare are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(segment) % 4, "three bytes in four characters leave no bit to spare"
    other = segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]
    assert decoded(other) == decoded(segment)
    return other


def mutable_copy(value: Any) -> Any:
    """Verified claims as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {name: mutable_copy(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [mutable_copy(item) for item in value]
    return value
