"""allauth's headless token strategy: the endpoints for apps end in our pair of tokens."""

import time
from typing import Any, cast

from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from rest_framework.exceptions import APIException

from drf_ratchet.allauth import links
from drf_ratchet.allauth._internals import SessionTokenStrategy, current_request, refusal
from drf_ratchet.allauth.methods import authentication_methods
from drf_ratchet.allauth.second_factor import mark_as_allauths
from drf_ratchet.sessions import open_session
from drf_ratchet.sessions.grant import Grant

_GRANT = "_ratchet_allauth_grant"


class RatchetTokenStrategy(SessionTokenStrategy):  # type: ignore[misc]
    """Ends each sign-in of an app in our session; ``HEADLESS_TOKEN_STRATEGY`` names it.

    The response's ``meta`` contains ``access_token``, ``refresh_token`` and ``expires_in`` besides
    allauth's ``session_token``. allauth calls this class only for the endpoints for apps, and asks
    for tokens only in the request that finishes a sign-in.

    The app sends ``session_token`` to allauth's endpoints, and the access token to all others. A
    signed-in Django session is valid only as long as our session.
    """

    def create_session_token(self, request: HttpRequest) -> str:
        """Return the key of the Django session, which may be new, and link the key."""
        token: str = super().create_session_token(request)
        links.relink(request.session)
        return token

    def lookup_session(self, session_token: str) -> SessionBase | None:
        """Return the Django session of a key; None if it has ended, or ours has.

        A session in which nobody is signed in yet has none of ours. One that was signed in without
        this strategy is refused: the user signs in again.
        """
        found = cast(SessionBase | None, super().lookup_session(session_token))
        if found is None or SESSION_KEY not in found or links.is_active(found):
            return found
        found.flush()
        return None

    def create_access_token_payload(self, request: HttpRequest) -> dict[str, Any] | None:
        """Open a session and return its tokens for ``meta``.

        allauth may call this several times in one request, because it makes responses that it does
        not send. All of them get the same tokens.

        Raises:
            ImmediateHttpResponse: ``SIGN_IN_POLICY`` refused the sign-in. The user is logged out.
        """
        grant: Grant | None = getattr(request, _GRANT, None)
        if grant is None or grant.session.pk != links.sid_of(request.session):
            grant = self._open_session(request)
            setattr(request, _GRANT, grant)
        lifetime = grant.access_expires_at - grant.issued_at
        return {
            "access_token": grant.access,
            "refresh_token": grant.refresh,
            "expires_in": int(lifetime.total_seconds()),
        }

    def _open_session(self, request: HttpRequest) -> Grant:
        user: Any = request.user
        methods = authentication_methods(request.session, user, time.time())
        mark_as_allauths(request)
        try:
            grant = open_session(user, request=request, amr=methods, after_login=True)
        except APIException as error:
            # The Django session must not stay signed in without a session of ours.
            logout(request)
            text, code = _first(error.get_full_details())
            raise refusal(request, status=error.status_code, text=text, code=code) from None
        links.link(request.session, grant.session)
        return grant

    def refresh_token(self, refresh_token: str) -> tuple[str, str] | None:
        """Refuse: allauth passes no request, and so no Idempotency-Key, network or binding.

        The token is not used up. The client must send it to our ``token/refresh/``.

        Raises:
            ImmediateHttpResponse: 400, always.
        """
        request = current_request()
        if request is None:
            return None
        raise refusal(
            request,
            status=400,
            text="Refresh at the endpoint token/refresh/ of drf_ratchet.urls.",
            code="refresh_elsewhere",
        )


def _first(details: Any) -> tuple[str, str]:
    """Return the text and the code of the first error in DRF's details, at any depth."""
    while not (isinstance(details, dict) and {"message", "code"} <= details.keys()):
        parts = list(details.values()) if isinstance(details, dict) else details
        if not parts:
            return "", "error"
        details = parts[0]
    if isinstance(details["message"], dict):  # our own bodies: {"detail": …, "code": …}
        return _first(details["message"])
    return str(details["message"]), str(details["code"])
