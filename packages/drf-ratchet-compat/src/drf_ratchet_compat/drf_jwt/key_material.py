"""The shapes in which ``JWT_AUTH`` holds keys: one, a list, or a dict of names to keys."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


def named_keys(given: Any) -> list[tuple[str | None, str | bytes]]:
    """Each key with its name, None for one that has none.

    Args:
        given: a secret, PEM, or a key object of the package cryptography; a list of those; a dict
            of names to those; None.

    Raises:
        ValueError: one of them is no key.
    """
    if given is None:
        return []
    if isinstance(given, Mapping):
        return [(str(name), as_text(key)) for name, key in given.items()]
    if isinstance(given, (list, tuple)):
        return [(None, as_text(key)) for key in given]
    return [(None, as_text(given))]


def as_text(key: Any) -> str | bytes:
    """A key as text: a key object of the package cryptography as PEM.

    Raises:
        ValueError: it is no key. The text of any other value can be guessed: ``b"None"``, say.
    """
    if isinstance(key, (str, bytes)):
        return key
    if hasattr(key, "private_bytes"):
        pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem
    if hasattr(key, "public_bytes"):
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem
    if isinstance(key, UUID):
        return str(key)  # as JWT_GET_USER_SECRET_KEY returns it
    raise ValueError(f"A {type(key).__name__} is no key.")


def is_symmetric(alg: str) -> bool:
    """Whether an algorithm signs and verifies with one and the same key."""
    return alg.startswith("HS")


def is_pem(text: str | bytes) -> bool:
    """Whether a key is PEM and not a secret."""
    raw = text.encode() if isinstance(text, str) else text
    return raw.lstrip().startswith(b"-----BEGIN")
