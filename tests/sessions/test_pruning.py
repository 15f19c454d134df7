"""What ``manage.py ratchet prune`` deletes, and what it keeps."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from drf_ratchet.clock import Now
from drf_ratchet.ids import first_uuid7
from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session
from drf_ratchet.sessions.store import prune

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def days(number: float) -> timedelta:
    return timedelta(days=number)


def session(*, opened: float, expires: float, ended: float | None = None) -> Session:
    """A row; all arguments in days ago."""
    moment = NOW - days(opened)
    pk = first_uuid7(moment)
    while Session.objects.filter(pk=pk).exists():
        pk = type(pk)(int=pk.int + 1)
    return Session.objects.create(
        pk=pk,
        created_at=moment,
        expires_at=NOW - days(expires),
        ended_at=None if ended is None else NOW - days(ended),
    )


def left() -> set[Session]:
    return set(Session.objects.all())


def test_only_sessions_past_their_retention_are_deleted(alice: User) -> None:
    keep = {
        session(opened=400, expires=-1),  # refreshed for more than a year
        session(opened=100, expires=29),
        session(opened=100, expires=-1, ended=29),
        session(opened=1, expires=-6),
        session(opened=100, expires=-1, ended=31),  # its refresh token may still come
    }
    session(opened=100, expires=31)
    session(opened=100, expires=1, ended=31)
    session(opened=100, expires=31, ended=40)
    assert sum(prune(NOW - days(30))) == 3
    assert left() == keep


def test_batches(django_assert_num_queries: Any) -> None:
    for _ in range(25):
        session(opened=100, expires=60)
    active = session(opened=90, expires=-1)
    with django_assert_num_queries(8):  # the cut-offs; three times look and delete; none left
        assert list(prune(NOW - days(30), batch_size=10)) == [10, 10, 5]
    assert left() == {active}


def test_the_command() -> None:
    session(opened=100, expires=60)
    kept = session(opened=100, expires=3)
    out = StringIO()
    call_command("ratchet", "prune", stdout=out)
    assert "1 session deleted." in out.getvalue()
    assert left() == {kept}
    call_command("ratchet", "prune", "--days=2", stdout=out)
    assert not left()


@pytest.mark.parametrize("option", ["--days=0", "--days=-1", "--batch-size=0"])
def test_the_command_refuses(option: str) -> None:
    with pytest.raises(CommandError):
        call_command("ratchet", "prune", option)


def test_without_use_tz_no_zone_makes_them_older(alice: User) -> None:
    with override_settings(USE_TZ=False, TIME_ZONE="Asia/Tokyo"):
        lives = open_session(alice).session
        gone = open_session(alice).session
        for kept, age in ((lives, 5), (gone, 7)):
            Session.objects.filter(pk=kept.pk).update(
                id=first_uuid7(datetime.now(UTC) - days(1) + timedelta(seconds=age)),
                expires_at=Now() - timedelta(hours=age),
            )
        assert sum(prune(datetime.now(UTC) - timedelta(hours=6))) == 1
        assert Session.objects.count() == 1
