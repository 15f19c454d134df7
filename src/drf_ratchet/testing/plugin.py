"""Pytest fixtures, which pytest finds by the entry point ``pytest11``.

Every run of pytest loads this module where drf-ratchet is installed. So it imports neither Django
nor drf-ratchet before a test requests a fixture.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from drf_ratchet.testing.client import RatchetClient
    from drf_ratchet.testing.time_travel import Journey


@pytest.fixture
def api_client_for(request: pytest.FixtureRequest) -> "Callable[..., RatchetClient]":
    """Return ``api_client_for(user, **options)``: DRF's client, signed in with a real session.

    The options are the arguments of ``open_session``.
    """
    _demand_database(request)
    from drf_ratchet.testing.client import api_client_for

    return api_client_for


@pytest.fixture
def browser_client_for(request: pytest.FixtureRequest) -> "Callable[..., RatchetClient]":
    """Return ``browser_client_for(user, **options)``: a client with the refresh token in a cookie.

    The options are the arguments of ``open_session``.
    """
    _demand_database(request)
    from drf_ratchet.testing.client import browser_client_for

    return browser_client_for


@pytest.fixture
def expired_token(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Return ``expired_token(user)``: it makes an access token that expired a second ago."""
    _demand_database(request)
    from drf_ratchet.testing.tokens import expired_token

    return expired_token


@pytest.fixture
def refused_token(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Return ``refused_token(user, reason)``: it makes an access token refused for that reason."""
    _demand_database(request)
    from drf_ratchet.testing.tokens import refused_token

    return refused_token


@pytest.fixture
def time_travel(request: pytest.FixtureRequest) -> "Iterator[Callable[..., Journey]]":
    """Return ``time_travel(hours=1)``: it moves all clocks of tokens and sessions forward.

    The clocks return when the test ends or, in a ``with`` statement, when the block ends.
    """
    _demand_django(request)
    from drf_ratchet.testing.time_travel import travel

    with ExitStack() as ends:

        def go(*args: Any, **kwargs: Any) -> "Journey":
            journey = travel(*args, **kwargs)
            ends.callback(journey.back)
            return journey

        yield go


@pytest.fixture
def one_clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """Use the process's clock in the database, for tests with freezegun or time-machine."""
    _demand_django(request)
    from drf_ratchet.testing.clock import one_clock

    with one_clock():
        yield


@pytest.fixture
def no_throttles(request: pytest.FixtureRequest) -> Iterator[None]:
    """Switch drf-ratchet's rate limits off."""
    _demand_django(request)
    from drf_ratchet.testing.throttles import no_throttles

    with no_throttles():
        yield


def _demand_database(request: pytest.FixtureRequest) -> None:
    _demand_django(request)
    request.getfixturevalue("db")


def _demand_django(request: pytest.FixtureRequest) -> None:
    """Fail with instructions if pytest-django is not installed."""
    if not request.config.pluginmanager.hasplugin("django"):
        pytest.fail(
            f"The fixture {request.fixturename!r} of drf-ratchet needs pytest-django. "
            "Install it, and set DJANGO_SETTINGS_MODULE.",
            pytrace=False,
        )
