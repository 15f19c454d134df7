"""Whether a key of joserfc's, or of ``ml_dsa``, fits an algorithm; and the algorithm itself.

A module of its own, since a server whose keys are derived from ``SECRET_KEY`` needs none of it:
importing joserfc, and with it `cryptography`'s certificates, takes longer than all of ours.
"""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from joserfc import jwk
from joserfc.errors import KeyParameterError
from joserfc.jws import JWSRegistry

from drf_ratchet.tokens import ml_dsa
from drf_ratchet.tokens.keys import ALGORITHMS, EDDSA, HMAC_BYTES, ML_DSA, RSA

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", **dict.fromkeys(EDDSA, "Ed25519")}
_RSA_BITS = 2048


def algorithm_of(alg: str) -> Any:
    """The algorithm of that name: its ``sign`` and ``verify``."""
    if alg in ML_DSA:
        return ml_dsa.MLDSA
    # joserfc warns at each use of the older name.
    return JWSRegistry.algorithms["Ed25519" if alg in EDDSA else alg]


def check_fit(jose: jwk.Key | ml_dsa.AKPKey, alg: str) -> None:
    """Refuse a key that is not for an algorithm.

    Args:
        jose: the key.
        alg: the name of the algorithm.

    Raises:
        ValueError: as ``Key``.
    """
    if alg not in ALGORITHMS:
        raise ValueError(f"{alg!r} is not an algorithm to sign with; use one of {ALGORITHMS}.")
    if isinstance(jose, jwk.OctKey):
        fits = alg in HMAC_BYTES
        if fits and len(jose.raw_value) < HMAC_BYTES[alg]:
            raise ValueError(f"{alg} needs a key of at least {HMAC_BYTES[alg] * 8} bits.")
    elif isinstance(jose, jwk.RSAKey):
        fits = alg in RSA
        raw: RSAPrivateKey | RSAPublicKey = jose.raw_value
        if fits and raw.key_size < _RSA_BITS:
            raise ValueError(f"{alg} needs an RSA key of at least {_RSA_BITS} bits.")
    elif isinstance(jose, ml_dsa.AKPKey):
        fits = jose.alg == alg
    else:
        fits = _CURVES.get(alg) == jose.curve_name
    if not fits:
        raise ValueError(f"This {jose.key_type} key does not fit {alg}.")
    try:
        jose.check_use("sig")
        jose.check_alg(alg)
        jose.check_key_op("verify" if not jose.is_private else "sign")
    except KeyParameterError as error:
        raise ValueError(f"This {jose.key_type} key is not for {alg}: {error}") from None
