"""ML-DSA keys (FIPS 204) with the interface that ``keys`` expects. **Experimental.**

The JSON form (``kty`` "AKP") and the names of the algorithms are those of the IETF's *ML-DSA for
JOSE and COSE*. `cryptography` makes the signatures and requires a recent OpenSSL. A token of
ML-DSA-44 has 3,700 characters, one of ML-DSA-87 has 6,700: close to many servers' limit of a
header.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from joserfc.errors import KeyParameterError
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from ratchet_tokens.algorithms import ML_DSA, BadKey

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa
except ImportError:  # an older cryptography
    mldsa = None  # type: ignore[assignment]

NAMES = ML_DSA


def _classes(alg: str) -> tuple[Any, Any]:
    if alg not in NAMES:
        raise BadKey(f"The alg of an AKP key must be one of {', '.join(NAMES)}.")
    size = alg.removeprefix("ML-DSA-")
    private = getattr(mldsa, f"MLDSA{size}PrivateKey", None)
    public = getattr(mldsa, f"MLDSA{size}PublicKey", None)
    if private is None or public is None:
        raise BadKey(f"{alg} needs a newer version of the package cryptography.")
    return private, public


class AKPKey:
    """An "Algorithm Key Pair": a key for one algorithm, which it names.

    Args:
        alg: one of ``NAMES``.
        public: `cryptography`'s public key.
        private: `cryptography`'s private key; None for a public key.
        members: the JWK of the key, for ``use`` and ``key_ops``.
    """

    key_type = "AKP"
    #: The members of a JWK that hold the key itself.
    value_registry = ("alg", "pub", "priv")

    def __init__(
        self, alg: str, public: Any, private: Any = None, members: Mapping[str, Any] | None = None
    ) -> None:
        self.alg = alg
        self.public_key = public
        self.private_key = private
        self._members = dict(members or {})

    @classmethod
    def generate_key(cls, alg: str) -> Self:
        """Generate a key.

        Args:
            alg: one of ``NAMES``.

        Raises:
            BadKey: this machine does not support ML-DSA.
        """
        try:
            private = _classes(alg)[0].generate()
        except UnsupportedAlgorithm:
            raise BadKey(f"{alg} needs a newer version of OpenSSL.") from None
        return cls(alg, private.public_key(), private)

    @classmethod
    def import_key(cls, members: Mapping[str, Any]) -> Self:
        """Return the key of a JWK.

        Args:
            members: the JWK, parsed from JSON.

        Raises:
            BadKey: the key is unusable, or its halves do not match.
        """
        alg = str(members.get("alg"))
        private_class, public_class = _classes(alg)
        private = None
        try:
            public = public_class.from_public_bytes(urlsafe_b64decode(members["pub"].encode()))
            if "priv" in members:
                seed = urlsafe_b64decode(members["priv"].encode())
                private = private_class.from_seed_bytes(seed)
        except UnsupportedAlgorithm:
            raise BadKey(f"{alg} needs a newer version of OpenSSL.") from None
        except (ValueError, KeyError, AttributeError, TypeError):
            raise BadKey(f"Its pub or its priv does not have the form of {alg}.") from None
        if private and private.public_key().public_bytes_raw() != public.public_bytes_raw():
            raise BadKey("Its pub is not the public half of its priv.")
        return cls(alg, public, private, members)

    @property
    def raw_value(self) -> Any:
        """Return `cryptography`'s private key, or the public key if there is no private one."""
        return self.private_key or self.public_key

    @property
    def is_private(self) -> bool:
        """Return whether the key can sign."""
        return self.private_key is not None

    def as_dict(self, private: bool | None = None) -> dict[str, Any]:
        """Return the key as a JWK.

        Args:
            private: False to leave the private half out.
        """
        members = {"kty": self.key_type, "alg": self.alg, "pub": _text(self.public_key)}
        if private is not False and self.private_key is not None:
            members["priv"] = _text(self.private_key)
        return members

    def thumbprint(self) -> str:
        """Return the RFC 7638 thumbprint, over the members that the draft names: alg, kty, pub."""
        public = json.dumps(self.as_dict(private=False), sort_keys=True, separators=(",", ":"))
        return urlsafe_b64encode(hashlib.sha256(public.encode()).digest()).decode()

    def check_use(self, use: str) -> None:
        """Check the JWK's ``use``, as joserfc's keys do.

        Raises:
            KeyParameterError: the key is for another use.
        """
        if self._members.get("use", use) != use:
            raise KeyParameterError("This key is for another use.")

    def check_alg(self, alg: str) -> None:
        """Check the key's algorithm, as joserfc's keys do.

        Raises:
            KeyParameterError: the key is for another algorithm.
        """
        if self.alg != alg:
            raise KeyParameterError("This key is for another algorithm.")

    def check_key_op(self, operation: str) -> None:
        """Check the JWK's ``key_ops``, as joserfc's keys do.

        Raises:
            KeyParameterError: the key is for other operations.
        """
        if operation not in self._members.get("key_ops", [operation]):
            raise KeyParameterError("This key is for another operation.")


class MLDSA:
    """The algorithm, with joserfc's interface: over the whole message, with an empty context."""

    @staticmethod
    def sign(message: bytes, key: AKPKey) -> bytes:
        """Return the signature over a message."""
        signature: bytes = key.private_key.sign(message)
        return signature

    @staticmethod
    def verify(message: bytes, signature: bytes, key: AKPKey) -> bool:
        """Return whether a signature over a message is valid."""
        try:
            key.public_key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def _text(key: Any) -> str:
    raw = key.private_bytes_raw() if hasattr(key, "private_bytes_raw") else key.public_bytes_raw()
    return urlsafe_b64encode(raw).decode()
