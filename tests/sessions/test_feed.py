"""The list of ended sessions, as a process keeps it."""

import logging
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import F
from django.db.models.functions import Now
from django.test import override_settings
from django.utils import timezone

from drf_ratchet.ids import first_uuid7
from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions import (
    Grant,
    end_session,
    end_sessions_before,
    ending,
    open_session,
)
from drf_ratchet.sessions import (
    feed as feed_module,
)
from drf_ratchet.sessions.feed import Feed, FeedTooOld, feed_of
from ratchet_tokens.claims import Claims
from tests.fixtures import payload

pytestmark = pytest.mark.django_db
EACH_TIME = {"FEED_INTERVAL": timedelta(0)}
ONCE = {"FEED_INTERVAL": timedelta(hours=1)}


@pytest.fixture(autouse=True)
def _read_each_time() -> Iterator[None]:
    with override_settings(DRF_RATCHET=EACH_TIME):
        yield


def claims(grant: Grant, **changes: Any) -> Claims:
    return Claims({**payload(grant.access), **changes})


def fail(*args: Any) -> Any:
    raise OperationalError("password=hunter2 does not answer")


def test_a_living_session_and_an_ended_one(alice: User) -> None:
    known = Feed()
    one, other = open_session(alice), open_session(alice)
    assert known.has_ended(claims(one)) is False
    end_session(one.session)
    assert known.has_ended(claims(one)) is True
    assert known.has_ended(claims(other)) is False


def test_loaded_before_the_first_answer(alice: User) -> None:
    grant = open_session(alice)
    end_session(grant.session)
    with override_settings(DRF_RATCHET=ONCE):
        assert Feed().has_ended(claims(grant)) is True


def test_read_no_more_often_than_the_interval(alice: User, django_assert_num_queries: Any) -> None:
    grant = open_session(alice)
    with override_settings(DRF_RATCHET=ONCE):
        known = Feed()
        with django_assert_num_queries(2):  # endings and cut-offs
            for _ in range(5):
                assert known.has_ended(claims(grant)) is False


def test_read_again_after_an_idle_spell(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = open_session(alice)
    with override_settings(DRF_RATCHET=ONCE):
        known = Feed()
        assert known.has_ended(claims(grant)) is False
        end_session(grant.session)
        later = time.monotonic() + 3601
        monkeypatch.setattr(feed_module.time, "monotonic", lambda: later)
        assert known.has_ended(claims(grant)) is True


def test_a_failover_does_not_bring_a_session_back(alice: User) -> None:
    known, grant = Feed(), open_session(alice)
    end_session(grant.session)
    assert known.has_ended(claims(grant)) is True
    Session.objects.update(ended_at=None, announced_at=None)
    assert known.has_ended(claims(grant)) is True


def test_dropped_by_age(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    known, grant = Feed(), open_session(alice)
    end_session(grant.session)
    assert known.has_ended(claims(grant)) is True
    Session.objects.update(announced_at=F("announced_at") - timedelta(hours=1))
    later = time.monotonic() + feed_module.window().total_seconds() + 1
    monkeypatch.setattr(feed_module.time, "monotonic", lambda: later)
    assert known.has_ended(claims(grant)) is False
    assert not known._ended


def test_endings_older_than_the_window_are_not_read(alice: User) -> None:
    grant = open_session(alice)
    end_session(grant.session)
    Session.objects.update(announced_at=Now() - timedelta(minutes=7))
    known = Feed()
    known.has_ended(claims(grant))
    assert not known._ended


def test_a_token_that_outlives_the_window_is_asked_by_query(alice: User) -> None:
    known, grant = Feed(), open_session(alice)
    long_lived = claims(grant, exp=payload(grant.access)["iat"] + 301)
    assert known.has_ended(long_lived) is None
    end_session(grant.session)
    assert known.has_ended(long_lived) is True


def test_past_the_maximum_tokens_of_that_time_are_asked_by_query(alice: User) -> None:
    ended = [open_session(alice) for _ in range(3)]
    active = open_session(alice)
    for grant in ended:
        end_session(grant.session)
    now = payload(active.access)["iat"]
    with override_settings(DRF_RATCHET={**EACH_TIME, "FEED_MAX": 2}):
        known = Feed()
        assert known.has_ended(claims(active)) is None
        assert [known.has_ended(claims(grant)) for grant in ended].count(None) == 1
        assert len(known._ended) == 2
        # Its session cannot have ended before it was issued.
        assert known.has_ended(claims(active, iat=now + 30, exp=now + 330)) is False
        assert known.has_ended(claims(ended[2], iat=now + 30, exp=now + 330)) is True
        # What comes later pushes the oldest out.
        end_session(open_session(alice).session)
        assert known.has_ended(claims(ended[2])) is not False
        assert len(known._ended) <= 2


def test_a_maximum_of_none_asks_of_each_token(alice: User) -> None:
    active = open_session(alice)
    with override_settings(DRF_RATCHET={**EACH_TIME, "FEED_MAX": 0}):
        known = Feed()
        assert known.has_ended(claims(active)) is False
        end_session(open_session(alice).session)
        assert known.has_ended(claims(active)) is None


def test_a_mass_ending_is_one_cut_off(alice: User) -> None:
    known = Feed()
    before = [open_session(alice) for _ in range(5)]
    time.sleep(0.002)  # ids count in milliseconds
    assert sum(end_sessions_before(timezone.now(), batch_size=2)) == 5
    time.sleep(0.002)
    after = open_session(alice)
    assert [known.has_ended(claims(grant)) for grant in before] == [True] * 5
    assert known.has_ended(claims(after)) is False
    assert not known._ended
    assert Session.objects.filter(end_reason="admin").count() == 5
    assert CutOff.objects.count() == 1


def test_a_cut_off_counts_for_tokens_issued_while_its_sessions_are_being_ended(
    alice: User,
) -> None:
    known, grant = Feed(), open_session(alice)
    later = claims(grant, iat=payload(grant.access)["iat"] + 60)
    time.sleep(0.002)
    next(end_sessions_before(timezone.now(), batch_size=2))
    assert known.has_ended(later) is True


def test_a_long_mass_ending_stays_announced(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token may be issued just before the last batch, and lives for as long as any."""
    for _ in range(3):
        open_session(alice)
    monkeypatch.setattr(ending, "_ANNOUNCED_EVERY", -1.0)
    batches = end_sessions_before(timezone.now() + timedelta(seconds=1), batch_size=1)
    next(batches)
    CutOff.objects.update(announced_at=Now() - timedelta(minutes=7))
    next(batches)
    assert Feed().has_ended(claims(open_session(alice), sid=str(first_uuid7(timezone.now()))))
    assert CutOff.objects.count() == 1


def test_a_cut_off_for_one_user(alice: User) -> None:
    known, grant = Feed(), open_session(alice)
    CutOff.objects.create(last_session=grant.session.pk, subject=str(alice.pk))
    now = payload(grant.access)["iat"]
    before = claims(grant, iat=now - 1, exp=now + 299)
    assert known.has_ended(before) is True
    assert known.has_ended({**before, "sub": "somebody else"}) is False


def test_cut_off_excludes_the_kept_session(alice: User) -> None:
    known, kept, grant = Feed(), open_session(alice), open_session(alice)
    CutOff.objects.create(
        last_session=grant.session.pk, subject=str(alice.pk), kept_session=kept.session.pk
    )
    assert known.has_ended(claims(grant, iat=0, exp=300)) is True
    assert known.has_ended(claims(kept, iat=0, exp=300)) is False


def test_a_token_as_young_as_a_cut_off_is_asked_by_query(alice: User) -> None:
    """Its session may have been opened after it: ids are only as right as the clock they tell."""
    known, grant = Feed(), open_session(alice)
    CutOff.objects.create(last_session=UUID(int=(1 << 128) - 1), subject=str(alice.pk))
    assert known.has_ended(claims(open_session(alice))) is None
    assert known.has_ended(claims(grant, iat=payload(grant.access)["iat"] + 60)) is False


class TestTenants:
    @pytest.fixture(autouse=True)
    def _issuers(self, settings: Any) -> None:
        settings.DRF_RATCHET = {**EACH_TIME, "ISSUER": lambda request: "somebody"}

    def test_one_feed_for_each_issuer(self) -> None:
        one, other = {"iss": "https://a.example"}, {"iss": "https://b.example"}
        assert feed_of(one) is feed_of(one)
        assert feed_of(one) is not feed_of(other)

    def test_one_feed_without_issuers(self, settings: Any) -> None:
        settings.DRF_RATCHET = EACH_TIME
        assert feed_of({"iss": "https://of.old.example"}) is feed_of({})

    def test_a_change_of_the_settings_forgets_them(self) -> None:
        before = feed_of({})
        with override_settings(DRF_RATCHET=ONCE):
            assert feed_of({}) is not before

    @pytest.mark.django_db(databases=["default", "replica"])
    def test_one_feed_for_each_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = feed_of({})
        monkeypatch.setattr(feed_module, "write_database", lambda: "replica")
        assert feed_of({}) is not before

    def test_idle_ones_are_dropped(
        self, alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
    ) -> None:
        asked = {**claims(open_session(alice))}
        idle = feed_of({**asked, "iss": "idle"})
        idle.has_ended(asked)
        later = time.monotonic() + feed_module.window().total_seconds() + 1
        monkeypatch.setattr(feed_module.time, "monotonic", lambda: later)
        busy = feed_of({**asked, "iss": "busy"})
        busy.has_ended(asked)
        assert feed_of({**asked, "iss": "busy"}) is busy
        assert feed_of({**asked, "iss": "idle"}) is not idle

    def test_there_are_only_so_many(self, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feed_module, "MOST_FEEDS", 3)
        asked = {**claims(open_session(alice))}
        for tenant in range(10):
            feed_of({**asked, "iss": str(tenant)}).has_ended(asked)
        assert {issuer for _, issuer in feed_module._feeds} == {"7", "8", "9"}

    @pytest.mark.starts
    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_forked_child_begins_anew(self) -> None:
        """The thread that was reading is not in it."""
        feed_of({})
        child = os.fork()
        if child == 0:
            os._exit(len(feed_module._feeds))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert feed_module._feeds


def test_the_database_is_down_for_a_moment(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    known, grant, ended = Feed(), open_session(alice), open_session(alice)
    end_session(ended.session)
    known.has_ended(claims(grant))
    monkeypatch.setattr(feed_module, "recent_endings", fail)
    with caplog.at_level(logging.ERROR, "drf_ratchet"):
        assert known.has_ended(claims(grant)) is False
        assert known.has_ended(claims(ended)) is True
    assert "OperationalError" in caplog.text
    assert "hunter2" not in caplog.text
    now = time.monotonic()
    monkeypatch.setattr(feed_module.time, "monotonic", lambda: now + 31)
    with pytest.raises(FeedTooOld):
        known.has_ended(claims(grant))
    monkeypatch.undo()
    with override_settings(DRF_RATCHET=EACH_TIME):
        assert known.has_ended(claims(grant)) is False


def test_the_database_is_down_from_the_start(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = open_session(alice)
    monkeypatch.setattr(feed_module, "recent_endings", fail)
    with pytest.raises(FeedTooOld):
        Feed().has_ended(claims(grant))
