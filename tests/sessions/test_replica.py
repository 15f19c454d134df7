"""A router sends reads to a replica that lags. Whatever is asked about sessions, it is not asked.

The replica knows the user, who is old, and no session at all: to ask it about one would be to see
no session, or one at an earlier generation, whose newest token then looks reused.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from drf_ratchet.sessions import (
    active_sessions,
    end_all_sessions,
    end_session,
    open_session,
    refresh_session,
)
from drf_ratchet.sessions.ending import end_sessions_before
from tests.fixtures import PASSWORD, Tokens

pytestmark = pytest.mark.django_db(databases=["default", "replica"])

SignIn = Callable[..., Tokens]
Refresh = Callable[..., Response]


class ReadFromReplica:
    """The router of Django's documentation."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True


@pytest.fixture(autouse=True)
def _old_user(alice: User) -> None:
    """The replica has caught up with her, and with nothing since."""
    alice.save(using="replica")
    alice.refresh_from_db(using="default")


@pytest.fixture(autouse=True)
def _reads_go_to_the_replica(_old_user: None) -> Iterator[None]:
    # Without the blog's claims: they are the project's own query, which its router may send
    # where it likes.
    with override_settings(DATABASE_ROUTERS=[ReadFromReplica()], DRF_RATCHET={}):
        assert User.objects.get()._state.db == "replica"
        assert not Session.objects.exists()
        yield


@pytest.fixture
def on_replica() -> Iterator[CaptureQueriesContext]:
    with CaptureQueriesContext(connections["replica"]) as queries:
        yield queries


def test_signing_in(sign_in: SignIn, on_replica: CaptureQueriesContext) -> None:
    """Django's own authenticate() looks the user up where the router says; no more than that."""
    sign_in()
    (lookup,) = on_replica.captured_queries
    assert "auth_user" in lookup["sql"]
    assert "ratchet" not in lookup["sql"]
    assert Session.objects.using("default").count() == 1


@pytest.mark.parametrize("freshness", ["immediate", "bounded", "expiry"])
def test_a_fresh_access_token(
    alice: User, api: APIClient, freshness: str, on_replica: CaptureQueriesContext
) -> None:
    with override_settings(DRF_RATCHET={"FRESHNESS": freshness}):
        grant = open_session(alice)
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {grant.access}"}
        assert api.get("/api/protected/", **bearer).status_code == 200
    assert not on_replica.captured_queries


def test_the_feed_sees_an_ending(
    alice: User, api: APIClient, on_replica: CaptureQueriesContext
) -> None:
    each_time = {"FRESHNESS": "bounded", "FEED_INTERVAL": timedelta(0)}
    with override_settings(DRF_RATCHET=each_time):
        one, other = open_session(alice), open_session(alice)
        end_session(one.session)
        for grant, status in ((one, 401), (other, 200)):
            bearer = {"HTTP_AUTHORIZATION": f"Bearer {grant.access}"}
            assert api.get("/api/protected/", **bearer).status_code == status
    assert not on_replica.captured_queries


@pytest.mark.parametrize("grace", [timedelta(0), timedelta(seconds=10)], ids=["strict", "grace"])
def test_a_fresh_refresh_token(
    alice: User, refresh: Refresh, grace: timedelta, on_replica: CaptureQueriesContext
) -> None:
    with override_settings(DRF_RATCHET={"ROTATION_GRACE": grace}):
        token = open_session(alice).refresh
        for _ in range(5):
            answer = refresh(token)
            assert answer.status_code == 200, answer.content
            token = answer.json()["refresh"]
    assert not on_replica.captured_queries
    assert Session.objects.using("default").get().generation == 6


def test_a_used_one_is_still_found_out(
    alice: User, refresh: Refresh, on_replica: CaptureQueriesContext
) -> None:
    with override_settings(DRF_RATCHET={"ROTATION_GRACE": timedelta(0)}):
        first = open_session(alice).refresh
        refresh(first)
        assert refresh(first).status_code == 401
    assert not on_replica.captured_queries
    assert Session.objects.using("default").get().end_reason == "reuse_detected"


def test_verifying(alice: User, api: APIClient, on_replica: CaptureQueriesContext) -> None:
    grant = open_session(alice)
    grant = refresh_session(grant.refresh)
    for token in (grant.access, grant.refresh):
        assert api.post("/api/token/verify/", {"token": token}).status_code == 200
    assert not on_replica.captured_queries


@pytest.mark.parametrize("by", ["refresh", "bearer", "both"])
def test_logging_out(
    alice: User, api: APIClient, by: str, on_replica: CaptureQueriesContext
) -> None:
    grant = open_session(alice)
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {grant.access}"} if by != "refresh" else {}
    body = {"refresh": grant.refresh} if by != "bearer" else {}
    assert api.post("/api/logout/", body, **bearer).status_code == 200
    assert not on_replica.captured_queries
    assert Session.objects.using("default").get().end_reason == "logout"


def test_the_devices(alice: User, api: APIClient, on_replica: CaptureQueriesContext) -> None:
    grant, other = open_session(alice), open_session(alice)
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {grant.access}"}
    listed = api.get("/api/sessions/", **bearer).json()
    assert {device["id"] for device in listed} == {str(grant.session.pk), str(other.session.pk)}
    assert api.delete(f"/api/sessions/{other.session.pk}/", **bearer).status_code == 204
    assert api.post("/api/logout/all/", **bearer).status_code == 200
    assert not on_replica.captured_queries
    assert not Session.objects.using("default").filter(ended_at=None).exists()


def test_stepping_up(alice: User, api: APIClient, on_replica: CaptureQueriesContext) -> None:
    grant = open_session(alice)
    answer = api.post(
        "/api/step-up/",
        {"refresh": grant.refresh, "password": PASSWORD},
        HTTP_AUTHORIZATION=f"Bearer {grant.access}",
    )
    assert answer.status_code == 200, answer.content
    # Django's authenticate(), as at sign-in.
    assert not [it for it in on_replica.captured_queries if "ratchet" in it["sql"]]


def test_the_calls(alice: User, on_replica: CaptureQueriesContext) -> None:
    with override_settings(DRF_RATCHET={"MAX_SESSIONS_PER_USER": 2}):
        grants = [open_session(alice) for _ in range(3)]
    assert len(list(active_sessions(alice))) == 2
    assert end_session(grants[1].session)
    assert end_all_sessions(alice) == 1
    assert sum(end_sessions_before(grants[0].session.ends_at)) == 0
    alice.set_password("another password")
    alice.save()
    assert not on_replica.captured_queries


def test_a_new_password_ends_what_the_replica_does_not_know(
    alice: User, on_replica: CaptureQueriesContext
) -> None:
    open_session(alice)
    alice.set_password("another password")
    alice.save()
    alice.delete(using="default")
    assert not [it for it in on_replica.captured_queries if "ratchet" in it["sql"]]
    assert Session.objects.using("default").get().end_reason == "password_changed"
