"""Look up algorithms, and check that a key of joserfc or ``ml_dsa`` fits one.

This is a module of its own, because a server with keys derived from ``SECRET_KEY`` does not need
it: importing joserfc, and with it `cryptography`'s certificates, takes longer than this package.
"""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from joserfc import jwk
from joserfc.errors import KeyParameterError
from joserfc.jws import JWSRegistry

from ratchet_tokens import ml_dsa
from ratchet_tokens.algorithms import ALGORITHMS, EDDSA, HMAC_BYTES, ML_DSA, RSA, BadKey

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", **dict.fromkeys(EDDSA, "Ed25519")}
#: The lower bound is RFC 7518 section 3.3. The upper is OPENSSL_RSA_MAX_MODULUS_BITS: OpenSSL does
#: not verify with longer keys.
RSA_BITS = (2048, 16384)
#: FIPS 186-5 section A.1.1 sets the lower bound; Go's crypto/rsa refuses a larger exponent.
RSA_EXPONENTS = (65537, 2**31 - 1)
#: The points of Ed25519 of order 1, 2, 4 and 8 in all encodings, without the sign bit: the list of
#: libsodium's ge25519_has_small_order. Anyone can forge signatures for such a key.
_SMALL_ORDER = frozenset(
    bytes.fromhex(encoding)
    for encoding in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


def algorithm_of(alg: str) -> Any:
    """Return an algorithm: an object with ``sign`` and ``verify``.

    Args:
        alg: a name in ``ALGORITHMS``.
    """
    if alg in ML_DSA:
        return ml_dsa.MLDSA
    # joserfc warns at each use of the name EdDSA.
    return JWSRegistry.algorithms["Ed25519" if alg in EDDSA else alg]


def check_fit(jose: jwk.Key | ml_dsa.AKPKey, alg: str) -> None:
    """Refuse a key that does not fit an algorithm, or is too weak for it.

    Args:
        jose: the key.
        alg: the name of the algorithm.

    Raises:
        BadKey: as for ``Key``.
    """
    if alg not in ALGORITHMS:
        raise BadKey(f"The alg is not a supported algorithm. Use one of {', '.join(ALGORITHMS)}.")
    if isinstance(jose, jwk.OctKey):
        fits = alg in HMAC_BYTES
        if fits and len(jose.raw_value) < HMAC_BYTES[alg]:
            raise BadKey(f"{alg} needs a key of at least {HMAC_BYTES[alg] * 8} bits.")
    elif isinstance(jose, jwk.RSAKey):
        fits = alg in RSA
        if fits:
            raw: RSAPrivateKey | RSAPublicKey = jose.raw_value
            public = raw.public_key() if isinstance(raw, RSAPrivateKey) else raw
            numbers = public.public_numbers()
            check_rsa(numbers.n, numbers.e)
    elif isinstance(jose, ml_dsa.AKPKey):
        fits = jose.alg == alg
    else:
        fits = _CURVES.get(alg) == jose.curve_name
        if fits and isinstance(jose, jwk.OKPKey):
            check_ed25519(jose.public_key.public_bytes_raw())
    if not fits:
        raise BadKey(f"This {jose.key_type} key does not fit {alg}.")
    try:
        jose.check_use("sig")
        jose.check_alg(alg)
        jose.check_key_op("verify" if not jose.is_private else "sign")
    except KeyParameterError:
        raise BadKey(
            f"This {jose.key_type} key is not for {alg}: its use, key_ops or alg forbids it. Use "
            "another key, or correct the member."
        ) from None


def check_rsa(modulus: int, exponent: int) -> None:
    """Refuse an RSA key that is weak, or that other libraries refuse.

    Args:
        modulus: the public ``n``.
        exponent: the public ``e``.

    Raises:
        BadKey: the modulus or the exponent is out of range or even.
    """
    shortest, longest = RSA_BITS
    if modulus.bit_length() < shortest:
        raise BadKey(f"An RSA key must have at least {shortest} bits.")
    if modulus.bit_length() > longest:
        raise BadKey(f"An RSA key must have at most {longest} bits.")
    if modulus % 2 == 0:
        raise BadKey("The modulus of this RSA key is even, so the key is invalid. Use another key.")
    smallest, largest = RSA_EXPONENTS
    if not (smallest <= exponent <= largest and exponent % 2):
        raise BadKey(
            f"The exponent of this RSA key is even, below {smallest} or above {largest}. Make the "
            "key with the usual exponent, 65537."
        )


def check_ed25519(public: bytes) -> None:
    """Refuse an Ed25519 key for which anyone can forge signatures.

    Args:
        public: the 32 bytes of the public key (RFC 8032 section 5.1.5).

    Raises:
        BadKey: the key is a point of small order.
    """
    if public[:-1] + bytes([public[-1] & 0x7F]) in _SMALL_ORDER:
        raise BadKey("This Ed25519 key is a point of small order: anyone can sign for it.")
