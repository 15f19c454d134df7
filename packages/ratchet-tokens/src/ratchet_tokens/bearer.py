"""The Bearer scheme (RFC 6750): where a token is in a header, and what a 401 asks for."""

from collections.abc import Collection

from ratchet_tokens.errors import Reason, TokenRefused

REALM = 'Bearer realm="api"'
REALM_INVALID_TOKEN = f'{REALM}, error="invalid_token"'  # RFC 6750 section 3


def bears_token(header: bytes, schemes: Collection[bytes] = (b"bearer",)) -> bool:
    """Whether an Authorization header is of our scheme.

    Args:
        header: its value; empty where there is none.
        schemes: words that count, in small letters.
    """
    parts = header.split()
    # RFC 9110 section 11.1: the scheme is case-insensitive.
    return bool(parts) and parts[0].lower() in schemes


def bearer_token(header: bytes, schemes: Collection[bytes] = (b"bearer",)) -> str | None:
    """The token in an Authorization header; None where there is none of our scheme.

    Args:
        header: as for ``bears_token``.
        schemes: as for ``bears_token``.

    Raises:
        TokenRefused: malformed, if the header is of our scheme and not one word long.
    """
    parts = header.split()
    if not parts or parts[0].lower() not in schemes:
        return None
    if len(parts) != 2:
        raise TokenRefused(Reason.MALFORMED)
    # The codec takes nothing but ASCII; a wrong byte only has to survive until there.
    return parts[1].decode("latin-1")
