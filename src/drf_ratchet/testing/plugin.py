"""The fixtures, which pytest finds by itself (entry point ``pytest11``).

Loaded in every run of pytest where drf-ratchet is installed. So it imports nothing of Django nor
of drf-ratchet before a test asks for one of the fixtures.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from drf_ratchet.testing.client import RatchetClient
    from drf_ratchet.testing.travelling import Journey


@pytest.fixture
def api_client_for(request: pytest.FixtureRequest) -> "Callable[..., RatchetClient]":
    """``api_client_for(user, **options)``: DRF's client, signed in by a real session.

    The options are those of ``open_session``.
    """
    _demand_database(request)
    from drf_ratchet.testing.client import api_client_for

    return api_client_for


@pytest.fixture
def browser_client_for(request: pytest.FixtureRequest) -> "Callable[..., RatchetClient]":
    """``browser_client_for(user, **options)``: the same, with the refresh token in a cookie."""
    _demand_database(request)
    from drf_ratchet.testing.client import browser_client_for

    return browser_client_for


@pytest.fixture
def expired_token(request: pytest.FixtureRequest) -> Callable[..., str]:
    """``expired_token(user)``: an access token that expired a second ago."""
    _demand_database(request)
    from drf_ratchet.testing.tokens import expired_token

    return expired_token


@pytest.fixture
def refused_token(request: pytest.FixtureRequest) -> Callable[..., str]:
    """``refused_token(user, reason)``: an access token that is refused for that reason."""
    _demand_database(request)
    from drf_ratchet.testing.tokens import refused_token

    return refused_token


@pytest.fixture
def time_travel(request: pytest.FixtureRequest) -> "Iterator[Callable[..., Journey]]":
    """``time_travel(hours=1)``: go forward, with all clocks of tokens and sessions.

    Until the test ends; as a ``with`` block, until the block ends.
    """
    _demand_django(request)
    from drf_ratchet.testing.travelling import travel

    with ExitStack() as ends:

        def go(*args: Any, **kwargs: Any) -> "Journey":
            journey = travel(*args, **kwargs)
            ends.callback(journey.back)
            return journey

        yield go


@pytest.fixture
def one_clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """The database's clock is the process's: for tests that use freezegun or time-machine."""
    _demand_django(request)
    from drf_ratchet.testing.clock import one_clock

    with one_clock():
        yield


@pytest.fixture
def no_throttles(request: pytest.FixtureRequest) -> Iterator[None]:
    """drf-ratchet's own rate limits count nothing."""
    _demand_django(request)
    from drf_ratchet.testing.throttles import no_throttles

    with no_throttles():
        yield


def _demand_database(request: pytest.FixtureRequest) -> None:
    _demand_django(request)
    request.getfixturevalue("db")


def _demand_django(request: pytest.FixtureRequest) -> None:
    """Fail, and say how to go on, where nobody has set Django up."""
    if not request.config.pluginmanager.hasplugin("django"):
        pytest.fail(
            f"The fixture {request.fixturename!r} of drf-ratchet needs pytest-django: "
            "install it, and set DJANGO_SETTINGS_MODULE.",
            pytrace=False,
        )
