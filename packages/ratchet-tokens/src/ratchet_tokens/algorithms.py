"""The signature algorithms, by their JOSE names (RFC 7518, RFC 8037, RFC 9864)."""

#: The least bytes of a key of each algorithm (RFC 7518 section 3.2).
HMAC_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
#: Two names of one signature: RFC 9864 renamed EdDSA to the name of its curve.
EDDSA = frozenset({"Ed25519", "EdDSA"})
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ML_DSA = ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")
ALGORITHMS = (*HMAC_BYTES, "ES256", "ES384", "ES512", "Ed25519", "EdDSA", *RSA, *ML_DSA)


class BadKey(ValueError):
    """A key is unusable. The text says why, and contains no part of the key."""
