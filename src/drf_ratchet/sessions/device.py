"""Read the user agent and the address of a request's device, safe to store and to log."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from django.http import HttpRequest
from rest_framework.settings import api_settings

from drf_ratchet.models import Session
from drf_ratchet.security_log import warn_once

_MAX_USER_AGENT: int = Session._meta.get_field("user_agent").max_length or 0


class Device(NamedTuple):
    """A device as a session stores it.

    Args:
        user_agent: printable characters of the ``User-Agent`` header, cut to the column's length.
        ip: a valid address, or None.
    """

    user_agent: str
    ip: str | None


def device_of(request: HttpRequest | None) -> Device:
    """Return the device that sent a request.

    Args:
        request: Django's or DRF's; None outside of a request.
    """
    if request is None:
        return Device("", None)
    named = request.META.get("HTTP_USER_AGENT", "")[:1000]
    if not named.isprintable():
        named = "".join(character for character in named if character.isprintable())
    return Device(named[:_MAX_USER_AGENT], client_address(request))


def kind_of_device(user_agent: str) -> str:
    """Return a user agent without its version numbers, which change with every update.

    Args:
        user_agent: as a session stores it.
    """
    return re.sub(r"[\d.]+", "", user_agent)


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address: ``REMOTE_ADDR``, or the forwarded one by DRF's ``NUM_PROXIES``.

    Without ``NUM_PROXIES`` no header is trusted, because any client can send one.

    Args:
        request: Django's or DRF's.

    Returns:
        A valid address without port and zone; None if it is unknown.
    """
    meta, proxies = request.META, api_settings.NUM_PROXIES
    address, forwarded = meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded and proxies is None:
        warn_once(
            "REST_FRAMEWORK['NUM_PROXIES'] is not set, and a request has an X-Forwarded-For "
            "header. If a proxy adds it, all clients count as one network, the proxy's. Set "
            "NUM_PROXIES to the number of proxies that add to the header; to 0 if there are none."
        )
    elif proxies and not forwarded:
        warn_once(
            "REST_FRAMEWORK['NUM_PROXIES'] is %d, and a request has no X-Forwarded-For header. "
            "Let the proxy add it, and let no client bypass the proxy.",
            proxies,
        )
    elif proxies:
        # Count from the right, where proxies append. Empty elements do not count (RFC 9110 section
        # 5.6.1).
        hops = [hop for hop in forwarded[-_MAX_FORWARDED:].split(",") if hop.strip()]
        address = hops[-min(proxies, len(hops))] if hops else ""
    # No address is longer, and long strings must not fill the cache of _address().
    return _address(address) if len(address) < 64 else None


_MAX_FORWARDED = 4096


def network_of(request: HttpRequest) -> str:
    """Return the client's network: an IPv4 address, or the /64 of an IPv6 one; "" if unknown.

    One home or phone can choose among all addresses of its /64. All clients with an unknown address
    count as one network.

    Args:
        request: Django's or DRF's.
    """
    return network_of_address(client_address(request))


def network_of_address(text: str | None) -> str:
    """Return the network of an address, as ``network_of`` does.

    Args:
        text: a valid address, as a session stores it; None if it is unknown.
    """
    address = ip_address(text or "0.0.0.0")  # noqa: S104 (nothing is bound)
    if isinstance(address, IPv6Address):
        v4 = address.ipv4_mapped or _behind_nat64(address)
        if v4 is None:
            return "" if address.is_unspecified else f"{address.exploded[:19]}::/64"
        address = v4
    return "" if address.is_unspecified else str(address)


def _behind_nat64(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a NAT64 gateway translated (RFC 6052); None for any other."""
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


_NAT64 = IPv6Network("64:ff9b::/96")


@lru_cache(maxsize=1024)
def _address(text: str) -> str | None:
    # Some proxies add the client's port: "192.0.2.1:80", "[2001:db8::1]:80".
    text = text.strip().strip('"').strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text)
    except ValueError:  # "" behind a unix socket; "unknown"
        return None
    # The zone of a link-local address means nothing on another machine.
    return str(parsed).partition("%")[0]


def django_request(request: HttpRequest) -> HttpRequest:
    """Return Django's request, which DRF's request wraps; django-axes and others need it.

    Args:
        request: Django's or DRF's.
    """
    wrapped: HttpRequest = getattr(request, "_request", request)
    return wrapped
