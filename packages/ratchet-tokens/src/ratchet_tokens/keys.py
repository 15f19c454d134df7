"""Keys, key sets, and their published form (JWKS)."""

import base64
import hmac
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, Union

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ratchet_tokens.algorithms import EDDSA, HMAC_BYTES, BadKey

if TYPE_CHECKING:
    # Imported late below: a server with derived keys does not need them and starts faster.
    from joserfc import jwk

    from ratchet_tokens import ml_dsa


class Secret:
    """A derived HS256 key, with the attributes of a joserfc key that ``Key`` uses.

    Args:
        raw_value: the 32 bytes of the key.
    """

    __slots__ = ("raw_value",)

    is_private = True

    def __init__(self, raw_value: bytes) -> None:
        self.raw_value = raw_value

    def __repr__(self) -> str:
        return "<Secret>"


class _HS256:
    """The algorithm of a ``Secret`` (RFC 7518 section 3.2), with joserfc's interface."""

    def sign(self, message: bytes, secret: Secret) -> bytes:
        return hmac.digest(secret.raw_value, message, "sha256")

    def verify(self, message: bytes, signature: bytes, secret: Secret) -> bool:
        return hmac.compare_digest(self.sign(message, secret), signature)


_HS256_OF_SECRET = _HS256()


class Key:
    """A key bound to one algorithm. A token's ``alg`` never chooses it (RFC 8725 section 3.1).

    Args:
        jose: the key material.
        alg: the only algorithm of the key (RFC 7518, RFC 9864). A key for Ed25519 also verifies
            tokens with EdDSA, the older name of the same signature, and vice versa.
        kid: the key id; by default the RFC 7638 thumbprint. A symmetric key requires a kid, because
            its thumbprint would be a hash of the secret.
        signs_from: seconds since 1970. Before that, the key only verifies, so that all verifiers
            know it before it signs.
        verifies_until: seconds since 1970. From then on the key is ignored.

    Raises:
        BadKey: the algorithm is unknown or does not fit the key, the key is too weak (RFC 7518
            sections 3.2 and 3.3), its JWK names another purpose (RFC 7517 sections 4.2 to 4.4), or
            a symmetric key has no kid.
    """

    __slots__ = ("_algorithm", "alg", "jose", "kid", "names", "signs_from", "verifies_until")

    def __init__(
        self,
        jose: Union["jwk.Key", "ml_dsa.AKPKey", Secret],
        alg: str,
        kid: str | None = None,
        *,
        signs_from: float = 0,
        verifies_until: float = math.inf,
    ) -> None:
        self._algorithm: Any
        if isinstance(jose, Secret):
            if alg != "HS256":
                raise BadKey(f"A derived key does not fit {alg}.")
            self._algorithm = _HS256_OF_SECRET
        else:
            from ratchet_tokens.jose import algorithm_of, check_fit

            check_fit(jose, alg)
            self._algorithm = algorithm_of(alg)
            if alg not in HMAC_BYTES:
                kid = kid or jose.thumbprint()
        if not kid:
            raise BadKey("A symmetric key has no kid. Add one: a thumbprint would hash the secret.")
        self.jose: Any = jose
        self.alg = alg
        self.kid = kid
        #: The values of the ``alg`` header that this key accepts.
        self.names = EDDSA if alg in EDDSA else frozenset({alg})
        self.signs_from = signs_from
        self.verifies_until = verifies_until

    @classmethod
    def derive(cls, secret: str | bytes, use: str) -> Self:
        """Derive an HS256 key from a secret by HKDF (RFC 5869), a different one for each use.

        The kid is derived under a label of its own. All processes with the same secret derive the
        same kid, and it reveals nothing about the key.

        Args:
            secret: Django's ``SECRET_KEY`` or one of its fallbacks.
            use: the purpose of the key, part of the label.

        Raises:
            ValueError: the secret is empty.
        """
        if not secret:
            raise ValueError("The secret is empty, so anyone could derive the key. Set a secret.")
        material = secret.encode() if isinstance(secret, str) else secret
        kid = _hkdf(material, f"drf-ratchet {use} kid", 12)
        raw = _hkdf(material, f"drf-ratchet {use} HS256", HMAC_BYTES["HS256"])
        return cls(Secret(raw), "HS256", base64.urlsafe_b64encode(kid).rstrip(b"=").decode())

    @property
    def is_symmetric(self) -> bool:
        """Return whether the key that verifies also signs."""
        return self.alg in HMAC_BYTES

    @property
    def can_sign(self) -> bool:
        """Return whether the key has a private half."""
        return bool(self.jose.is_private)

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message.

        Raises:
            ValueError: the key has no private half.
        """
        if not self.can_sign:
            raise ValueError(f"Key {self.kid} cannot sign: it has no private half.")
        signature: bytes = self._algorithm.sign(message, self.jose)
        return signature

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether a signature over a message is valid."""
        return bool(self._algorithm.verify(message, signature, self.jose))

    def public_jwk(self) -> dict[str, Any]:
        """Return the public half as a JWK (RFC 7517).

        Raises:
            ValueError: the key is symmetric and has no public half.
        """
        if self.is_symmetric:
            raise ValueError(f"Key {self.kid} is symmetric and must not be published.")
        public = self.jose.as_dict(private=False)
        # Only the members of the key itself: a JWK may have others that must not be published.
        own = {name: public[name] for name in ("kty", *self.jose.value_registry) if name in public}
        return {**own, "kid": self.kid, "alg": self.alg, "use": "sig"}

    def __repr__(self) -> str:
        return f"<Key {self.kid} {self.alg}>"


class KeySet:
    """The keys in use: one signs, all verify.

    Args:
        signing: the key that signs; a public key for a set that only verifies.
        verifying: other keys whose tokens are still valid.

    Raises:
        ValueError: two keys have the same kid.
    """

    __slots__ = ("_by_kid", "signing")

    def __init__(self, signing: Key, verifying: Iterable[Key] = ()) -> None:
        self.signing = signing
        self._by_kid: dict[str, Key] = {}
        for key in (signing, *verifying):
            if key.kid in self._by_kid:
                raise ValueError(f"Two keys have the kid {key.kid!r}. Give each key its own kid.")
            self._by_kid[key.kid] = key

    def get(self, kid: str) -> Key | None:
        """Return the key with this kid, or None."""
        return self._by_kid.get(kid)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._by_kid.values())

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """Return the JWKS (RFC 7517 section 5). It contains public keys only."""
        return {"keys": [key.public_jwk() for key in self if not key.is_symmetric]}

    def __repr__(self) -> str:
        return f"<KeySet signing={self.signing.kid} of {len(self._by_kid)}>"


def _hkdf(secret: bytes, label: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=label.encode()).derive(secret)
