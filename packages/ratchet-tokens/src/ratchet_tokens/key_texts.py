"""Parse keys from text: JWK, JWK Set (RFC 7517) or PEM. No message contains any of the text."""

import base64
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc import jwk

from ratchet_tokens.algorithms import ALGORITHMS, HMAC_BYTES, BadKey
from ratchet_tokens.jose import check_ed25519, check_rsa
from ratchet_tokens.keys import Key
from ratchet_tokens.ml_dsa import AKPKey

#: The default algorithm of each curve.
_BY_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "Ed25519"}
_CURVES = {"EC": ("P-256", "P-384", "P-521"), "OKP": ("Ed25519",)}
#: The base64url members of each type of key, and whether they are required (RFC 7518 section 6,
#: RFC 8037 section 2, and the draft of ML-DSA for JOSE).
_VALUES = {
    "EC": {"x": True, "y": True, "d": False},
    "OKP": {"x": True, "d": False},
    "RSA": {"n": True, "e": True, **dict.fromkeys(("d", "p", "q", "dp", "dq", "qi"), False)},
    "oct": {"k": True},
    "AKP": {"pub": True, "priv": False},
}
_PUBLIC = {kty: {n: True for n, needed in own.items() if needed} for kty, own in _VALUES.items()}
_CLASSES: dict[str, Any] = {
    "EC": jwk.ECKey,
    "OKP": jwk.OKPKey,
    "RSA": jwk.RSAKey,
    "oct": jwk.OctKey,
    "AKP": AKPKey,
}
_LONGEST_KID = 255
#: The first second beyond ``datetime``'s range. A time in milliseconds since 1970 is above it.
_END_OF_TIME = 253_402_300_800

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_PRIVATE_LABELS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
_PUBLIC_LABELS = ("PUBLIC KEY", "RSA PUBLIC KEY")


def read_keys(text: str, name: str = "") -> list[Key]:
    """Return the keys of a text.

    A JWK's own ``alg`` and ``kid`` are used. It signs from ``nbf`` on and verifies until ``exp``,
    in seconds since 1970. The algorithm of a PEM key is in the file's name (``2026.PS256.pem``), or
    else it is the default of its type.

    Args:
        text: a JWK, a JWK Set or a PEM key. A byte order mark, surrounding quotes and escaped line
            breaks are removed, because settings and environment files may add them.
        name: the source of the text: the path of a file, or the name of a setting.

    Raises:
        BadKey: the text has none of these forms, or a key is unusable.
    """
    try:
        return keys_of_text(text, name)
    except BadKey as error:
        why = str(error)
    raise BadKey(f"{name or 'The text'} contains no usable key: {why.rstrip('.')}.")


def keys_of_text(text: str, name: str = "") -> list[Key]:
    """Return the keys of a text, as ``read_keys`` does, but with errors that name no place.

    Args:
        text: as for ``read_keys``.
        name: the path of the file with the text.

    Raises:
        BadKey: as for ``read_keys``.
    """
    text = unwrapped(text)
    if _is_pem(text):
        return [_from_pem(text, name)]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return keys_of_json(value, name)
    if isinstance(value, list):
        raise BadKey(
            "it is a JSON array. Write a JWK Set: an object whose member 'keys' is the array"
        )
    raise BadKey(f"it is neither a JWK, nor a JWK Set, nor a PEM key. {likely_kind(text)}".strip())


def keys_of_json(value: Mapping[str, Any], name: str = "") -> list[Key]:
    """Return the keys of a JWK or of a JWK Set (RFC 7517 section 5).

    Args:
        value: the JWK or JWK Set, parsed from JSON.
        name: as for ``from_jwk``.

    Raises:
        BadKey: a key is unusable; the text says which one.
    """
    if "keys" not in value:
        return [from_jwk(value, name)]
    if not isinstance(value["keys"], list) or not value["keys"]:
        raise BadKey("the member 'keys' of its JWK Set is not an array, or is empty")
    return [_of_set(number, one, name) for number, one in enumerate(value["keys"])]


def from_jwk(members: Mapping[str, Any], name: str = "") -> Key:
    """Return the key of a JWK.

    Args:
        members: the JWK, parsed from JSON.
        name: the path of its file. Its stem is the ``kid`` of a symmetric key without one.

    Raises:
        BadKey: the key is unusable.
    """
    if not isinstance(members, Mapping):
        raise BadKey("it is not a JSON object")
    kid, alg = members.get("kid"), members.get("alg")
    if kid is not None and not _is_kid(kid):
        raise BadKey(f"its kid is not a string of 1 to {_LONGEST_KID} printable characters")
    if alg is not None and (not isinstance(alg, str) or alg not in ALGORITHMS):
        raise BadKey(f"its alg is not one of {', '.join(ALGORITHMS)}")
    jose = _jose(members)
    _check_purpose(members, is_private=jose.is_private)
    if isinstance(jose, jwk.OctKey):
        kid = kid or _stem(name)
        if kid == members["k"]:
            raise BadKey("its kid is the key itself, which every token would disclose")
    return _proven(
        Key(
            jose,
            alg or _usual(jose),
            kid,
            signs_from=_seconds(members, "nbf", 0),
            verifies_until=_seconds(members, "exp", math.inf),
        )
    )


def unwrapped(text: str) -> str:
    """Remove surrounding quotes, escapes and a byte order mark from a text."""
    before = None
    while text != before:
        before = text
        text = text.strip().strip("\ufeff\0").strip()
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
            text = text[1:-1]
        if _is_pem(text) and "\\" in text:
            # PEM contains no backslash, so these escape a line break or a quote.
            text = re.sub(r"\\+r", "", text)
            text = re.sub(r"\\+n", "\n", text).replace("\\", "")
        elif text.startswith('{\\"'):
            text = text.replace('\\"', '"')
    return text


def is_text(source: str) -> bool:
    """Return whether a string is a key itself, and not a path."""
    text = unwrapped(source)
    return (
        _is_pem(text)
        or text.startswith(("{", "["))
        # Paths have no line breaks and are not that long.
        or len(source) > 4096
        or any(ord(letter) < 32 for letter in source)
    )


def likely_kind(text: str) -> str:
    """Return a sentence about the likely form of an invalid key and what to do, or ""."""
    text = unwrapped(text)
    if text.startswith(("ssh-", "ecdsa-sha2-")):
        return "It looks like an OpenSSH public key. Convert it: ssh-keygen -e -m PKCS8 -f FILE"
    try:
        # 44 characters of base64 are 33 bytes: too short for a key in PEM, JSON or DER.
        raw = base64.b64decode("".join(text.split()), validate=True) if len(text) > 44 else b""
    except ValueError:
        return ""
    if raw.lstrip().startswith((b"-----BEGIN", b"{", b"[")):
        return "It looks like a key encoded in base64. Decode it first."
    if raw.startswith(b"0"):  # DER's SEQUENCE
        return "It looks like a PEM key without its BEGIN and END lines, or like DER in base64."
    return ""


def _is_pem(text: str) -> bool:
    return "-----BEGIN" in text and not text.startswith(("{", "["))


def _from_pem(text: str, name: str) -> Key:
    found = [match for match in _PEM.finditer(text) if not match[1].endswith("PARAMETERS")]
    if not found:
        raise BadKey("its -----END line is missing, so the text is incomplete")
    if len(found) > 1:
        raise BadKey("it contains several PEM blocks. Give each key a file or an entry of its own")
    (block,) = found
    label, raw = block[1], block[0].encode()
    if b"ENCRYPTED" in raw:
        raise BadKey("it is encrypted. Decrypt it: openssl pkey -in FILE -out NEW")
    if "CERTIFICATE" in label:
        raise BadKey("it is a certificate. Extract the key: openssl x509 -pubkey -noout -in FILE")
    if label == "OPENSSH PRIVATE KEY":
        raise BadKey("it has OpenSSH's own format. Convert it: ssh-keygen -p -m PKCS8 -f FILE")
    if label in _PRIVATE_LABELS:
        loaded = _from_library(load_pem_private_key, raw, password=None)
    elif label in _PUBLIC_LABELS:
        loaded = _from_library(load_pem_public_key, raw)
    else:
        raise BadKey("its PEM label is neither PRIVATE KEY nor PUBLIC KEY")
    jose = _wrapped(loaded)
    named = name.rsplit("/", 1)[-1].split(".")[-2:-1]
    alg = named[0] if named and named[0] in ALGORITHMS else _usual(jose)
    return _proven(Key(jose, alg))


def _of_set(number: int, members: Any, name: str) -> Key:
    try:
        return from_jwk(members, name)
    except BadKey as error:
        why = str(error)
    raise BadKey(f"keys[{number}] of its JWK Set: {why}")


def _jose(members: Mapping[str, Any]) -> Any:
    """Return the joserfc or ML-DSA key of a JWK, with its members in canonical form.

    The published key and the thumbprint then do not depend on how the JWK encodes its members.
    """
    kty = members.get("kty")
    if not isinstance(kty, str) or kty not in _VALUES:
        raise BadKey(f"its kty is not one of {', '.join(_VALUES)}")
    if kty in _CURVES and members.get("crv") not in _CURVES[kty]:
        raise BadKey(f"its crv is not one of {', '.join(_CURVES[kty])}")
    if "oth" in members:
        raise BadKey("it has more than two prime factors (oth), which is not supported")
    values = _values(members, _VALUES[kty])
    _check_strength(kty, values, members)
    own = {name: members[name] for name in ("kty", "crv", "alg", *values) if name in members}
    if kty == "AKP":
        return AKPKey.import_key(own)
    own.pop("alg", None)  # RFC 9864's and RFC 8037's names differ; joserfc warns at the older
    jose = _from_library(_CLASSES[kty].import_key, own)
    if kty == "oct":
        return jose
    made = _CLASSES[kty].import_key(jose.raw_value)
    public = _values(_from_library(made.as_dict, private=False), _PUBLIC[kty])
    for name, value in public.items():
        if int.from_bytes(values[name]) != int.from_bytes(value):
            raise BadKey(f"its {name} does not match its private key")
    return made


def _values(members: Mapping[str, Any], names: Mapping[str, bool]) -> dict[str, bytes]:
    """Decode the base64url members of a key (RFC 7515 section 2).

    Args:
        members: the JWK.
        names: the members to decode, and whether each is required.
    """
    found = {}
    for name, needed in names.items():
        value = members.get(name)
        if name not in members:
            if needed:
                raise BadKey(f"its {name} is missing")
            continue
        if not isinstance(value, str) or not value:
            raise BadKey(f"its {name} is not a string, or is empty")
        if any(letter in value for letter in "+/="):
            raise BadKey(
                f"its {name} is base64 instead of base64url (RFC 7515 section 2). Write - for +, "
                "_ for / and no = at the end"
            )
        if not _BASE64URL.fullmatch(value) or len(value) % 4 == 1:
            raise BadKey(f"its {name} is not base64url (RFC 7515 section 2)")
        found[name] = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    return found


def _check_strength(kty: str, values: Mapping[str, bytes], members: Mapping[str, Any]) -> None:
    """Refuse a weak key before joserfc imports it, because joserfc only warns."""
    if kty == "RSA":
        check_rsa(int.from_bytes(values["n"]), int.from_bytes(values["e"]))
    elif kty == "oct":
        alg = members.get("alg", "HS256")
        shortest = HMAC_BYTES.get(alg, HMAC_BYTES["HS256"])
        if len(values["k"]) < shortest:
            raise BadKey(f"{alg} needs a key of at least {shortest * 8} bits")
    elif kty == "OKP":
        if len(values["x"]) != 32:
            raise BadKey("its x does not have 32 bytes")
        check_ed25519(values["x"])


def _check_purpose(members: Mapping[str, Any], *, is_private: bool) -> None:
    """Refuse a key whose ``use`` or ``key_ops`` forbids it (RFC 7517 sections 4.2 and 4.3)."""
    if members.get("use", "sig") != "sig":
        raise BadKey("its use is not 'sig'")
    if "key_ops" not in members:
        return
    named = members["key_ops"]
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise BadKey("its key_ops is not an array of strings")
    operation = "sign" if is_private else "verify"
    if len(set(named)) < len(named) or not set(named) <= {"sign", "verify"}:
        raise BadKey("its key_ops has duplicates, or names more than 'sign' and 'verify'")
    if operation not in named:
        raise BadKey(f"its key_ops does not have {operation!r}")


def _proven(key: Key) -> Key:
    """Refuse a key whose published public half does not verify its own signatures."""
    if key.can_sign and not key.is_symmetric:
        public = Key(_jose(key.public_jwk()), key.alg)
        if not public.verify(b"drf-ratchet", _from_library(key.sign, b"drf-ratchet")):
            raise BadKey("its public half does not verify the signatures of its private half")
    return key


def _from_library(call: Any, *args: Any, **options: Any) -> Any:
    """Call a library function with an untrusted key.

    The library may raise any exception, including `cryptography`'s InternalError. Its text may
    quote the key, so it is not shown.

    Args:
        call: the function.
        args: its positional arguments.
        options: its keyword arguments.

    Raises:
        BadKey: the function raised.
    """
    try:
        return call(*args, **options)
    except BadKey:
        raise
    except Exception:
        why = "it is damaged, or its parts do not match"
    raise BadKey(why)


def _wrapped(loaded: object) -> Any:
    if isinstance(loaded, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        public = loaded.public_key() if isinstance(loaded, rsa.RSAPrivateKey) else loaded
        numbers = public.public_numbers()
        check_rsa(numbers.n, numbers.e)
        return jwk.RSAKey.import_key(loaded)
    if isinstance(loaded, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)):
        if loaded.curve.name not in ("secp256r1", "secp384r1", "secp521r1"):
            raise BadKey(f"its curve is not one of {', '.join(_CURVES['EC'])}")
        return jwk.ECKey.import_key(loaded)
    if isinstance(loaded, (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey)):
        return jwk.OKPKey.import_key(loaded)
    raise BadKey("its type is not supported. Use RSA, P-256, P-384, P-521 or Ed25519")


def _usual(jose: Any) -> str:
    if isinstance(jose, AKPKey):
        return jose.alg
    if isinstance(jose, jwk.RSAKey):
        return "RS256"
    if isinstance(jose, jwk.OctKey):
        bits = len(jose.raw_value) * 8
        return "HS512" if bits >= 512 else "HS384" if bits >= 384 else "HS256"
    return _BY_CURVE[jose.curve_name]


def _is_kid(kid: object) -> bool:
    # The kid is in the header of each token, and in log lines.
    return isinstance(kid, str) and 0 < len(kid) <= _LONGEST_KID and kid.isprintable()


def _seconds(members: Mapping[str, Any], name: str, default: float) -> float:
    value = members.get(name, default)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not (value == default or 0 <= value < _END_OF_TIME):
        raise BadKey(f"its {name} is not a time in seconds since 1970")
    number: float = value
    return number


def _stem(name: str) -> str | None:
    stem = name.rsplit("/", 1)[-1].partition(".")[0]
    return stem if _is_kid(stem) else None
