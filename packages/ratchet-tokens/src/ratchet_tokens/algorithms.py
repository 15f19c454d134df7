"""The signature algorithms, by the names they have in JOSE (RFC 7518, RFC 8037, RFC 9864)."""

#: Bytes that a key of each needs at least (RFC 7518 section 3.2).
HMAC_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
#: RFC 9864 has named EdDSA by its curve; the older name is the same signature.
EDDSA = frozenset({"Ed25519", "EdDSA"})
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ML_DSA = ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")
ALGORITHMS = (*HMAC_BYTES, "ES256", "ES384", "ES512", "Ed25519", "EdDSA", *RSA, *ML_DSA)


class BadKey(ValueError):
    """A key that cannot be used. The text says why and shows nothing of the key."""
