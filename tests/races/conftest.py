"""The database that each server of these tests starts with."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.races.databases import demo_database


@pytest.fixture(scope="session")
def demo_template(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a database with the demo's users: made once, since their hashes take a while."""
    with django_db_blocker.unblock(), demo_database(tmp_path_factory.mktemp("demo")) as url:
        yield url
