"""Where tokens may go."""

import ipaddress
from urllib.parse import urlsplit

from drf_ratchet_client.errors import setup_error

Origin = tuple[str, str, int]
_PORTS = {"http": 80, "https": 443}


def origin(scheme: str, host: str, port: int | None) -> Origin:
    """Return what two URLs must share for a token to go to both (RFC 6454).

    Args:
        scheme: of the URL, in any case.
        host: a name or an address, without brackets.
        port: None for the scheme's own.
    """
    scheme = scheme.lower()
    return scheme, host.lower(), port or _PORTS.get(scheme, 0)


def api_url(base_url: str, *, allow_http: bool) -> tuple[str, Origin]:
    """Return the API's address with one slash at its end, and its origin.

    Args:
        base_url: as in ``https://api.example.com/api/``.
        allow_http: whether tokens may travel unencrypted to other machines.

    Raises:
        RatchetError: ``setup``; tokens cannot be sent there.
    """
    try:
        parts = urlsplit(base_url)
        found = origin(parts.scheme, _ascii(parts.hostname or ""), parts.port)
    except ValueError:
        parts, found = urlsplit(""), ("", "", 0)
    if found[0] not in _PORTS or not found[1] or any(mark in base_url for mark in "?#\\ \t\r\n"):
        raise setup_error(
            "base_url is not a complete address. Write it as in 'https://api.example.com/api/'."
        )
    if "@" in parts.netloc:
        raise setup_error("base_url holds a user or a password. Give them to sign_in().")
    if found[0] == "http" and not (allow_http or _is_loopback(found[1])):
        raise setup_error(
            f"base_url would send tokens to {found[1]} unencrypted. Use https://, or pass "
            "allow_http=True where the network is your own."
        )
    return base_url.rstrip("/") + "/", found


def without_query(url: str) -> str:
    """Return an address that can be shown: a query and a password may be secret."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _ascii(host: str) -> str:
    """Return the host as HTTP clients send it."""
    return host if host.isascii() else host.encode("idna").decode()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
