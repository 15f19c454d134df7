"""Users and sessions in databases that a router chooses: it works, or a check says what to route.

That both work in a second database is told in ``tests/tenants/test_second_database.py``.
"""

from typing import Any

import pytest
from django.test import override_settings

from drf_ratchet import checks
from drf_ratchet.management.doctor import Status, examine

pytestmark = pytest.mark.any_database

AUTH, OURS = ("auth", "contenttypes"), ("drf_ratchet",)


class Route:
    """A router that sends some apps to another database, with the replica that Django describes."""

    def __init__(
        self, *apps: str, to: str = "replica", read: str | None = None, related: bool | None = None
    ) -> None:
        self.apps, self.to, self.read, self.related = apps, to, read, related

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return self.read or self.db_for_write(model)

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return self.to if model._meta.app_label in self.apps else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return (db == self.to) == (app_label in self.apps) if self.apps else None

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool | None:
        return self.related


class OnlySome(Route):
    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return self.to if model._meta.model_name in self.apps else None


class NoTables(Route):
    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "drf_ratchet" else None


class NeedsARequest(Route):
    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        raise LookupError("no tenant")


def said(*routers: Any, **ratchet: Any) -> str:
    with override_settings(DATABASE_ROUTERS=routers, DRF_RATCHET=ratchet):
        found = checks.check_databases()
    assert all(message.id == "ratchet.E013" for message in found)
    assert len(found) <= 1, "one mistake, one message"
    return "".join(f"{message.msg} {message.hint}" for message in found)


@pytest.mark.parametrize(
    "router",
    [
        Route(),
        Route(*AUTH, *OURS),
        Route(read="replica", related=True),
        Route(*AUTH, *OURS, related=True),
        NeedsARequest(),
    ],
)
def test_what_works(router: Route) -> None:
    assert said(router) == ""


def test_users_elsewhere() -> None:
    text = said(Route(*AUTH))

    assert "Users (auth.User) are written to the database 'replica'" in text
    assert "sessions (the app 'drf_ratchet') to 'default'" in text
    assert "let db_for_write return 'replica' for the app 'drf_ratchet'" in text
    assert "manage.py migrate --database replica" in text


def test_sessions_elsewhere() -> None:
    text = said(Route(*OURS, related=True))

    assert "let db_for_write return 'default' for the app 'drf_ratchet'" in text


def test_half_of_the_app_elsewhere() -> None:
    assert "The models of the app 'drf_ratchet'" in said(OnlySome("cutoff", related=True))


def test_no_tables_where_sessions_are_written() -> None:
    text = said(NoTables())

    assert "drf_ratchet.Session is written to the database 'default'" in text
    assert "let allow_migrate return True for 'default' and the app 'drf_ratchet'" in text


def test_a_replica_whose_objects_may_not_be_related() -> None:
    assert "let allow_relation return True" in said(Route(read="replica"))
    assert "let allow_relation return True" in said(Route(read="replica", related=False))


def test_a_service_without_sessions() -> None:
    assert said(Route(*AUTH), USER="claims") == ""


@pytest.mark.django_db(databases=["default", "replica"])
def test_the_doctor() -> None:
    def database(*routers: Any) -> list[tuple[Status, str]]:
        with override_settings(DATABASE_ROUTERS=routers):
            return [(state, text) for part, state, text in examine() if part == "database"]

    assert any("never from 'replica'" in text for _, text in database(Route(read="replica")))
    (broken,) = (text for state, text in database(Route(*AUTH)) if state is Status.BROKEN)
    assert "let db_for_write return 'replica'" in broken
