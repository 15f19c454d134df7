"""``manage.py ratchet end``."""

import time
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from django.test import override_settings
from django.utils import timezone

from drf_ratchet import signals
from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session

pytestmark = pytest.mark.django_db


def end(*options: str) -> str:
    out = StringIO()
    call_command("ratchet", "end", *options, stdout=out)
    return out.getvalue().strip()


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


def active() -> int:
    return Session.objects.filter(ended_at=None).count()


def test_a_users(alice: User, bob: User) -> None:
    for user in (alice, alice, bob):
        open_session(user)
    assert end("--user=alice") == "2 sessions ended."
    assert set(alice.ratchet_sessions.values_list("end_reason", flat=True)) == {"admin"}
    assert active() == 1


def test_one(alice: User) -> None:
    one, _other = open_session(alice).session, open_session(alice)
    assert end(f"--session={one.pk}", "--reason=lost_phone") == "1 session ended."
    assert end(f"--session={one.pk}") == "0 sessions ended."
    one.refresh_from_db()
    assert one.end_reason == "lost_phone"
    assert active() == 1


def test_all(alice: User, bob: User) -> None:
    cut: list[Any] = []

    def note(**kwargs: Any) -> None:
        cut.append(kwargs["reason"])

    signals.sessions_cut_off.connect(note)
    for user in (alice, alice, bob):
        open_session(user)
    time.sleep(0.002)  # ids count in milliseconds
    try:
        assert end("--all", "--batch-size=2", "--reason=breach") == "3 sessions ended."
    finally:
        signals.sessions_cut_off.disconnect(note)
    assert cut == ["breach"]
    assert end("--all") == "0 sessions ended."


def test_all_before(alice: User) -> None:
    open_session(alice)
    time.sleep(0.002)
    moment = timezone.now()
    time.sleep(0.002)
    after = open_session(alice).session
    assert end(f"--before={moment.isoformat()}") == "1 session ended."
    assert list(Session.objects.filter(ended_at=None)) == [after]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--all", "--user=alice"],
        ["--user=nobody"],
        ["--session=rubbish"],
        ["--session=01a2009a-b9d1-76a6-a5f8-6cb3d192eb20"],
        ["--before=yesterday"],
        ["--before=2026-13-01T00:00:00Z"],
        ["--before=2026-01-01T00:00:00"],
        ["--all", "--reason="],
        ["--all", f"--reason={'x' * 33}"],
        ["--all", "--batch-size=0"],
        ["--all", "--reason=two\nlines"],
        # An id holds the milliseconds since 1970, and no date is after the year 9999.
        ["--before=0001-01-01T00:00:00+12:00"],
        ["--before=1969-12-31T23:59:59Z"],
        ["--before=9999-12-31T23:59:59-12:00"],
    ],
)
def test_refused(alice: User, options: list[str]) -> None:
    open_session(alice)
    with pytest.raises(CommandError):
        end(*options)
    assert active() == 1


@pytest.mark.parametrize("days", ["-1", "nan", "inf", "1e300", "36500"])
def test_pruning_refused(days: str) -> None:
    with pytest.raises(CommandError, match="--days must be between 0 and"):
        call_command("ratchet", "prune", f"--days={days}")


@pytest.mark.parametrize("task", [["prune"], ["end", "--all"], ["end", "--user=alice"]])
def test_no_table_is_no_traceback(task: list[str]) -> None:
    def fail(execute: Any, sql: str, *args: Any) -> Any:
        raise ProgrammingError("relation does not exist, and this is a secret")

    with (
        connection.execute_wrapper(fail),
        pytest.raises(CommandError, match=r"ProgrammingError.*manage\.py migrate") as refused,
    ):
        call_command("ratchet", *task)
    assert "secret" not in str(refused.value)


def test_bad_settings_are_no_traceback() -> None:
    with (
        override_settings(DRF_RATCHET={"LEEWAY": 5}),
        pytest.raises(CommandError, match=r"DRF_RATCHET\['LEEWAY'\] must be"),
    ):
        call_command("ratchet", "prune")


def test_several_users_of_one_name(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def several(self: Any, name: str) -> User:
        raise User.MultipleObjectsReturned

    monkeypatch.setattr(type(User.objects), "get_by_natural_key", several)
    with pytest.raises(CommandError, match="Several users have the name 'alice'"):
        end("--user=alice")
