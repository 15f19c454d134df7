"""Signed documents that are no tokens: told apart by ``typ``, and longer than any token."""

from collections.abc import Mapping
from typing import Any

from ratchet_tokens import codec
from ratchet_tokens.keys import Key, KeySet

#: The ``typ`` of the list of ended sessions.
ENDED_SESSIONS = "ended-sessions+jwt"
#: Longest document made or looked at, in characters. It is read with keys that cannot sign, from
#: whoever answers at an address, so there has to be a bound.
MAX_LENGTH = 1_000_000


def sign_document(claims: Mapping[str, Any], key: Key, typ: str) -> str:
    """A signed document (JWS compact serialization, RFC 7515 section 3.1).

    Args:
        claims: what it says; JSON types only.
        key: the key to sign with.
        typ: what it is, for the ``typ`` header (RFC 8725 section 3.11).

    Raises:
        ValueError: the key has no private half, the claims are not JSON, or it would be longer
            than ``MAX_LENGTH``.
        TypeError: a claim is of a type that JSON does not have.
    """
    document = codec.seal(claims, key, typ)
    if len(document) > MAX_LENGTH:
        raise ValueError(
            f"The document would have {len(document)} characters, more than {MAX_LENGTH}."
        )
    return document


def verify_document(text: object, keys: KeySet, typ: str) -> dict[str, Any]:
    """What a document says, if one of the keys signed it as this type.

    Nothing it says is checked: neither who made it (``iss``) nor when (``iat``), nor that they are
    there at all.

    Args:
        text: what somebody sent; anything.
        keys: the keys whose signature counts.
        typ: what it must be, as for ``sign_document``.

    Raises:
        TokenRefused: malformed, of another type, or not signed by one of the keys.
    """
    return codec.unseal(text, keys, typ.lower(), MAX_LENGTH)
