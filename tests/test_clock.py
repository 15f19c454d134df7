"""The database's clock is in UTC, wherever its server is."""

import pytest
from django.contrib.auth.models import User
from django.db import connection

from drf_ratchet.sessions import open_session, refresh_session

ZONES = {
    "mysql": "SET time_zone = '{}'",
    "postgresql": "SET TIME ZONE INTERVAL '{}' HOUR TO MINUTE",
}


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["+05:00", "-05:00"])
def test_a_server_elsewhere(alice: User, zone: str) -> None:
    statement = ZONES.get(connection.vendor)
    if statement is None:
        pytest.skip("SQLite has no time zones")
    with connection.cursor() as cursor:
        cursor.execute(statement.format(zone))
    try:
        refresh_session(open_session(alice).refresh)
    finally:
        connection.close()
