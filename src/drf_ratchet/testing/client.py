"""An ``APIClient`` that a user is signed in with: by a real session, with its real tokens."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from django.apps import apps
from django.db import connections
from rest_framework import views
from rest_framework.test import APIClient

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.sessions import Grant, end_session, open_session, refresh_session
from drf_ratchet.sessions.grant import HEADER, Transport


class RatchetClient(APIClient):
    """DRF's test client, which can sign in without a password.

    It sends its access token with each request, and does not refresh by itself: a test sees what
    becomes of the token. ``credentials()`` and ``logout()`` are DRF's; they end no session.
    """

    #: The session and the latest pair of its tokens; None while nobody is signed in.
    grant: Grant | None = None
    _transport: Transport = HEADER

    def sign_in(self, user: Any, **options: Any) -> Grant:
        """Open a session and send its access token from now on.

        By ``open_session`` and not by the sign-in's URL, so no rate limit counts it and no
        password is hashed.

        Args:
            user: a saved user.
            options: of ``open_session``: ``request``, ``lifetime``, ``get_claims``, ``transport``.

        Raises:
            ImproperlyConfigured: as ``open_session``.
        """
        self._transport = options.get("transport", HEADER)
        return self._carry(open_session(user, **options))

    def refresh(self, *, idempotency_key: str = "") -> Grant:
        """Refresh as the client of an API would, and send the new access token from now on.

        Args:
            idempotency_key: as the header of that name.

        Raises:
            TokenRefused: with the reason. The client keeps the tokens it has.
            RuntimeError: nobody is signed in; or called inside a transaction that is not the
                test case's own.
        """
        held = self._held()
        grant = refresh_session(
            held.refresh or "", idempotency_key=idempotency_key, transport=self._transport
        )
        # Where the session does not rotate, the one it has stays good.
        return self._carry(replace(grant, refresh=grant.refresh or held.refresh))

    def sign_out(self) -> None:
        """End the session. The client goes on sending its access token: what was, is refused.

        Raises:
            RuntimeError: as ``refresh``.
        """
        end_session(self._held().session)

    def logout(self) -> None:
        """Forget the tokens, as DRF's client forgets its credentials. Ends no session of ours."""
        if apps.is_installed("django.contrib.sessions"):
            super().logout()
        else:
            self.credentials()
            self.cookies.clear()
        self.grant = None

    def request(self, **kwargs: Any) -> Any:
        """As DRF's, and a refusal breaks no transaction that is the test case's own.

        Under ``ATOMIC_REQUESTS`` DRF marks the transaction that it finds as one to be rolled back.
        Our views are in none, so inside a ``TestCase`` it would be the whole test's.
        """
        with patch.object(views, "set_rollback", _set_rollback):
            return super().request(**kwargs)

    def _held(self) -> Grant:
        if self.grant is None:
            raise RuntimeError("Nobody is signed in: client.sign_in(user).")
        return self.grant

    def _carry(self, grant: Grant) -> Grant:
        access, refresh = self._transport
        headers = {**vars(self)["_credentials"]}
        headers.pop("HTTP_AUTHORIZATION", None)
        if access.in_cookie:
            self._set_cookie(access, grant.access)
        else:
            word = ratchet_settings().AUTH_HEADER_TYPES[0]
            headers["HTTP_AUTHORIZATION"] = f"{word} {grant.access}"
        self.credentials(**headers)
        if refresh.in_cookie:
            self._set_cookie(refresh, grant.refresh)
        self.grant = grant
        return grant

    def _set_cookie(self, kind: Any, token: str | None) -> None:
        # Late: whoever has no browsers needs none of it.
        from drf_ratchet.browser.cookies import cookie_name

        self.cookies[cookie_name(kind)] = token or ""


def _set_rollback() -> None:
    """DRF's, but for transactions of Django's ``TestCase``."""
    opened: Any = connections.all(initialized_only=True)
    for connection in opened:
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            blocks = connection.atomic_blocks
            if not (blocks and getattr(blocks[-1], "_from_testcase", False)):
                connection.set_rollback(True)


def api_client_for(user: Any, **options: Any) -> RatchetClient:
    """A new client, signed in.

    Args:
        user: a saved user.
        options: as for ``RatchetClient.sign_in``.
    """
    client = RatchetClient()
    client.sign_in(user, **options)
    return client


def browser_client_for(user: Any, **options: Any) -> RatchetClient:
    """A new client that is signed in as a browser is: its refresh token is in a cookie.

    The access token is in a cookie as well with ``ACCESS_TOKEN_COOKIE``. Its requests say that
    they come from a page of this site.

    Args:
        user: a saved user.
        options: as for ``RatchetClient.sign_in``.
    """
    from drf_ratchet.browser.cookies import transport

    client = RatchetClient(HTTP_SEC_FETCH_SITE="same-origin")
    client.sign_in(user, **{"transport": transport(), **options})
    return client
