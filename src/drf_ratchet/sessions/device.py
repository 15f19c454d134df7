"""What a request tells of the device it comes from, made safe to store and to print."""

from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple

from rest_framework.settings import api_settings

from drf_ratchet.models import Session

_MAX_USER_AGENT: int = Session._meta.get_field("user_agent").max_length or 0


class Device(NamedTuple):
    """What is kept of it.

    Args:
        user_agent: the header, printable characters only, shortened.
        ip: a valid address, or None.
    """

    user_agent: str
    ip: str | None


def device_of(request: Any) -> Device:
    """The device a request comes from.

    Args:
        request: Django's or DRF's; None for none.
    """
    if request is None:
        return Device("", None)
    named = request.META.get("HTTP_USER_AGENT", "")[:1000]
    if not named.isprintable():
        named = "".join(character for character in named if character.isprintable())
    return Device(named[:_MAX_USER_AGENT], client_address(request))


def client_address(request: Any) -> str | None:
    """The client's address: ``REMOTE_ADDR``, or by DRF's ``NUM_PROXIES`` a forwarded one.

    Without ``NUM_PROXIES`` no header is believed: any client can send it.
    """
    meta = request.META
    address = meta.get("REMOTE_ADDR", "")
    forwarded = meta.get("HTTP_X_FORWARDED_FOR")
    if forwarded and api_settings.NUM_PROXIES:
        hops = forwarded.split(",")
        address = hops[-min(api_settings.NUM_PROXIES, len(hops))]
    # What is longer is hardly an address, and is not to fill the memory.
    return _address(address) if len(address) < 64 else _address.__wrapped__(address)


@lru_cache(maxsize=1024)
def _address(text: str) -> str | None:
    try:
        parsed = ip_address(text.strip())
    except ValueError:  # "" behind a unix socket, or a proxy that adds a port
        return None
    # The zone of a link-local address means nothing on another machine.
    return str(parsed).partition("%")[0]
