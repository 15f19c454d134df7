"""A user with very many sessions: whatever ends them costs as much as for any other user."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.db import connection
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from drf_ratchet import signals
from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions import (
    Grant,
    active_sessions,
    end_all_sessions,
    keep_session,
    open_session,
    refresh_session,
    store,
)
from drf_ratchet.sessions.feed import Feed
from ratchet_tokens.claims import Claims
from tests.fixtures import PASSWORD, payload
from tests.sizes import sized

pytestmark = pytest.mark.django_db

#: MariaDB's UPDATE has no RETURNING: the rows are read and locked before.
LOCKS = connection.vendor == "mysql"
#: For the number of queries, and for all else.
VERY_MANY, MANY = sized(10_000, 2_000), 1000
BOUNDED = {"FRESHNESS": "bounded", "FEED_INTERVAL": timedelta(0)}
#: Of Django's own, none of which reads or writes a row.
NO_QUERIES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT")


def give_sessions(user: User, number: int) -> None:
    """Open one, and have the database copy it: a row made by the ORM takes longer than its test."""
    like = open_session(user).session
    key = Session._meta.pk
    quote = connection.ops.quote_name
    table = quote(Session._meta.db_table)
    others = ", ".join(
        quote(field.column) for field in Session._meta.concrete_fields if field is not key
    )
    of_like = key.get_db_prep_value(like.pk, connection)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({quote(key.column)}, {others})"
            f" SELECT %s, {others} FROM {table} WHERE {quote(key.column)} = %s",
            [
                (key.get_db_prep_value(key.get_default(), connection), of_like)
                for _ in range(number - 1)
            ],
        )


@contextmanager
def queries() -> Iterator[Callable[[], int]]:
    with CaptureQueriesContext(connection) as seen:
        yield lambda: sum(not one["sql"].startswith(NO_QUERIES) for one in seen)


def has_ended(grant: Grant, feed: Feed | None = None, *, ago: int = 10) -> bool | None:
    """What a process says of a token that was issued a few seconds ago."""
    said = payload(grant.access)
    said = {**said, "iat": said["iat"] - ago, "exp": said["exp"] - ago}
    return (feed or Feed()).has_ended(said)


@pytest.fixture
def robot(db: None) -> User:
    user = User.objects.create_user("robot", "robot@example.com", PASSWORD)
    give_sessions(user, MANY)
    return user


@pytest.fixture
def busy_robot(robot: User) -> User:
    give_sessions(robot, VERY_MANY - MANY)
    return robot


def new_password(user: User) -> None:
    user.set_password("another one")
    user.save()


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


def delete(user: User) -> None:
    User.objects.get(pk=user.pk).delete()


ENDINGS: dict[str, Callable[[User], object]] = {
    "logout_all": end_all_sessions,
    "password_changed": new_password,
    "user_inactive": deactivate,
    "user_deleted": delete,
}


@pytest.mark.parametrize("reason", ENDINGS)
def test_an_ending_costs_the_same_for_any_number(
    busy_robot: User, alice: User, reason: str
) -> None:
    give_sessions(alice, store.MOST_LISTED * 2)
    costs = []
    for user in (alice, busy_robot):
        with queries() as counted:
            ENDINGS[reason](user)
        costs.append(counted())
    # Deletion asks for what else hangs on the user.
    assert costs[0] == costs[1] <= (20 if reason == "user_deleted" else 7 + LOCKS)
    assert set(Session.objects.values_list("end_reason", flat=True)) == {reason}
    assert Session.objects.exclude(announced_at=None).count() == 2 * (store.MOST_LISTED + 1)


def test_a_logout_everywhere_by_request(busy_robot: User, api: APIClient) -> None:
    grant = open_session(busy_robot)
    with queries() as counted:
        answer = api.post("/api/logout/all/", HTTP_AUTHORIZATION=f"Bearer {grant.access}")
    assert answer.status_code == 200
    assert counted() <= 7
    assert not active_sessions(busy_robot).exists()


def test_a_save_that_changes_nothing_reads_no_sessions(robot: User) -> None:
    with queries() as counted:
        robot.save()
    assert counted() == 2  # the user, and each fingerprint once


def test_a_hashers_upgrade_is_stamped_at_once(robot: User, settings: Any) -> None:
    newer = "tests.hashers.OfThisYear"
    settings.PASSWORD_HASHERS = [newer, *settings.PASSWORD_HASHERS]
    user = User.objects.get(pk=robot.pk)
    with queries() as counted:
        assert user.check_password(PASSWORD)
    assert counted() <= 5
    user.save()
    assert active_sessions(robot).count() == MANY


class TestTheFeed:
    def test_it_says_so_in_a_hundred_ids_and_one_cut_off(self, robot: User, alice: User) -> None:
        oldest = Session.objects.order_by("pk").first()
        stranger, before, known = open_session(alice), open_session(robot), Feed()
        end_all_sessions(robot)
        assert has_ended(before, known) is True
        assert len(known._ended) == store.MOST_LISTED + 1
        assert CutOff.objects.count() == 1
        assert oldest
        said = {**payload(before.access), "sid": str(oldest.pk)}
        assert known.has_ended({**said, "iat": said["iat"] - 1, "exp": said["exp"] - 1}) is True
        # Nobody else is asked about, let alone refused.
        assert known.has_ended(payload(stranger.access)) is False

    def test_a_sign_in_right_after_it_counts(self, robot: User, api: APIClient) -> None:
        with override_settings(DRF_RATCHET=BOUNDED):
            old = open_session(robot)
            end_all_sessions(robot)
            new = open_session(robot)
            for grant, status in ((old, 401), (new, 200)):
                bearer = f"Bearer {grant.access}"
                assert api.get("/api/protected/", HTTP_AUTHORIZATION=bearer).status_code == status

    def test_a_sign_in_right_after_it_counts_whatever_the_clocks_say(
        self, robot: User, api: APIClient
    ) -> None:
        """Ids of a process whose clock was ahead are higher than those that come after."""
        high = int("f" * 32, 16)
        rows = Session.objects.filter(user=robot)[: store.MOST_LISTED * 2]
        for number, session in enumerate(rows):
            Session.objects.filter(pk=session.pk).update(id=UUID(int=high - number))
        with override_settings(DRF_RATCHET=BOUNDED):
            end_all_sessions(robot)
            new = open_session(robot)
            assert new.session.pk.int < high - store.MOST_LISTED * 2
            bearer = f"Bearer {new.access}"
            assert api.get("/api/protected/", HTTP_AUTHORIZATION=bearer).status_code == 200

    def test_the_device_that_is_kept_counts(self, robot: User) -> None:
        middle = Session.objects.order_by("pk")[MANY // 2]
        end_all_sessions(robot, keep=middle.pk)
        assert [session.pk for session in active_sessions(robot)] == [middle.pk]
        said = {"sub": str(robot.pk), "sid": str(middle.pk), "iat": 0, "exp": 300}
        assert Feed().has_ended(said) is False
        assert CutOff.objects.get().kept_session == middle.pk

    def test_the_device_that_changes_the_password_counts(self, robot: User) -> None:
        here = open_session(robot)
        with keep_session(Claims(payload(here.access))):
            new_password(robot)
        assert [session.pk for session in active_sessions(robot)] == [here.session.pk]
        assert has_ended(here) is False
        assert refresh_session(here.refresh).session.pk == here.session.pk

    def test_no_cut_off_keeps_a_session_that_has_ended(self, robot: User) -> None:
        ended = Session.objects.order_by("pk").first()
        assert ended
        store.end(ended, "logout")
        end_all_sessions(robot, keep=ended.pk)
        assert CutOff.objects.get().kept_session is None

    def test_where_two_live_on_each_ending_is_told(self, robot: User) -> None:
        """A cut-off can name one."""
        alive = list(Session.objects.order_by("pk")[:2])
        Session.objects.filter(pk__in=[one.pk for one in alive]).update(fingerprint="x")
        other = store.active_sessions(robot).exclude(fingerprint="x")
        from drf_ratchet.sessions.ending import end_many_with_transaction

        end_many_with_transaction(other, robot, "odd")
        assert not CutOff.objects.exists()
        assert Session.objects.filter(end_reason="odd").exclude(announced_at=None).count() == (
            MANY - 2
        )
        assert set(active_sessions(robot)) == set(alive)

    def test_a_subject_too_long_for_a_cut_off(
        self, robot: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("drf_ratchet.sessions.ending.subject_of", lambda user: "x" * 256)
        end_all_sessions(robot)
        assert not CutOff.objects.exists()
        assert not Session.objects.filter(announced_at=None).exists()

    def test_a_hundred_are_told_one_by_one(self, alice: User) -> None:
        give_sessions(alice, store.MOST_LISTED)
        with queries() as counted:
            assert end_all_sessions(alice) == store.MOST_LISTED
        assert counted() == 2 + LOCKS
        assert not CutOff.objects.exists()
        assert not Session.objects.filter(announced_at=None).exists()


class TestSignals:
    def test_signal_is_sent_for_each_session(
        self, robot: User, django_assert_max_num_queries: Any
    ) -> None:
        seen, logged_out = [], []

        def note(session: Session, reason: str, **kwargs: Any) -> None:
            assert session.user == robot
            assert session.end_reason == reason == "logout_all"
            assert session.ended_at is not None
            seen.append(session.pk)

        def note_logout(user: Any, **kwargs: Any) -> None:
            logged_out.append(user)

        signals.session_ended.connect(note)
        user_logged_out.connect(note_logout)
        try:
            with django_assert_max_num_queries(10 + MANY // 900 + LOCKS * 4):
                assert end_all_sessions(robot, request=RequestFactory().get("/")) == MANY
        finally:
            signals.session_ended.disconnect(note)
            user_logged_out.disconnect(note_logout)
        assert len(seen) == len(set(seen)) == MANY
        # Whose receivers may well write to the database, as django-axes does.
        assert logged_out == [robot]

    @pytest.mark.django_db(transaction=True)
    def test_those_of_a_deleted_user_name_the_user(self, alice: User) -> None:
        give_sessions(alice, store.MOST_LISTED + 20)
        key, seen = alice.pk, []

        def note(session: Session, **kwargs: Any) -> None:
            seen.append((session.user_id, session.user and session.user.pk))

        signals.session_ended.connect(note)
        try:
            alice.delete()
        finally:
            signals.session_ended.disconnect(note)
        assert seen == [(key, key)] * (store.MOST_LISTED + 20)

    def test_one_line_in_the_log(self, robot: User, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "drf_ratchet.security"):
            end_all_sessions(robot)
        lines = [record.getMessage() for record in caplog.records]
        assert lines == [f"{MANY} sessions of user {robot.pk} ended: logout_all."]

    def test_what_ended_is_told_where_the_rest_fails(
        self, robot: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []

        def note(session: Session, **kwargs: Any) -> None:
            seen.append(session.pk)

        def fail(*args: Any, **kwargs: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(store, "end_older", fail)
        signals.session_ended.connect(note)
        try:
            with pytest.raises(ZeroDivisionError):
                end_all_sessions(robot)
        finally:
            signals.session_ended.disconnect(note)
        ended = Session.objects.filter(ended_at__isnull=False)
        assert set(seen) == set(ended.values_list("pk", flat=True))
        assert len(seen) == store.MOST_LISTED + 1


class TestTheLimit:
    @pytest.fixture(autouse=True)
    def _limit(self, settings: Any) -> None:
        settings.DRF_RATCHET = {"MAX_SESSIONS_PER_USER": 3}

    def test_one_query_where_there_are_not_more(self, alice: User) -> None:
        for _ in range(3):
            with queries() as counted:
                open_session(alice)
            assert counted() == 2  # the new session's, and this one
        assert active_sessions(alice).count() == 3

    def test_the_oldest_end(self, alice: User) -> None:
        opened = [open_session(alice).session.pk for _ in range(5)]
        assert [session.pk for session in active_sessions(alice)] == opened[:1:-1]

    def test_the_same_for_any_number(self, robot: User) -> None:
        with queries() as counted:
            newest = open_session(robot).session
        assert counted() <= 6 + LOCKS
        alive = list(active_sessions(robot))
        assert len(alive) == 3
        assert alive[0] == newest
        assert CutOff.objects.get().last_session < alive[-1].pk
        with queries() as counted:
            open_session(robot)
        assert counted() <= 3


def test_user_without_sessions_gets_no_cut_off(alice: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert end_all_sessions(alice) == 0
    assert not CutOff.objects.exists()
