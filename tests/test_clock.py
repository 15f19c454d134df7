"""The database's clock is in UTC, wherever its server is."""

import time

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings

from drf_ratchet.sessions import open_session, refresh_session
from drf_ratchet.sessions.freshness import active_user
from tests.fixtures import payload

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


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Lima"])
def test_a_project_without_time_zones(alice: User, zone: str) -> None:
    with override_settings(USE_TZ=False, TIME_ZONE=zone):
        grant = open_session(alice)
        claims = payload(refresh_session(grant.refresh).access)
        assert active_user(claims) == alice
    assert claims["iat"] == pytest.approx(time.time(), abs=5)
    assert claims["exp"] == claims["iat"] + 300
