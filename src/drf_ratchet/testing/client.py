"""An ``APIClient`` that signs a user in with a real session and real tokens."""

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
    """DRF's test client with a ``sign_in`` that needs no password.

    The client sends its access token with each request. It does not refresh by itself, so a test
    can observe an expired token. ``credentials()`` and ``logout()`` are DRF's and end no session.
    """

    #: The session and the latest pair of its tokens; None if no user is signed in.
    grant: Grant | None = None
    _transport: Transport = HEADER

    def sign_in(self, user: Any, **options: Any) -> Grant:
        """Open a session and send its access token from now on.

        Calls ``open_session`` instead of the sign-in endpoint: no rate limit counts it, and no
        password is hashed.

        Args:
            user: a saved user.
            options: arguments of ``open_session``: ``request``, ``lifetime``, ``get_claims``,
                ``transport``.

        Raises:
            ImproperlyConfigured: as ``open_session``.
        """
        self._transport = options.get("transport", HEADER)
        return self._carry(open_session(user, **options))

    def refresh(self, *, idempotency_key: str = "") -> Grant:
        """Refresh as the client of an API would, and send the new access token from now on.

        Args:
            idempotency_key: the value of the ``Idempotency-Key`` header.

        Raises:
            TokenRefused: the refresh token is refused. The client keeps its tokens.
            RuntimeError: no user is signed in, or a transaction other than the test case's own is
                open.
        """
        held = self._held()
        grant = refresh_session(
            held.refresh or "", idempotency_key=idempotency_key, transport=self._transport
        )
        # A session that does not rotate keeps its refresh token.
        return self._carry(replace(grant, refresh=grant.refresh or held.refresh))

    def sign_out(self) -> None:
        """End the session. The client keeps sending its access token, which is refused now.

        Raises:
            RuntimeError: as for ``refresh``.
        """
        end_session(self._held().session)

    def logout(self) -> None:
        """Forget the tokens, as DRF's client forgets its credentials, without ending a session."""
        if apps.is_installed("django.contrib.sessions"):
            super().logout()
        else:
            self.credentials()
            self.cookies.clear()
        self.grant = None

    def request(self, **kwargs: Any) -> Any:
        """Send a request as DRF's client does, without breaking the test case's transaction.

        Under ``ATOMIC_REQUESTS`` DRF marks the open transaction for rollback when it refuses a
        request. drf-ratchet's views open no transaction, so DRF would mark the ``TestCase``'s.
        """
        with patch.object(views, "set_rollback", _set_rollback):
            return super().request(**kwargs)

    def _held(self) -> Grant:
        if self.grant is None:
            raise RuntimeError("No user is signed in. Call client.sign_in(user) first.")
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
        # Imported late: a project without browser clients does not need the module.
        from drf_ratchet.browser.cookies import cookie_name

        self.cookies[cookie_name(kind)] = token or ""


def _set_rollback() -> None:
    """Mark transactions for rollback as DRF does, except those of Django's ``TestCase``."""
    opened = connections.all(initialized_only=True)
    for connection in opened:
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            blocks = connection.atomic_blocks
            if not (blocks and getattr(blocks[-1], "_from_testcase", False)):
                connection.set_rollback(True)


def api_client_for(user: Any, **options: Any) -> RatchetClient:
    """Return a new client, signed in as a user.

    Args:
        user: a saved user.
        options: as for ``RatchetClient.sign_in``.
    """
    client = RatchetClient()
    client.sign_in(user, **options)
    return client


def browser_client_for(user: Any, **options: Any) -> RatchetClient:
    """Return a new client, signed in like a browser: the refresh token is in a cookie.

    With ``ACCESS_TOKEN_COOKIE`` the access token is in a cookie, too. The client's requests carry
    ``Sec-Fetch-Site: same-origin``.

    Args:
        user: a saved user.
        options: as for ``RatchetClient.sign_in``.
    """
    from drf_ratchet.browser.cookies import transport

    client = RatchetClient(HTTP_SEC_FETCH_SITE="same-origin")
    client.sign_in(user, **{"transport": transport(), **options})
    return client
