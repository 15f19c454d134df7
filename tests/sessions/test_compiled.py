"""Queries that are compiled once: only where that is right, and with the answer of every time."""

import copy
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import User, UserManager
from django.db import connections, models
from django.db.models.sql.compiler import SQLCompiler
from django.test import override_settings

from drf_ratchet.models import Session
from drf_ratchet.sessions import living, open_session, store
from drf_ratchet.sessions.compiled import is_plain, of_thread

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
        assert living.find(session) is not None
        manager = ByTenant()
        manager.model = User
        monkeypatch.setitem(vars(User._meta), "default_manager", manager)
        for _ in range(2):
            assert living.find(session) is not None
            hidden.append(alice.pk)
            assert living.find(session) is None
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
        kept, kept_row = living.find(session), store.read(session)
        monkeypatch.setattr(living, "is_plain", lambda manager: False)
        monkeypatch.setattr(store, "is_plain", lambda manager: False)
        other, other_row = living.find(session), store.read(session)

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
        assert living.find(session) is None
        read = store.read(session)
        assert read is not None
        assert read.session.user is None

    def test_of_none_at_all(self, alice: User) -> None:
        session = open_session(alice).session
        session.delete()
        assert living.find(session.id) is None
        assert store.read(session.id) is None

    @pytest.mark.parametrize("use_tz", [False, True])
    def test_after_a_change_of_the_settings(self, alice: User, use_tz: bool) -> None:
        session = open_session(alice).session.pk
        living.find(session)
        with override_settings(USE_TZ=use_tz):
            found = living.find(session)
        assert found is not None
        assert (found.user.date_joined.tzinfo is not None) is use_tz

    def test_what_is_built_during_a_change_of_the_settings_is_not_kept(self) -> None:
        def make() -> Any:
            with override_settings(USE_TZ=False):
                return mock.Mock(connection=connections["default"])

        first = of_thread("a test's", "default", make)
        assert of_thread("a test's", "default", make) is not first

    def test_nothing_is_built_for_it(self, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise AssertionError("SQL was built once more")

        session = open_session(alice).session.pk
        living.find(session)
        store.read(session)
        monkeypatch.setattr(SQLCompiler, "as_sql", fail)
        assert living.find(session) is not None
        assert store.read(session) is not None


def state_of(instance: Any) -> dict[str, Any]:
    own = dict(vars(instance))
    state = own.pop("_state")
    own.pop("database_now", None)
    return {**own, "adding": state.adding, "db": state.db}
