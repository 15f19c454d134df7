"""The row of a sign-in: compiled once, and the very row that the model would have written."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.models.signals import post_save, pre_save
from django.db.models.sql.compiler import SQLCompiler, SQLInsertCompiler
from django.test import override_settings

from drf_ratchet.ids import uuid7
from drf_ratchet.models import Session
from drf_ratchet.sessions import inserting, open_session, store
from drf_ratchet.sessions.device import Device

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

MOMENTS = ("created_at", "auth_time", "rotated_at", "expires_at", "ends_at")


@pytest.fixture
def returning(db: None) -> None:
    if not connection.features.can_return_columns_from_insert:
        pytest.skip("This database has no INSERT ... RETURNING")


def written(user: User, **own: Any) -> Session:
    given: dict[str, Any] = {
        "rotates": True,
        "idle": timedelta(days=7, microseconds=1),
        "absolute": timedelta(days=30),
        "device": Device("Ω a browser", "2001:db8::1"),
    }
    return store.insert(user, **{**given, **own})


def by_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inserting, "can_insert", lambda using: False)


@pytest.mark.parametrize("absolute", [None, timedelta(hours=1), timedelta(days=36500)])
@pytest.mark.parametrize("ip", [None, "192.0.2.1", "2001:db8::1"])
def test_the_same_as_the_models(
    alice: User, monkeypatch: pytest.MonkeyPatch, absolute: timedelta | None, ip: str | None
) -> None:
    own = {"absolute": absolute, "device": Device("Ω", ip), "rotates": False}
    ours = written(alice, **own)
    by_the_model(monkeypatch)
    theirs = written(alice, **own)

    for one in (ours, theirs):
        row = Session.objects.get(pk=one.pk)
        assert not one._state.adding
        assert one._state.db == row._state.db
        for field in Session._meta.concrete_fields:
            assert getattr(one, field.attname) == getattr(row, field.attname), field.name
    for field in Session._meta.concrete_fields:
        if field.name not in ("id", *MOMENTS):
            assert getattr(ours, field.attname) == getattr(theirs, field.attname), field.name
    for name in ("expires_at", "ends_at"):
        lasts = [(getattr(one, name) or one.created_at) - one.created_at for one in (ours, theirs)]
        assert lasts[0] == lasts[1], name
    assert theirs.created_at - ours.created_at < timedelta(seconds=30)
    assert ours.created_at == ours.auth_time == ours.rotated_at


def test_an_id_of_ones_own(alice: User) -> None:
    id: UUID = uuid7()
    assert written(alice, session_id=id).pk == id
    with pytest.raises(DatabaseError), transaction.atomic():
        written(alice, session_id=id)
    assert Session.objects.get().pk == id


def test_a_failure_marks_the_transaction(alice: User) -> None:
    id = written(alice).pk
    with transaction.atomic():
        with pytest.raises(DatabaseError):
            written(alice, session_id=id)
        assert transaction.get_rollback()
        transaction.set_rollback(True)


def test_an_unsaved_user() -> None:
    with pytest.raises(ValueError, match="unsaved related object"):
        written(User(username="nobody"))


def test_one_query(alice: User, django_assert_num_queries: Any) -> None:
    returns = connection.features.can_return_columns_from_insert
    with django_assert_num_queries(1 if returns else 2):
        open_session(alice)


def test_a_database_without_returning(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
    session = written(alice)
    assert Session.objects.get().created_at == session.created_at


@pytest.mark.parametrize("signal", [pre_save, post_save])
def test_whoever_listens_hears_of_it(alice: User, signal: Any) -> None:
    heard: list[Session] = []

    def note(sender: Any, instance: Session, **kwargs: Any) -> None:
        heard.append(instance)

    signal.connect(note, sender=Session)
    try:
        session = written(alice)
    finally:
        signal.disconnect(note, sender=Session)
    assert heard == [session]
    assert written(alice) not in heard


@pytest.mark.usefixtures("returning")
def test_nothing_is_built_for_it(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("SQL was built once more")

    written(alice)
    monkeypatch.setattr(SQLCompiler, "as_sql", fail)
    monkeypatch.setattr(SQLInsertCompiler, "as_sql", fail)
    written(alice)


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("use_tz", [False, True])
def test_after_a_change_of_the_settings(alice: User, use_tz: bool) -> None:
    written(alice)
    with override_settings(USE_TZ=use_tz):
        session = written(alice)
    assert (session.created_at.tzinfo is not None) is use_tz
