"""Exchange a Django session that allauth has just signed in for our cookies, once."""

import time
from typing import Any

from django.contrib.auth import get_user
from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated

from drf_ratchet.allauth import links
from drf_ratchet.allauth.methods import authentication_methods
from drf_ratchet.allauth.second_factor import mark_as_allauths
from drf_ratchet.sessions import open_session
from drf_ratchet.sessions.grant import Grant, Transport

#: Under this key a Django session contains when allauth signed it in, in seconds since 1970.
SIGNED_IN_AT = "drf_ratchet_signed_in_at"
#: Seconds after the sign-in in which a Django session can be exchanged. The new session's
#: ``auth_time`` is the exchange's, so it must not be much later than the sign-in.
EXCHANGED_WITHIN = 120


def exchange(request: HttpRequest, transport: Transport) -> Grant:
    """Delete the request's Django session and return the tokens of a new session of its user.

    The caller has checked the request's origin and its CSRF token.

    Args:
        request: Django's, with a session that allauth has just signed in.
        transport: the kinds of tokens to make.

    Raises:
        NotAuthenticated: nobody is signed in, or the session was not signed in by allauth for a
            browser within ``EXCHANGED_WITHIN``, or it has been exchanged.
        NoActiveAccount: as ``open_session``. The Django session is deleted nevertheless.
    """
    session = getattr(request, "session", None)
    if session is None:
        raise NotAuthenticated
    # Not request.user: DRF has replaced it by the user of its own authentication.
    user: Any = get_user(request)
    if not user.is_authenticated:
        raise NotAuthenticated
    signed_in_at = session.get(SIGNED_IN_AT)
    if signed_in_at is None or not 0 <= time.time() - signed_in_at <= EXCHANGED_WITHIN:
        raise NotAuthenticated
    claimed = links.claim(session.session_key)
    if claimed is None:
        raise NotAuthenticated
    methods = authentication_methods(session, user, signed_in_at)
    session.flush()
    mark_as_allauths(request)
    try:
        grant = open_session(
            user, request=request, amr=methods, transport=transport, after_login=True
        )
    except BaseException:
        claimed.delete()
        raise
    claimed.session = grant.session
    claimed.save(update_fields=["session"])
    return grant
