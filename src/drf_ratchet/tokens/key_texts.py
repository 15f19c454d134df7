"""Keys as text: a JWK, a set of them (RFC 7517), or PEM. No message shows any of it."""

import json
import math
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc import jwk
from joserfc.errors import JoseError

from drf_ratchet.tokens.keys import ALGORITHMS, Key
from drf_ratchet.tokens.ml_dsa import AKPKey

#: What a key of a kind signs with where nothing says otherwise.
_BY_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "Ed25519"}
_JOSE: dict[type, Any] = {
    rsa.RSAPrivateKey: jwk.RSAKey,
    rsa.RSAPublicKey: jwk.RSAKey,
    ec.EllipticCurvePrivateKey: jwk.ECKey,
    ec.EllipticCurvePublicKey: jwk.ECKey,
    ed25519.Ed25519PrivateKey: jwk.OKPKey,
    ed25519.Ed25519PublicKey: jwk.OKPKey,
}


def read_keys(text: str, name: str = "") -> list[Key]:
    """The keys that a text holds.

    A JWK's own ``alg`` and ``kid`` count; its ``nbf`` says from when it signs, and its ``exp``
    until when it verifies, in seconds since 1970. A PEM key signs with what is usual for it, or
    with what the name says: ``2026.PS256.pem``.

    Args:
        text: a JWK, a JWK Set or a PEM key.
        name: where it came from, a file's name, say.

    Raises:
        ValueError: it is none of them, or no key of ours.
    """
    try:
        if text.lstrip().startswith("-----BEGIN"):
            return [_from_pem(text, name)]
        value = json.loads(text)
        members = value["keys"] if isinstance(value, dict) and "keys" in value else [value]
        return [from_jwk(one, name) for one in members]
    except (
        *(ValueError, TypeError, KeyError, RecursionError),
        *(JoseError, UnsupportedAlgorithm),
    ) as error:
        # The text of an error of json or of a PEM parser may quote what it read.
        known = isinstance(error, _Ours)
        why = f": {error}" if known else ". It must be a JWK, a JWK Set, or PEM without a password."
        raise _Ours(f"{name or 'The text'} holds no key that can be used{why}") from None


def from_jwk(members: Mapping[str, Any], name: str = "") -> Key:
    """The key of a JWK.

    Args:
        members: as parsed.
        name: where it came from; a symmetric key without a ``kid`` is called so.

    Raises:
        ValueError: it cannot be used.
    """
    if not isinstance(members, Mapping):
        raise _Ours("it is no JSON object")
    try:
        jose = AKPKey.import_key(members) if members.get("kty") == "AKP" else _joserfc(members)
        alg = members.get("alg") or _usual(jose)
        kid = members.get("kid")
        if kid is None:
            kid = _stem(name) if isinstance(jose, jwk.OctKey) else None
        elif not isinstance(kid, str) or not kid:
            raise _Ours("its kid is no text")
        signs_from = _seconds(members, "nbf", 0)
        verifies_until = _seconds(members, "exp", math.inf)
        return Key(jose, alg, kid, signs_from=signs_from, verifies_until=verifies_until)
    except JoseError:
        raise _Ours("its JWK is not valid") from None
    except ValueError as error:
        raise _Ours(str(error)) from None


class _Ours(ValueError):
    """Its text is safe to show."""


def _joserfc(members: Mapping[str, Any]) -> Any:
    # RFC 9864's and RFC 8037's names of one algorithm; joserfc would warn at the older.
    return jwk.import_key({name: value for name, value in members.items() if name != "alg"})


def _from_pem(text: str, name: str) -> Key:
    raw = text.encode()
    loaded: Any = (
        load_pem_private_key(raw, password=None)
        if "PRIVATE KEY-----" in text
        else load_pem_public_key(raw)
    )
    for kind, jose_class in _JOSE.items():
        if isinstance(loaded, kind):
            jose = jose_class.import_key(raw)
            break
    else:
        raise _Ours("it is of a kind that signs no tokens")
    named = name.rsplit("/", 1)[-1].split(".")[-2:-1]
    alg = named[0] if named and named[0] in ALGORITHMS else _usual(jose)
    try:
        return Key(jose, alg)
    except ValueError as error:
        raise _Ours(str(error)) from None


def _usual(jose: Any) -> str:
    if isinstance(jose, AKPKey):
        return jose.alg
    if isinstance(jose, jwk.RSAKey):
        return "RS256"
    if isinstance(jose, jwk.OctKey):
        bits = len(jose.raw_value) * 8
        return "HS512" if bits >= 512 else "HS384" if bits >= 384 else "HS256"
    alg = _BY_CURVE.get(jose.curve_name)
    if alg is None:
        raise _Ours(f"its curve {jose.curve_name} signs no tokens")
    return alg


def _seconds(members: Mapping[str, Any], name: str, default: float) -> float:
    value = members.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        raise _Ours(f"its {name} is no time in seconds")
    return value


def _stem(name: str) -> str | None:
    return name.rsplit("/", 1)[-1].partition(".")[0] or None
