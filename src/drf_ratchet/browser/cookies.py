"""The cookies that contain a browser's tokens."""

import secrets
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.sessions.grant import Grant, Transport, in_utc
from ratchet_tokens.claims import Kind

#: The access token in the response body, to be kept in memory and sent in a header.
IN_MEMORY = Transport(Kind.ACCESS, Kind.COOKIE_REFRESH)
#: Both tokens in cookies.
IN_COOKIES = Transport(Kind.COOKIE_ACCESS, Kind.COOKIE_REFRESH)

# Django's error reports hide cookies and settings whose names contain "token".
_NAMES = {Kind.COOKIE_ACCESS: "access-token", Kind.COOKIE_REFRESH: "refresh-token"}
#: The cookie with the Idempotency-Key of a refresh. It is set together with the refresh token.
_KEY_NAME = "refresh-key"
_LONGEST_KEY = 128
# Strict: no other site can make a browser send the refresh token. Lax: a link from another site to
# a page of ours finds its reader signed in.
_SAME_SITE: dict[Kind, Any] = {Kind.COOKIE_ACCESS: "Lax", Kind.COOKIE_REFRESH: "Strict"}


def transport() -> Transport:
    """Return the kinds of a browser's tokens, by the setting ``ACCESS_TOKEN_COOKIE``."""
    return IN_COOKIES if ratchet_settings().ACCESS_TOKEN_COOKIE else IN_MEMORY


def cookie_name(kind: Kind) -> str:
    """Return the name of the cookie for a kind of token.

    Browsers accept the prefix ``__Host-`` only over TLS, for this host and for all of its paths
    (RFC 6265bis section 4.1.3.2). So a sibling subdomain cannot set a cookie that takes precedence,
    as it could by a narrower path.

    Args:
        kind: COOKIE_ACCESS or COOKIE_REFRESH.
    """
    return _full_name(_NAMES[kind])


def _full_name(name: str) -> str:
    settings = ratchet_settings()
    prefix = "__Host-" if settings.COOKIE_SECURE else ""
    return f"{prefix}{settings.COOKIE_NAME}-{name}"


def token_of(request: HttpRequest, kind: Kind) -> str | None:
    """Return the token of a kind from the request's cookies; None if there is none.

    Args:
        request: Django's or DRF's.
        kind: COOKIE_ACCESS or COOKIE_REFRESH.
    """
    cookies: dict[str, str] = request.COOKIES
    return cookies.get(cookie_name(kind)) or None


def set_cookies(response: HttpResponseBase, grant: Grant, way: Transport) -> None:
    """Set the cookies of a grant: its tokens that travel in cookies, and the key for a retry.

    Args:
        response: the response to set them on.
        grant: the grant, with all of its tokens.
        way: the kinds of its tokens; only those for cookies are set.
    """
    # Subtract times of the same clock. Without USE_TZ they may not be in this process's time zone.
    if way.access.in_cookie:
        _set(response, way.access, grant.access, grant.access_expires_at - grant.issued_at)
    if way.refresh.in_cookie and grant.refresh is not None:
        lifetime = in_utc(grant.session.expires_at) - grant.issued_at
        _set(response, way.refresh, grant.refresh, lifetime)
        # A new random key with each response, also for a repeated refresh. A thief of the token
        # cannot make it, and two holders of one token are detected by their different keys.
        _put(response, _full_name(_KEY_NAME), secrets.token_urlsafe(16), lifetime, "Strict")


def delete_cookies(response: HttpResponseBase, request: HttpRequest) -> None:
    """Delete the cookies of this package that the request contains.

    Args:
        response: the response to delete them with.
        request: the request that sent them.
    """
    for kind in _NAMES:
        if cookie_name(kind) in request.COOKIES:
            _set(response, kind, "", timedelta(0))
    if _full_name(_KEY_NAME) in request.COOKIES:
        _put(response, _full_name(_KEY_NAME), "", timedelta(0), "Strict")


def key_of(request: HttpRequest) -> str:
    """Return the Idempotency-Key that the browser keeps with its refresh token; "" for none.

    Args:
        request: Django's or DRF's; None while a schema is generated.
    """
    cookies: dict[str, str] = getattr(request, "COOKIES", {})
    key = cookies.get(_full_name(_KEY_NAME), "")
    if not key or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable():
        return ""
    # The header cannot contain a key with a space. So a key copied from a cookie into the header
    # does not bypass COOKIE_RETRY_WINDOW.
    return f"cookie {key}"


def _set(response: HttpResponseBase, kind: Kind, value: str, lifetime: timedelta) -> None:
    _put(response, cookie_name(kind), value, lifetime, _SAME_SITE[kind])


def _put(
    response: HttpResponseBase, name: str, value: str, lifetime: timedelta, same_site: Any
) -> None:
    # Not response.delete_cookie(): a browser deletes a __Host- cookie only with the attributes that
    # it was set with.
    response.set_cookie(
        name,
        value,
        max_age=max(0, int(lifetime.total_seconds())),
        path="/",
        secure=ratchet_settings().COOKIE_SECURE,
        httponly=True,
        samesite=same_site,
    )
