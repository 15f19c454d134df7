"""For test cases of Django and DRF: ``class PostTests(RatchetTestMixin, APITestCase)``."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from drf_ratchet.sessions import Grant
from drf_ratchet.testing import client as clients
from drf_ratchet.testing import tokens
from drf_ratchet.testing.throttles import no_throttles
from drf_ratchet.testing.travelling import Journey, travel

if TYPE_CHECKING:
    from django.test import SimpleTestCase as _Base
else:
    _Base = object


class RatchetTestMixin(_Base):
    """Put it before ``APITestCase``, ``TransactionTestCase`` or ``LiveServerTestCase``.

    ``self.client`` is a ``RatchetClient``.
    """

    client: clients.RatchetClient
    client_class = clients.RatchetClient

    def sign_in(self, user: Any, **options: Any) -> Grant:
        """Sign ``self.client`` in, by a real session; see ``RatchetClient.sign_in``.

        Args:
            user: a saved user.
            options: of ``open_session``.
        """
        return self.client.sign_in(user, **options)

    def api_client_for(self, user: Any, **options: Any) -> clients.RatchetClient:
        """Another client, signed in: another device, or another user.

        Args:
            user: a saved user.
            options: of ``open_session``.
        """
        return clients.api_client_for(user, **options)

    def browser_client_for(self, user: Any, **options: Any) -> clients.RatchetClient:
        """Another client, signed in by cookies; see ``client.browser_client_for``.

        Args:
            user: a saved user.
            options: of ``open_session``.
        """
        return clients.browser_client_for(user, **options)

    def expired_token(self, user: Any, **options: Any) -> str:
        """An access token that has expired; see ``tokens.expired_token``.

        Args:
            user: a saved user.
            options: of ``open_session``.
        """
        return tokens.expired_token(user, **options)

    def refused_token(self, user: Any, reason: str, **options: Any) -> str:
        """An access token that is refused for a reason; see ``tokens.refused_token``.

        Args:
            user: a saved user.
            reason: the contract's.
            options: of ``open_session``.
        """
        return tokens.refused_token(user, reason, **options)

    def travel(self, seconds: float | timedelta = 0, **parts: float) -> Journey:
        """Go forward in time until the test ends, or the block: ``with self.travel(hours=1):``.

        Args:
            seconds: how far, in seconds or as a duration.
            parts: ``minutes``, ``hours``, ``days``, ``weeks``; see ``travelling.travel``.
        """
        journey = travel(seconds, **parts)
        self.addCleanup(journey.back)
        return journey

    def no_throttles(self) -> None:
        """Let our rate limits count nothing until the test ends."""
        self.enterContext(no_throttles())
