"""The Bearer scheme (RFC 6750): read tokens from headers, and challenge with a 401."""

from collections.abc import Collection

from ratchet_tokens.errors import Reason, TokenRefused

REALM = 'Bearer realm="api"'
REALM_INVALID_TOKEN = f'{REALM}, error="invalid_token"'  # RFC 6750 section 3


def bears_token(header: bytes, schemes: Collection[bytes] = (b"bearer",)) -> bool:
    """Return whether an Authorization header has our scheme.

    Args:
        header: the header's value; empty if the request has no such header.
        schemes: the accepted schemes, in lower case.
    """
    parts = header.split()
    # RFC 9110 section 11.1: the scheme is case-insensitive.
    return bool(parts) and parts[0].lower() in schemes


def bearer_token(header: bytes, schemes: Collection[bytes] = (b"bearer",)) -> str | None:
    """Return the token in an Authorization header; None if the header has another scheme.

    Args:
        header: the header's value; empty if the request has no such header.
        schemes: the accepted schemes, in lower case.

    Raises:
        TokenRefused: malformed, if the scheme is not followed by exactly one word.
    """
    parts = header.split()
    if not parts or parts[0].lower() not in schemes:
        return None
    if len(parts) != 2:
        raise TokenRefused(Reason.MALFORMED)
    # The codec refuses what is not ASCII. Latin-1 decodes every byte, so nothing fails here.
    return parts[1].decode("latin-1")
