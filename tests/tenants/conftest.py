"""A PostgreSQL for these tests, whatever database the rest of the suite runs on."""

from collections.abc import Iterator

import pytest

from tests import servers


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a database of it."""
    with servers.postgres() as url:
        yield url
