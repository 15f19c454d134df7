"""The row of a sign-in, as it is written and as it is handed back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.models.signals import post_save, pre_save
from django.test import override_settings

from drf_ratchet.ids import uuid7
from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session, store
from drf_ratchet.sessions.device import Device

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def written(user: User, **own: Any) -> Session:
    given: dict[str, Any] = {
        "rotates": True,
        "idle": timedelta(days=7, microseconds=1),
        "absolute": timedelta(days=30),
        "device": Device("Ω a browser", "2001:db8::1"),
    }
    return store.insert(user, **{**given, **own})


@pytest.mark.parametrize("absolute", [None, timedelta(hours=1), timedelta(days=36500)])
@pytest.mark.parametrize("ip", [None, "192.0.2.1", "2001:db8::1"])
def test_session_handed_back_is_the_row(
    alice: User, absolute: timedelta | None, ip: str | None
) -> None:
    session = written(alice, absolute=absolute, device=Device("Ω", ip), rotates=False)
    row = Session.objects.get(pk=session.pk)
    assert not session._state.adding
    assert session._state.db == row._state.db
    for field in Session._meta.concrete_fields:
        assert getattr(session, field.attname) == getattr(row, field.attname), field.name
    assert row.created_at == row.auth_time == row.rotated_at
    idle = timedelta(days=7, microseconds=1)
    assert row.expires_at - row.created_at == min(idle, absolute or idle)
    assert (row.ends_at and row.ends_at - row.created_at) == absolute
    assert (row.user_agent, row.ip, row.rotates, row.generation) == ("Ω", ip, False, 1)


def test_given_id_is_used(alice: User) -> None:
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
def test_model_signals_are_sent(alice: User, signal: Any) -> None:
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


@pytest.mark.parametrize("use_tz", [False, True])
def test_after_a_change_of_the_settings(alice: User, use_tz: bool) -> None:
    written(alice)
    with override_settings(USE_TZ=use_tz):
        session = written(alice)
    assert (session.created_at.tzinfo is not None) is use_tz
