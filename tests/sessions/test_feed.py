"""The list of ended sessions, as a process keeps it."""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import F
from django.db.models.functions import Now
from django.test import override_settings
from django.utils import timezone

from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions import (
    Grant,
    end_session,
    end_sessions_before,
    open_session,
)
from drf_ratchet.sessions import (
    feed as feed_module,
)
from drf_ratchet.sessions.feed import Feed, FeedTooOld
from drf_ratchet.tokens.claims import Claims
from tests.conftest import payload

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


def test_past_the_maximum_requests_are_asked_by_query(alice: User) -> None:
    ended = [open_session(alice) for _ in range(3)]
    living = open_session(alice)
    for grant in ended:
        end_session(grant.session)
    with override_settings(DRF_RATCHET={**EACH_TIME, "FEED_MAX": 2}):
        known = Feed()
        assert known.has_ended(claims(living)) is None
        assert [known.has_ended(claims(grant)) for grant in ended].count(None) == 1
        assert len(known._ended) == 2
        Session.objects.filter(pk=ended[0].session.pk).update(announced_at=None)
        assert known.has_ended(claims(living)) is False


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
    assert len(known._cut_off) == 1


def test_a_cut_off_for_one_user(alice: User) -> None:
    known, grant = Feed(), open_session(alice)
    CutOff.objects.create(last_session=grant.session.pk, subject=str(alice.pk))
    assert known.has_ended(claims(grant)) is True
    assert known.has_ended(claims(grant, sub="somebody else")) is False


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
