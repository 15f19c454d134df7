"""The cookies that tokens travel in."""

import secrets
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.sessions.grant import Grant, Transport, in_utc
from ratchet_tokens.claims import Kind

#: The access token in the body, to be held in memory and sent in a header.
IN_MEMORY = Transport(Kind.ACCESS, Kind.COOKIE_REFRESH)
#: Both tokens in cookies.
IN_COOKIES = Transport(Kind.COOKIE_ACCESS, Kind.COOKIE_REFRESH)

# Django leaves cookies and settings whose names have "token" in them out of its error reports.
_NAMES = {Kind.COOKIE_ACCESS: "access-token", Kind.COOKIE_REFRESH: "refresh-token"}
#: What a retry of a refresh is known by. It stays with the refresh token.
_KEY_NAME = "refresh-key"
_LONGEST_KEY = 128
# Strict: no other site can make a browser send the one that is worth most. Lax: a link from
# another site to a page of ours finds its reader signed in.
_SAME_SITE: dict[Kind, Any] = {Kind.COOKIE_ACCESS: "Lax", Kind.COOKIE_REFRESH: "Strict"}


def transport() -> Transport:
    """How a browser's tokens travel, by the setting ``ACCESS_TOKEN_COOKIE``."""
    return IN_COOKIES if ratchet_settings().ACCESS_TOKEN_COOKIE else IN_MEMORY


def cookie_name(kind: Kind) -> str:
    """The name of the cookie for a kind of token.

    With ``__Host-`` browsers take it only over TLS, for this host alone and for all of its paths
    (RFC 6265bis section 4.1.3.2): a sibling subdomain cannot set one in front of it, as it could
    with a cookie of a narrower path.
    """
    return _full_name(_NAMES[kind])


def _full_name(name: str) -> str:
    settings = ratchet_settings()
    prefix = "__Host-" if settings.COOKIE_SECURE else ""
    return f"{prefix}{settings.COOKIE_NAME}-{name}"


def token_of(request: Any, kind: Kind) -> str | None:
    """The token of that kind in the request's cookies; None where there is none.

    Args:
        request: Django's or DRF's.
        kind: COOKIE_ACCESS or COOKIE_REFRESH.
    """
    cookies: dict[str, str] = request.COOKIES
    return cookies.get(cookie_name(kind)) or None


def set_cookies(response: HttpResponseBase, grant: Grant, way: Transport) -> None:
    """Put the tokens of a grant that travel in cookies into a response, and the key for a retry."""
    # By the clock that stamped both. Without USE_TZ it need not be in this process's time zone.
    if way.access.in_cookie:
        _set(response, way.access, grant.access, grant.access_expires_at - grant.issued_at)
    if way.refresh.in_cookie and grant.refresh is not None:
        lifetime = in_utc(grant.session.expires_at) - grant.issued_at
        _set(response, way.refresh, grant.refresh, lifetime)
        # Random at each answer, a repeated one too: a thief of the token cannot make it, and two
        # holders of one token come to light by their two keys.
        _put(response, _full_name(_KEY_NAME), secrets.token_urlsafe(16), lifetime, "Strict")


def delete_cookies(response: HttpResponseBase, request: HttpRequest) -> None:
    """Take back those that the request brought."""
    for kind in _NAMES:
        if cookie_name(kind) in request.COOKIES:
            _set(response, kind, "", timedelta(0))
    if _full_name(_KEY_NAME) in request.COOKIES:
        _put(response, _full_name(_KEY_NAME), "", timedelta(0), "Strict")


def key_of(request: Any) -> str:
    """The Idempotency-Key that the browser keeps beside its refresh token; "" for none.

    Args:
        request: Django's or DRF's; None while a schema is made.
    """
    cookies: dict[str, str] = getattr(request, "COOKIES", {})
    key = cookies.get(_full_name(_KEY_NAME), "")
    if not key or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable():
        return ""
    # No header can hold this one, so a copied cookie does not get around COOKIE_RETRY_WINDOW.
    return f"cookie {key}"


def _set(response: HttpResponseBase, kind: Kind, value: str, lifetime: timedelta) -> None:
    _put(response, cookie_name(kind), value, lifetime, _SAME_SITE[kind])


def _put(
    response: HttpResponseBase, name: str, value: str, lifetime: timedelta, same_site: Any
) -> None:
    # Not response.delete_cookie: a browser deletes a __Host- cookie only if told as it was set.
    response.set_cookie(
        name,
        value,
        max_age=max(0, int(lifetime.total_seconds())),
        path="/",
        secure=ratchet_settings().COOKIE_SECURE,
        httponly=True,
        samesite=same_site,
    )
