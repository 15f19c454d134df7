"""Queries that are compiled once: only where that is right, and with the answer of every time."""

import contextlib
import copy
import gc
import threading
import weakref
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import User, UserManager
from django.db import connection, connections, models
from django.db.models.sql.compiler import SQLCompiler
from django.test import override_settings

from drf_ratchet.models import Session
from drf_ratchet.sessions import compiled, open_session, refresh_session, store
from drf_ratchet.sessions.compiled import cached, is_plain

pytestmark = pytest.mark.django_db


class Hiding(UserManager[User]):
    def get_queryset(self) -> models.QuerySet[User]:
        return super().get_queryset().filter(is_staff=False)


class HidingLater(models.QuerySet[User]):
    def filter(self, *args: Any, **kwargs: Any) -> Any:
        return super().filter(*args, is_staff=False, **kwargs)


class HidingAtFirst(models.QuerySet[User]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class OnlyAdds(models.QuerySet[User]):
    def staff(self) -> Any:
        return self.filter(is_staff=True)


class Using(UserManager[User]):
    def using(self, alias: str | None) -> Any:
        return super().using(alias).filter(is_staff=False)


class Named(UserManager[User]):
    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username__iexact=username)


def of_instance() -> Any:
    made: Any = UserManager()
    made.get_queryset = lambda: None
    return made


class TestWhichManagers:
    @pytest.mark.parametrize(
        "manager",
        [
            *(models.Manager(), UserManager(), BaseUserManager(), Named()),
            *(UserManager.from_queryset(OnlyAdds)(), OnlyAdds.as_manager()),
        ],
    )
    def test_plain(self, manager: Any) -> None:
        assert is_plain(manager)

    @pytest.mark.parametrize(
        "manager",
        [
            *(Hiding(), HidingLater.as_manager(), HidingAtFirst.as_manager(), Using()),
            *(UserManager.from_queryset(HidingLater)(), of_instance()),
        ],
    )
    def test_not_plain(self, manager: Any) -> None:
        assert not is_plain(manager)

    def test_one_that_was_copied(self) -> None:
        """Django copies managers, and Python then leaves a note on the class."""
        assert is_plain(copy.copy(UserManager()))

    def test_one_that_hides_by_what_the_moment_says(
        self, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hidden: list[int] = []

        class ByTenant(UserManager[User]):
            def get_queryset(self) -> models.QuerySet[User]:
                return super().get_queryset().exclude(pk__in=hidden)

        session = open_session(alice).session.pk
        assert store.user_of(session) is not None
        manager = ByTenant()
        manager.model = User
        monkeypatch.setitem(vars(User._meta), "default_manager", manager)
        for _ in range(2):
            assert store.user_of(session) is not None
            hidden.append(alice.pk)
            assert store.user_of(session) is None
            read = store.read(session)
            assert read is not None
            assert not read.user_visible
            hidden.clear()


class TestTheAnswer:
    def test_is_that_of_the_query_that_is_not_kept(
        self, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        User.objects.filter(pk=alice.pk).update(last_name="Älström", last_login=None)
        session = open_session(alice).session.pk
        kept, kept_row = store.user_of(session), store.read(session)
        monkeypatch.setattr(store, "is_plain", lambda manager: False)
        other, other_row = store.user_of(session), store.read(session)

        assert kept is not None
        assert other is not None
        assert kept[1:] == other[1:]
        assert state_of(kept.user) == state_of(other.user)
        assert kept_row is not None
        assert other_row is not None
        assert abs(other_row.now - kept_row.now) < timedelta(seconds=30)
        assert kept_row.now.tzinfo == other_row.now.tzinfo
        assert kept_row.user_visible
        assert state_of(kept_row.session) == state_of(other_row.session)
        assert state_of(kept_row.session.user) == state_of(other_row.session.user)

    def test_of_a_session_without_a_user(self, alice: User) -> None:
        session = open_session(alice).session.pk
        Session.objects.update(user=None)
        assert store.user_of(session) is None
        read = store.read(session)
        assert read is not None
        assert read.session.user is None

    def test_missing_row_is_none(self, alice: User) -> None:
        session = open_session(alice).session
        session.delete()
        assert store.user_of(session.id) is None
        assert store.read(session.id) is None

    @pytest.mark.parametrize("use_tz", [False, True])
    def test_after_a_change_of_the_settings(self, alice: User, use_tz: bool) -> None:
        session = open_session(alice).session.pk
        store.user_of(session)
        with override_settings(USE_TZ=use_tz):
            found = store.user_of(session)
        assert found is not None
        assert (found.user.date_joined.tzinfo is not None) is use_tz

    def test_what_is_built_during_a_change_of_the_settings_is_not_kept(self) -> None:
        def make() -> object:
            with override_settings(USE_TZ=False):
                return object()

        first = cached("a test's", connection, make)
        assert cached("a test's", connection, make) is not first

    def test_nothing_is_built_for_it(self, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise AssertionError("SQL was built once more")

        session = open_session(alice).session.pk
        store.user_of(session)
        store.read(session)
        monkeypatch.setattr(SQLCompiler, "as_sql", fail)
        assert store.user_of(session) is not None
        assert store.read(session) is not None


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQL of each SELECT that Django has built since, in whatever thread."""
    found: list[str] = []
    as_sql = SQLCompiler.as_sql

    def note(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = as_sql(self, *args, **kwargs)
        found.append(answer[0])
        return answer

    monkeypatch.setattr(SQLCompiler, "as_sql", note)
    compiled._forget()
    return found


def in_threads(work: Callable[[], object], number: int) -> list[object]:
    """What each of so many threads found, which all began at the same moment."""
    begin, found = threading.Barrier(number), []

    def run() -> None:
        begin.wait()
        try:
            found.append(work())
        except BaseException as error:
            found.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.django_db(transaction=True)
class TestThreads:
    """Under ASGI each request has a thread of its own, and so a connection of its own."""

    def test_many_threads_build_a_query_once(self, alice: User, built: list[str]) -> None:
        session = open_session(alice).session.pk
        found = in_threads(lambda: store.user_of(session), 8)
        assert [getattr(one, "user", one) for one in found] == [alice] * 8
        assert len(built) == 1

    def test_second_thread_waits_for_what_the_first_builds(self) -> None:
        both, made = threading.Barrier(2), []

        def make() -> object:
            made.append(object())
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.5)  # of two that build at the same time, each would meet the other
            return made[-1]

        found = in_threads(lambda: cached("a test's", connection, make), 2)
        assert found == made * 2

    def test_new_thread_for_each_request_builds_nothing(
        self, alice: User, built: list[str]
    ) -> None:
        token = open_session(alice).refresh

        def request() -> object:
            nonlocal token
            assert token is not None
            grant = refresh_session(token)
            token = grant.refresh
            return store.user_of(grant.session.pk)

        in_threads(request, 1)
        first = len(built)
        assert first > 0
        for _ in range(5):
            (found,) = in_threads(request, 1)
            assert isinstance(found, store.UserOfSession), found
        assert len(built) == first

    def test_connection_of_a_thread_that_ended_is_not_held(self, alice: User) -> None:
        session = open_session(alice).session.pk
        compiled._forget()
        seen: list[Any] = []

        def work() -> object:
            seen.append(weakref.ref(connections["default"]))
            return store.user_of(session), store.read(session)

        in_threads(work, 1)
        gc.collect()
        assert len(compiled._caches[0].known) == 2
        assert seen[0]() is None


class TestWhatIsKept:
    def test_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiled, "LIMIT", 3)
        compiled._forget()
        made = {name: cached(name, connection, object) for name in "abcd"}
        assert len(compiled._caches[0].known) == 3
        assert cached("d", connection, object) is made["d"]
        assert cached("a", connection, object) is not made["a"]

    def test_is_not_that_of_another_database_under_the_alias(self) -> None:
        made = cached("a test's", connection, object)
        other = connection.copy()
        try:
            assert other.alias == connection.alias
            assert cached("a test's", other, object) is not made
            assert cached("a test's", connection, object) is made
        finally:
            other.close()


def state_of(instance: Any) -> dict[str, Any]:
    own = dict(vars(instance))
    state = own.pop("_state")
    own.pop("database_now", None)
    return {**own, "adding": state.adding, "db": state.db}
