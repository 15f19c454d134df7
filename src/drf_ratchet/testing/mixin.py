"""A mixin for test cases: ``class PostTests(RatchetTestMixin, APITestCase)``."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from drf_ratchet.sessions import Grant
from drf_ratchet.testing import client as clients
from drf_ratchet.testing import tokens
from drf_ratchet.testing.throttles import no_throttles
from drf_ratchet.testing.time_travel import Journey, travel

if TYPE_CHECKING:
    from django.test import SimpleTestCase as _Base
else:
    _Base = object


class RatchetTestMixin(_Base):
    """A mixin whose ``self.client`` is a ``RatchetClient``.

    Put it before ``APITestCase``, ``TransactionTestCase`` or ``LiveServerTestCase``.
    """

    client: clients.RatchetClient
    client_class = clients.RatchetClient

    def sign_in(self, user: Any, **options: Any) -> Grant:
        """Sign ``self.client`` in with a real session. See ``RatchetClient.sign_in``.

        Args:
            user: a saved user.
            options: arguments of ``open_session``.
        """
        return self.client.sign_in(user, **options)

    def api_client_for(self, user: Any, **options: Any) -> clients.RatchetClient:
        """Return another client, signed in: another device or another user.

        Args:
            user: a saved user.
            options: arguments of ``open_session``.
        """
        return clients.api_client_for(user, **options)

    def browser_client_for(self, user: Any, **options: Any) -> clients.RatchetClient:
        """Return another client, signed in by cookies. See ``client.browser_client_for``.

        Args:
            user: a saved user.
            options: arguments of ``open_session``.
        """
        return clients.browser_client_for(user, **options)

    def expired_token(self, user: Any, **options: Any) -> str:
        """Return an expired access token. See ``tokens.expired_token``.

        Args:
            user: a saved user.
            options: arguments of ``open_session``.
        """
        return tokens.expired_token(user, **options)

    def refused_token(self, user: Any, reason: str, **options: Any) -> str:
        """Return an access token that is refused for a reason. See ``tokens.refused_token``.

        Args:
            user: a saved user.
            reason: a reason of the HTTP contract.
            options: arguments of ``open_session``.
        """
        return tokens.refused_token(user, reason, **options)

    def travel(self, seconds: float | timedelta = 0, **parts: float) -> Journey:
        """Move time forward until the test, or the block ``with self.travel(hours=1):``, ends.

        Args:
            seconds: the distance, in seconds or as a timedelta.
            parts: ``minutes``, ``hours``, ``days``, ``weeks``; see ``time_travel.travel``.
        """
        journey = travel(seconds, **parts)
        self.addCleanup(journey.back)
        return journey

    def no_throttles(self) -> None:
        """Switch drf-ratchet's rate limits off until the test ends."""
        self.enterContext(no_throttles())
