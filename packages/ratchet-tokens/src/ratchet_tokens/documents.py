"""Sign and verify documents other than tokens. They have a ``typ`` of their own and are longer."""

from collections.abc import Mapping
from typing import Any

from ratchet_tokens import codec
from ratchet_tokens.keys import Key, KeySet

#: The ``typ`` of the list of ended sessions.
ENDED_SESSIONS = "ended-sessions+jwt"
#: The most characters of a document. It is fetched from a URL and read before it is verified, so
#: it must be bounded.
MAX_LENGTH = 1_000_000


def sign_document(claims: Mapping[str, Any], key: Key, typ: str) -> str:
    """Return a signed document (JWS compact serialization, RFC 7515 section 3.1).

    Args:
        claims: the content, of JSON types only.
        key: the key to sign with.
        typ: the type of document, for the ``typ`` header (RFC 8725 section 3.11).

    Raises:
        ValueError: the key has no private half, the claims are not JSON, or the document would be
            longer than ``MAX_LENGTH``.
        TypeError: a claim has a type that JSON does not have.
    """
    document = codec.seal(claims, key, typ)
    if len(document) > MAX_LENGTH:
        raise ValueError(
            f"The document would have {len(document)} characters, more than {MAX_LENGTH}."
        )
    return document


def verify_document(text: object, keys: KeySet, typ: str) -> dict[str, Any]:
    """Return the content of a document that one of the keys signed as this type.

    This checks no claim: ``iss`` and ``iat`` may be wrong or missing.

    Args:
        text: the received value, of any type.
        keys: the keys whose signatures are accepted.
        typ: the required type, as for ``sign_document``.

    Raises:
        TokenRefused: the document is malformed, of another type, or not signed by one of the keys.
    """
    return codec.unseal(text, keys, typ.lower(), MAX_LENGTH)
