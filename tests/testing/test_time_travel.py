"""All clocks go forward together, and stand as before afterwards. On every database."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection, connections, models
from django.db.models.signals import pre_save
from django.test import override_settings
from django.utils import timezone
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from drf_ratchet import clock
from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.clock import Now, database_now
from drf_ratchet.models import Session
from drf_ratchet.permissions import RecentSignIn
from drf_ratchet.sessions import (
    active_sessions,
    end_session,
    end_sessions_before,
    open_session,
    refresh_session,
    step_up_session,
)
from drf_ratchet.sessions.freshness import active_user
from drf_ratchet.sessions.refreshing import read_refresh
from drf_ratchet.testing.client import RatchetClient, api_client_for
from drf_ratchet.testing.clock import one_clock
from drf_ratchet.testing.time_travel import Journey, travel
from ratchet_tokens.errors import Reason, TokenRefused
from tests.fixtures import payload

pytestmark = pytest.mark.django_db

NEAR = timedelta(seconds=5)
Travel = Callable[..., Journey]


def reason_of(client: RatchetClient) -> str | None:
    answer = client.get("/api/protected/")
    return None if answer.status_code == 200 else answer.json()["reason"]


def refusal(token: str | None) -> Reason:
    with pytest.raises(TokenRefused) as refused:
        refresh_session(token or "")
    return refused.value.reason


class TestWhatEnds:
    def test_an_access_token(self, alice: User, time_travel: Travel) -> None:
        client = api_client_for(alice)
        time_travel(minutes=4)
        assert reason_of(client) is None
        time_travel(minutes=2)
        assert reason_of(client) == "expired"
        client.refresh()
        assert reason_of(client) is None
        time_travel(minutes=6)
        assert reason_of(client) == "expired"

    def test_session_ends_without_a_refresh(self, alice: User, time_travel: Travel) -> None:
        with override_settings(DRF_RATCHET={"ACCESS_TOKEN_LIFETIME": timedelta(days=6)}):
            client = api_client_for(alice)
            time_travel(days=5)
            client.refresh()
            time_travel(days=5)
            client.refresh()
            assert active_sessions(alice).count() == 1
            time_travel(days=8)
            assert active_sessions(alice).count() == 0
            with pytest.raises(TokenRefused, match="expired"):
                client.refresh()

    def test_expiry_in_the_row_is_checked_at_the_travelled_time(
        self, alice: User, time_travel: Travel
    ) -> None:
        """The statement that asks for it was compiled before."""
        claims = payload(open_session(alice).access)
        assert active_user(claims) == alice
        time_travel(days=8)
        with pytest.raises(TokenRefused, match="session_ended"):
            active_user(claims)

    def test_a_session_that_is_refreshed_for_ever(self, alice: User, time_travel: Travel) -> None:
        grant = open_session(alice)
        for _ in range(4):
            time_travel(days=6)
            grant = refresh_session(grant.refresh or "")
        time_travel(days=5)
        grant = refresh_session(grant.refresh or "")
        assert payload(grant.refresh or "")["exp"] - time.time() < 86_400 + 5
        time_travel(days=2)
        assert refusal(grant.refresh) == "expired"

    def test_the_grace_period(self, alice: User, time_travel: Travel) -> None:
        first = open_session(alice).refresh
        second = refresh_session(first or "").refresh
        time_travel(seconds=5)
        assert refresh_session(first or "").refresh == second
        time_travel(seconds=6)
        assert refusal(first) == "reused"
        assert refusal(second) == "session_ended"

    def test_a_recent_sign_in(self, alice: User, time_travel: Travel) -> None:
        class Dangerous(APIView):
            authentication_classes = [JWTAuthentication]
            permission_classes = [IsAuthenticated, RecentSignIn(minutes=3)]

            def get(self, request: Request) -> Response:
                return Response({})

        view: Any = Dangerous.as_view()

        def status(token: str) -> int:
            headers = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
            return view(APIRequestFactory().get("/", **headers)).status_code

        grant = open_session(alice)
        assert status(grant.access) == 200
        time_travel(minutes=4)
        assert status(grant.access) == 401
        stepped = step_up_session(read_refresh(grant.refresh))
        assert status(stepped.access) == 200

    def test_a_rate_limit(self, alice: User, time_travel: Travel) -> None:
        def attempt() -> int:
            wrong = {"username": "alice", "password": "wrong"}
            return APIClient().post("/api/token/", wrong).status_code

        with override_settings(
            REST_FRAMEWORK={"DEFAULT_THROTTLE_RATES": {"sign_in": "1/hour"}},
        ):
            assert [attempt(), attempt()] == [401, 429]
            time_travel(hours=2)
            assert [attempt(), attempt()] == [401, 429]


class TestWhatIsStamped:
    def test_the_row(self, alice: User, time_travel: Travel) -> None:
        before = timezone.now()
        time_travel(days=3)
        session = open_session(alice).session
        told = (session.created_at, session.auth_time, session.rotated_at, session.expires_at)
        session.refresh_from_db()
        stored = (session.created_at, session.auth_time, session.rotated_at, session.expires_at)
        assert stored == told
        assert len(set(stored[:3])) == 1  # one moment for all of a statement
        assert abs(session.created_at - before - timedelta(days=3)) < NEAR
        end_session(session)
        session.refresh_from_db()
        assert session.ended_at is not None
        assert session.ended_at == session.announced_at
        assert abs(session.ended_at - before - timedelta(days=3)) < NEAR

    def test_in_as_many_queries(
        self, alice: User, time_travel: Travel, django_assert_num_queries: Any
    ) -> None:
        time_travel(days=3)
        with django_assert_num_queries(1):
            grant = open_session(alice)
        with django_assert_num_queries(2):
            refresh_session(grant.refresh or "")

    def test_the_projects_own_rows(self, alice: User, time_travel: Travel) -> None:
        """By ``default=timezone.now``, which a model holds since it was made."""
        time_travel(days=3)
        bob = User.objects.create_user("bob")
        assert abs(bob.date_joined - alice.date_joined - timedelta(days=3)) < NEAR

    def test_a_cache(self, time_travel: Travel) -> None:
        cache.set("key", "value", timeout=60)
        time_travel(minutes=2)
        assert cache.get("key") is None

    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Lima"])
    def test_without_time_zones(self, alice: User, time_travel: Travel, zone: str) -> None:
        with override_settings(USE_TZ=False, TIME_ZONE=zone):
            grant = open_session(alice)
            time_travel(hours=1)
            grant = refresh_session(grant.refresh or "")
            assert active_user(payload(grant.access)) == alice
            time_travel(hours=1)
            grant = open_session(alice)
        assert payload(grant.access)["iat"] == pytest.approx(time.time(), abs=5)

    @pytest.mark.django_db(transaction=True)
    def test_a_table_that_is_made_meanwhile_keeps_the_databases_clock(
        self, time_travel: Travel
    ) -> None:
        class Stamped(models.Model):  # noqa: DJ008 (nobody prints it)
            at = models.DateTimeField(db_default=Now())

            class Meta:
                app_label = "travelling"

        time_travel(days=3)
        with connection.schema_editor() as editor:
            editor.create_model(Stamped)
        try:
            table = connection.ops.quote_name(Stamped._meta.db_table)
            with connection.cursor() as cursor:
                cursor.execute(f"INSERT INTO {table} (id) VALUES (1)")
            stamped = Stamped.objects.get().at
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(Stamped)
        assert abs(stamped + timedelta(days=3) - timezone.now()) < NEAR


class TestTheFeed:
    @pytest.fixture(autouse=True)
    def _bounded(self) -> Iterator[None]:
        chosen = {
            "FRESHNESS": "bounded",
            "FEED_INTERVAL": timedelta(minutes=1),
            "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
        }
        with override_settings(DRF_RATCHET=chosen):
            yield

    def test_is_read_again_after_its_interval(self, alice: User, time_travel: Travel) -> None:
        client = api_client_for(alice)
        assert reason_of(client) is None
        client.sign_out()
        assert reason_of(client) is None  # not known yet
        time_travel(minutes=2)
        assert reason_of(client) == "session_ended"
        time_travel(minutes=30)
        assert reason_of(client) == "session_ended"

    def test_knows_what_ended_on_a_journey(self, alice: User, time_travel: Travel) -> None:
        time_travel(days=1)
        client = api_client_for(alice)
        client.sign_out()
        assert reason_of(client) == "session_ended"

    def test_a_cut_off(self, alice: User, time_travel: Travel) -> None:
        time_travel(days=1)
        client = api_client_for(alice)
        time_travel(minutes=2)
        list(end_sessions_before(timezone.now()))
        assert reason_of(client) == "session_ended"
        client.sign_in(alice)
        assert reason_of(client) is None


class TestTheWayBack:
    def test_nothing_is_left(self, alice: User) -> None:
        def state() -> list[Any]:
            here = [time.time, time.time_ns, timezone.now().tzinfo, vars(timezone)["datetime"]]
            return [*here, vars(Now).get("resolve_expression"), pre_save.has_listeners(Session)]

        before = state()
        with travel(days=1), travel(seconds=0.1), one_clock():
            grant = open_session(alice)
            refresh_session(grant.refresh or "")
            assert state() != before
        assert state() == before
        assert abs(database_now("default") - timezone.now()) < NEAR
        now = open_session(alice)
        assert abs(now.session.created_at - timezone.now()) < NEAR
        assert active_user(payload(now.access)) == alice
        refresh_session(now.refresh or "")

    def test_a_token_from_a_journey_is_of_the_future(self, alice: User) -> None:
        with travel(days=1):
            client = api_client_for(alice)
            assert reason_of(client) is None
        assert reason_of(client) == "not_yet_valid"

    def test_by_the_end_of_a_block_or_by_hand_once(self) -> None:
        started = time.time()
        with travel(hours=1):
            second = travel(hours=1)
            assert time.time() - started == pytest.approx(7200, abs=5)
        assert time.time() - started == pytest.approx(3600, abs=5)
        second.back()
        second.back()
        assert time.time() - started == pytest.approx(0, abs=5)

    def test_after_a_failure(self) -> None:
        before = time.time
        with pytest.raises(KeyError), travel(hours=1):
            raise KeyError
        assert time.time is before

    def test_with_settings_that_change_on_the_way(self, alice: User) -> None:
        with travel(hours=1):
            with override_settings(DRF_RATCHET={"ROTATION_GRACE": timedelta(seconds=1)}):
                first = open_session(alice)
                second = refresh_session(first.refresh or "")
            with travel(minutes=1):
                assert refresh_session(second.refresh or "").issued_at - first.issued_at > (
                    timedelta(seconds=59)
                )
        assert abs(database_now("default") - timezone.now()) < NEAR


@pytest.mark.parametrize("duration", [0, -1, timedelta(days=-1)])
def test_forward_only(duration: Any) -> None:
    before = time.time
    with pytest.raises(ValueError, match="must be positive"):
        travel(duration)
    assert time.time is before


@pytest.mark.parametrize(
    "journey", [{"seconds": 90}, {"minutes": 1.5}, {"seconds": timedelta(minutes=1), "hours": 1}]
)
def test_how_far(journey: dict[str, Any]) -> None:
    started, named = time.time(), timezone.now()
    with travel(**journey) as gone:
        assert time.time() - started == pytest.approx(gone.duration.total_seconds(), abs=5)
        assert abs(timezone.now() - named - gone.duration) < NEAR
        assert isinstance(named, vars(timezone)["datetime"])


@pytest.mark.django_db(transaction=True)
def test_in_another_thread(alice: User, time_travel: Travel) -> None:
    """Which had its statements compiled before the journey, and works on after it."""
    seen: list[Any] = []
    turns = threading.Barrier(2, timeout=30)

    def work() -> None:
        try:
            for _ in range(3):
                turns.wait()
                client = api_client_for(alice)
                client.refresh()
                seen.append((reason_of(client), client.grant and client.grant.issued_at))
                turns.wait()
        finally:
            own = connections["default"]
            own.close()
            if own.connection is not None:  # Django leaves a database in memory open
                own.connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    for distance in (None, timedelta(hours=1), None):
        journey = distance and travel(distance)
        turns.wait()
        turns.wait()
        if journey:
            journey.back()
    thread.join()
    (first, second, third) = (moment for _, moment in seen)
    assert [refused for refused, _ in seen] == [None, None, None]
    assert abs(second - first - timedelta(hours=1)) < NEAR
    assert abs(third - first) < NEAR


def test_a_clock_that_something_else_has_set(
    alice: User, monkeypatch: pytest.MonkeyPatch, one_clock: None
) -> None:
    """As freezegun and time-machine do; here by hand."""
    there = time.time() + 86_400 * 365
    monkeypatch.setattr(time, "time", lambda: there)
    client = api_client_for(alice)
    assert reason_of(client) is None
    assert client.grant is not None
    assert client.grant.session.created_at.timestamp() == pytest.approx(there, abs=0.002)
    for _ in range(2):  # the second time with statements that were compiled the first time
        there += 360
        assert reason_of(client) == "expired"
        assert client.refresh().issued_at.timestamp() == pytest.approx(there, abs=0.002)
        assert reason_of(client) is None


def test_clock_set_by_another_tool_is_not_followed(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why ``one_clock`` is there."""
    client = api_client_for(alice)
    there = time.time() + 86_400
    monkeypatch.setattr(time, "time", lambda: there)
    client.refresh()
    assert reason_of(client) == "expired"


def test_the_zone_of_a_moment_is_that_of_the_clock() -> None:
    with travel(hours=1):
        assert abs(database_now("default") - clock.aware(timezone.now(), "default")) < NEAR
