"""One key; the key set; its published (JWKS) form."""

import base64
import hmac
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, Union

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ratchet_tokens.algorithms import EDDSA, HMAC_BYTES, BadKey

if TYPE_CHECKING:
    # Late below: a server whose keys are derived needs none of it, and starts sooner without.
    from joserfc import jwk

    from ratchet_tokens import ml_dsa


class Secret:
    """A derived key, of the size that HS256 asks for: joserfc's shape, as far as ``Key`` needs it.

    Args:
        raw_value: the key itself.
    """

    __slots__ = ("raw_value",)

    is_private = True

    def __init__(self, raw_value: bytes) -> None:
        self.raw_value = raw_value

    def __repr__(self) -> str:
        return "<Secret>"


class _HS256:
    """The algorithm of a ``Secret`` (RFC 7518 section 3.2), in the shape of joserfc's."""

    def sign(self, message: bytes, secret: Secret) -> bytes:
        return hmac.digest(secret.raw_value, message, "sha256")

    def verify(self, message: bytes, signature: bytes, secret: Secret) -> bool:
        return hmac.compare_digest(self.sign(message, secret), signature)


_HS256_OF_SECRET = _HS256()


class Key:
    """One key, bound to one algorithm: the header's ``alg`` never chooses (RFC 8725 section 3.1).

    Args:
        jose: the key itself.
        alg: the one algorithm it is used with (RFC 7518, RFC 9864). A key for Ed25519 also takes
            what is signed under the older name of the same signature, EdDSA, and the other way.
        kid: its id; by default the RFC 7638 thumbprint. A symmetric key needs one given, since
            a thumbprint would be a hash of the secret.
        signs_from: seconds since 1970; until then it only verifies, so that everybody knows it
            before it signs.
        verifies_until: seconds since 1970; from then on it is as if it were not there.

    Raises:
        BadKey: the algorithm is not one of ours or does not fit the key, the key is too weak for
            it (RFC 7518 sections 3.2 and 3.3), its JWK says that it is for something else
            (RFC 7517 sections 4.2 to 4.4), or a symmetric key has no kid.
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
            raise BadKey("A symmetric key needs a kid: its thumbprint would be a hash of the key.")
        self.jose: Any = jose
        self.alg = alg
        self.kid = kid
        #: What a header's ``alg`` may be for this key.
        self.names = EDDSA if alg in EDDSA else frozenset({alg})
        self.signs_from = signs_from
        self.verifies_until = verifies_until

    @classmethod
    def derive(cls, secret: str | bytes, use: str) -> Self:
        """An HS256 key made from a secret by HKDF (RFC 5869), a different one for each use.

        The kid is derived too, under a label of its own: every process that knows the secret
        agrees on it, and it says nothing about the key.

        Args:
            secret: Django's ``SECRET_KEY`` or one of its fallbacks.
            use: what the key is for; part of the label.

        Raises:
            ValueError: the secret is empty.
        """
        if not secret:
            raise ValueError("An empty secret gives a key that everybody can derive.")
        material = secret.encode() if isinstance(secret, str) else secret
        kid = _hkdf(material, f"drf-ratchet {use} kid", 12)
        raw = _hkdf(material, f"drf-ratchet {use} HS256", HMAC_BYTES["HS256"])
        return cls(Secret(raw), "HS256", base64.urlsafe_b64encode(kid).rstrip(b"=").decode())

    @property
    def is_symmetric(self) -> bool:
        """Whether whoever can verify with this key can also sign with it."""
        return self.alg in HMAC_BYTES

    @property
    def can_sign(self) -> bool:
        """Whether it has a private half."""
        return bool(self.jose.is_private)

    def sign(self, message: bytes) -> bytes:
        """The signature over a message.

        Raises:
            ValueError: the key has no private half.
        """
        if not self.can_sign:
            raise ValueError(f"Key {self.kid} cannot sign: it has no private half.")
        signature: bytes = self._algorithm.sign(message, self.jose)
        return signature

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether a signature over a message is this key's."""
        return bool(self._algorithm.verify(message, signature, self.jose))

    def public_jwk(self) -> dict[str, Any]:
        """The public half as a JWK (RFC 7517).

        Raises:
            ValueError: the key is symmetric and has no public half.
        """
        if self.is_symmetric:
            raise ValueError("A symmetric key is never published.")
        public = self.jose.as_dict(private=False)
        # The key's own members alone: a JWK may carry anything else, and not all for publication.
        own = {name: public[name] for name in ("kty", *self.jose.value_registry) if name in public}
        return {**own, "kid": self.kid, "alg": self.alg, "use": "sig"}

    def __repr__(self) -> str:
        return f"<Key {self.kid} {self.alg}>"


class KeySet:
    """The keys in use: one signs, all verify.

    Args:
        signing: the key that signs; its public half is enough for a set that only verifies.
        verifying: further keys whose tokens are still good.

    Raises:
        ValueError: two keys have the same kid.
    """

    __slots__ = ("_by_kid", "signing")

    def __init__(self, signing: Key, verifying: Iterable[Key] = ()) -> None:
        self.signing = signing
        self._by_kid: dict[str, Key] = {}
        for key in (signing, *verifying):
            if key.kid in self._by_kid:
                raise ValueError(f"Two keys have the kid {key.kid!r}. Give each one of its own.")
            self._by_kid[key.kid] = key

    def get(self, kid: str) -> Key | None:
        """The key of that id, or None."""
        return self._by_kid.get(kid)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._by_kid.values())

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """The JWKS (RFC 7517 section 5): public keys only, so none where keys are symmetric."""
        return {"keys": [key.public_jwk() for key in self if not key.is_symmetric]}

    def __repr__(self) -> str:
        return f"<KeySet signing={self.signing.kid} of {len(self._by_kid)}>"


def _hkdf(secret: bytes, label: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=label.encode()).derive(secret)
