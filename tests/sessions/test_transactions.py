"""Transactions: somebody else's around a call, and concurrent ones against the same row."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from drf_ratchet import signals
from drf_ratchet.models import Session
from drf_ratchet.sessions import (
    Grant,
    Outcome,
    database,
    end_all_sessions,
    end_session,
    open_session,
    refresh_session,
    store,
)
from drf_ratchet.sessions.ending import end_sessions_before
from drf_ratchet.sessions.refreshing import read_refresh, step_up_session
from ratchet_tokens.errors import Reason, TokenRefused
from tests.fixtures import PASSWORD, Tokens, payload

pytestmark = pytest.mark.django_db(transaction=True)

Refresh = Callable[..., Response]
TIMEOUT = 30.0


# Somebody else's transaction around the call


class EndsInATransaction(APIView):
    """A project's own view, which ATOMIC_REQUESTS wraps."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        User.objects.update(first_name="Alicia")
        end_session(Session.objects.get())
        return Response({})


class ChangesThePassword(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        user = User.objects.get()
        user.set_password("another password")
        user.save()
        if request.data.get("fail"):
            raise ZeroDivisionError
        return Response({})


urlpatterns = [
    path("end/", EndsInATransaction.as_view()),
    path("password/", ChangesThePassword.as_view()),
    path("api/", include("drf_ratchet.urls")),
]


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch, api: APIClient) -> Iterator[None]:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    api.raise_request_exception = False
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def replayed(tokens: Tokens, refresh: Refresh) -> str:
    """A refresh token that was used long ago."""
    assert refresh(tokens.refresh).status_code == 200
    Session.objects.update(rotated_at=F("rotated_at") - timedelta(hours=1))
    return tokens.refresh


def fail(*args: Any, **kwargs: Any) -> Any:
    raise ZeroDivisionError


def fails_on_the_way_out(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        get_response(request)
        raise ZeroDivisionError

    return middleware


FAILING_HANDLER = override_settings(
    REST_FRAMEWORK={**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": f"{__name__}.fail"}
)
# For a client that has sent nothing yet: it loads the middleware once.
FAILING_MIDDLEWARE = override_settings(
    MIDDLEWARE=[f"{__name__}.fails_on_the_way_out", *settings.MIDDLEWARE]
)


@pytest.mark.usefixtures("atomic_requests")
def test_the_ending_of_a_replayed_session_survives_the_401(replayed: str, refresh: Refresh) -> None:
    assert refresh(replayed).status_code == 401
    assert Session.objects.get().end_reason == "reuse_detected"


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize(
    "failing", [FAILING_HANDLER, FAILING_MIDDLEWARE], ids=["exception handler", "middleware"]
)
def test_it_survives_an_exception_after_it(replayed: str, failing: override_settings) -> None:
    api = APIClient(raise_request_exception=False)
    with failing:
        assert api.post("/api/token/refresh/", {"refresh": replayed}).status_code == 500
    assert Session.objects.get().end_reason == "reuse_detected"


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("name", ["session_ended", "reuse_detected"])
def test_it_survives_a_receiver_that_fails(replayed: str, refresh: Refresh, name: str) -> None:
    signal = getattr(signals, name)
    signal.connect(fail)
    try:
        assert refresh(replayed).status_code == 401
    finally:
        signal.disconnect(fail)
    assert Session.objects.get().end_reason == "reuse_detected"


@pytest.mark.usefixtures("atomic_requests")
def test_so_does_a_logout(tokens: Tokens) -> None:
    api = APIClient(raise_request_exception=False)
    with FAILING_MIDDLEWARE:
        assert api.post("/api/logout/", {"refresh": tokens.refresh}).status_code == 500
    assert Session.objects.get().end_reason == "logout"


@pytest.mark.usefixtures("atomic_requests", "tokens")
def test_ending_in_a_view_that_is_wrapped_is_an_error(api: APIClient) -> None:
    api.raise_request_exception = True
    with pytest.raises(RuntimeError, match="non_atomic_requests"):
        api.post("/end/")
    assert Session.objects.get().ended_at is None
    assert User.objects.get().first_name == ""  # it was wrapped


@pytest.mark.usefixtures("atomic_requests", "tokens")
def test_a_new_password_and_its_endings_are_kept_or_lost_together(api: APIClient) -> None:
    assert api.post("/password/", {"fail": True}).status_code == 500
    assert User.objects.get().check_password(PASSWORD)
    assert Session.objects.get().ended_at is None
    assert api.post("/password/").status_code == 200
    assert Session.objects.get().end_reason == "password_changed"


CALLS: dict[str, Callable[[Grant], object]] = {
    "refresh_session": lambda grant: refresh_session(str(grant.refresh)),
    "step_up_session": lambda grant: step_up_session(read_refresh(grant.refresh)),
    "end_session": lambda grant: end_session(grant.session),
    "end_all_sessions": lambda grant: end_all_sessions(grant.session.user),
    "end_sessions_before": lambda grant: list(end_sessions_before(timezone.now())),
}


@pytest.mark.parametrize("name", CALLS)
def test_called_inside_a_transaction(alice: User, name: str) -> None:
    grant = open_session(alice)
    refused = pytest.raises(RuntimeError, match=r"Move the call out of atomic\(\)")
    with refused, transaction.atomic():
        CALLS[name](grant)
    row = Session.objects.get()
    assert (row.generation, row.ended_at) == (1, None)
    CALLS[name](grant)


# Concurrent transactions against the same row


needs_levels = pytest.mark.skipif(
    "sqlite" in settings.DATABASES["default"]["ENGINE"],
    reason="SQLite has one writer at a time and no isolation levels",
)
IS_POSTGRESQL = "postgresql" in settings.DATABASES["default"]["ENGINE"]
LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


def use_level(level: str) -> None:
    """For all that this thread's connection does from now on."""
    characteristics = "SESSION CHARACTERISTICS AS" if IS_POSTGRESQL else "SESSION"
    with connection.cursor() as cursor:
        cursor.execute(f"SET {characteristics} TRANSACTION ISOLATION LEVEL {level}")


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[str]:
    """An isolation level, on this thread's connection."""
    level: str = request.param
    try:
        use_level(level)
        yield level
    finally:
        connection.close()  # the next one begins with the server's own


@pytest.fixture
def conflicts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was recognised as a lost race by the database's error."""
    seen: list[object] = []
    real = database._is_conflict

    def is_conflict(error: Any) -> bool:
        found = real(error)
        if found:
            seen.append(error)
        return found

    monkeypatch.setattr(database, "_is_conflict", is_conflict)
    return seen


def in_own_connection(level: str, do: Callable[[], Any]) -> Any:
    try:
        use_level(level)
        return do()
    finally:
        connections.close_all()


def connection_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()" if IS_POSTGRESQL else "SELECT CONNECTION_ID()")
        found: int = cursor.fetchone()[0]
        return found


def wait_until_blocked(waiter: int) -> None:
    """Return once that connection waits for a row that somebody holds."""
    blocked = (
        "SELECT COUNT(*) FROM pg_locks WHERE pid = %s AND NOT granted"
        if IS_POSTGRESQL
        else "SELECT COUNT(*) FROM information_schema.innodb_trx "
        "WHERE trx_mysql_thread_id = %s AND trx_state = 'LOCK WAIT'"
    )
    deadline = time.monotonic() + TIMEOUT
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(blocked, [waiter])
            if cursor.fetchone()[0]:
                return
            # It is another process's state: there is nothing to wait on. And InnoDB renews its
            # table only once nobody has read it for a tenth of a second.
            time.sleep(0.15)
    raise AssertionError("the other connection was never blocked")


@contextmanager
def somebody_else(level: str) -> Iterator[Callable[..., None]]:
    """Call what is yielded to have a write held, in a transaction that ends when it blocks us."""
    waiter = connection_id()
    pending: list[Future[None]] = []

    def hold(write: Callable[[], bool], held: threading.Event, commits: bool) -> None:
        with transaction.atomic():
            try:
                assert write()
            finally:
                held.set()
            wait_until_blocked(waiter)
            transaction.set_rollback(not commits)

    def start(write: Callable[[], bool], *, commits: bool = True) -> None:
        held = threading.Event()
        task = partial(hold, write, held, commits)
        pending.append(pool.submit(in_own_connection, level, task))
        assert held.wait(TIMEOUT)

    with ThreadPoolExecutor(1) as pool:
        yield start
        assert pending
        for future in pending:
            future.result(TIMEOUT)


def refresh_while(meanwhile: Callable[[], object], token: str) -> Grant:
    """Refresh, with something else happening once between the read and the update."""
    waiting = [meanwhile]

    def claims(user: User, *, session: Session, request: Any) -> dict[str, Any]:
        if waiting:
            waiting.pop()()
        return {}

    with override_settings(DRF_RATCHET={"CLAIMS": claims}):
        return refresh_session(token)


def turn(session: Session) -> bool:
    """What a refresh writes."""
    return store.change(
        session, {"generation": session.generation + 1, "rotated_at": timezone.now()}
    )


def copy_of(session: Session) -> Session:
    return Session.objects.get(pk=session.pk)


@needs_levels
def test_another_refresh_has_committed(alice: User, level: str) -> None:
    token = str(open_session(alice).refresh)
    won: list[Grant] = []

    def refresh_elsewhere() -> None:
        with ThreadPoolExecutor(1) as pool:
            refresh = partial(refresh_session, token)
            won.append(pool.submit(in_own_connection, level, refresh).result(TIMEOUT))

    lost = refresh_while(refresh_elsewhere, token)
    assert lost.outcome is Outcome.REPEAT
    assert lost.refresh == won[0].refresh


@needs_levels
def test_another_refresh_commits_while_this_one_waits(
    alice: User, level: str, conflicts: list[object]
) -> None:
    grant = open_session(alice)
    other = copy_of(grant.session)
    with somebody_else(level) as holds:
        lost = refresh_while(lambda: holds(partial(turn, other)), str(grant.refresh))
    assert lost.outcome is Outcome.REPEAT
    assert payload(str(lost.refresh))["gen"] == Session.objects.get().generation == 2
    # Above READ COMMITTED PostgreSQL says so by an error.
    assert bool(conflicts) == (IS_POSTGRESQL and level != "READ COMMITTED")


@needs_levels
def test_a_logout_commits_while_a_refresh_waits(alice: User, level: str) -> None:
    grant = open_session(alice)
    other = copy_of(grant.session)
    with somebody_else(level) as holds, pytest.raises(TokenRefused) as caught:
        refresh_while(lambda: holds(partial(store.end, other, "logout")), str(grant.refresh))
    assert caught.value.reason is Reason.SESSION_ENDED
    row = Session.objects.get()
    assert (row.generation, row.end_reason) == (1, "logout")


@needs_levels
def test_another_refresh_is_rolled_back_while_this_one_waits(alice: User, level: str) -> None:
    grant = open_session(alice)
    other = copy_of(grant.session)
    with somebody_else(level) as holds:
        won = refresh_while(lambda: holds(partial(turn, other), commits=False), str(grant.refresh))
    assert won.outcome is Outcome.ADVANCE
    assert Session.objects.get().generation == 2


@needs_levels
def test_a_refresh_commits_while_a_logout_waits(alice: User, level: str) -> None:
    """The counter moved, the session is the same: it ends."""
    session = open_session(alice).session
    with somebody_else(level) as holds:
        holds(partial(turn, copy_of(session)))
        assert end_session(session)
    row = Session.objects.get()
    assert (row.generation, row.end_reason) == (2, "logout")


@needs_levels
def test_of_two_endings_the_first_wins(alice: User, level: str) -> None:
    session = open_session(alice).session
    with somebody_else(level) as holds:
        holds(partial(store.end, copy_of(session), "admin"))
        assert not end_session(session)
    assert Session.objects.get().end_reason == "admin"


@needs_levels
def test_many_at_once(alice: User, level: str) -> None:
    """Eight connections refresh one token at the same moment, ten times over."""
    many = 8
    together = threading.Barrier(many, timeout=TIMEOUT)

    def refreshed(token: str) -> str:
        together.wait()
        return str(refresh_session(token).refresh)

    token = str(open_session(alice).refresh)
    with ThreadPoolExecutor(many) as pool:
        for generation in range(2, 12):
            task = partial(in_own_connection, level, partial(refreshed, token))
            futures = [pool.submit(task) for _ in range(many)]
            (token,) = {future.result(TIMEOUT) for future in futures}
            assert payload(token)["gen"] == Session.objects.get().generation == generation
