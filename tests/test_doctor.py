"""``manage.py ratchet doctor``."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from drf_ratchet.keyring import keyring
from drf_ratchet.management import doctor
from drf_ratchet.management.doctor import Status, examine
from drf_ratchet.sessions import end_session, end_sessions_before, open_session

pytestmark = pytest.mark.django_db

SECRET = "a secret that must not be seen, 0123456789"


def found(part: str) -> list[tuple[Status, str]]:
    return [(state, text) for looked_at, state, text in examine() if looked_at == part]


def test_all_is_well() -> None:
    out = StringIO()
    call_command("ratchet", "doctor", stdout=out)

    parts = [line.split()[0] for line in out.getvalue().splitlines()]
    assert list(dict.fromkeys(parts)) == ["keys", "cache", "database", "feed", "freshness"]
    assert "broken" not in out.getvalue()


@override_settings(SECRET_KEY=SECRET, SECRET_KEY_FALLBACKS=["an old key that nobody remembers"])
def test_keys() -> None:
    said = found("keys")

    assert [state for state, _ in said] == [Status.OK] * 4
    assert [text.split(" ")[0] for _, text in said] == ["access", "access", "refresh", "refresh"]
    assert f"signed by {keyring().access.signing.kid} (HS256)" in said[0][1]
    for keys in (keyring().access, keyring().refresh):
        for key in keys:
            assert any(key.kid in text for _, text in said)
    assert SECRET not in repr(said)


@pytest.mark.parametrize(
    ("backend", "state", "words"),
    [
        ("locmem.LocMemCache", Status.WARNING, "not shared"),
        ("filebased.FileBasedCache", Status.WARNING, "atomically"),
        ("dummy.DummyCache", Status.BROKEN, "cannot count: ValueError"),
        ("redis.RedisCache", Status.BROKEN, "cannot count: ConnectionError"),
    ],
)
def test_cache(tmp_path: Any, backend: str, state: Status, words: str) -> None:
    location = f"redis://:{SECRET[:8]}@127.0.0.1:1" if "redis" in backend else str(tmp_path)
    cache = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": location}
    caches = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}, "x": cache}
    with override_settings(CACHES=caches, DRF_RATCHET={"THROTTLE_CACHE": "x"}):
        *_, (seen, text) = found("cache")

    assert seen is state
    assert words in text
    assert SECRET[:8] not in text


def test_a_cache_that_all_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_per_process", lambda backend: False)
    assert [state for state, _ in found("cache")] == [Status.OK, Status.OK]


def test_database() -> None:
    said = found("database")

    assert [state for state, _ in said] == [Status.OK] * 3
    assert connection.display_name in said[0][1]
    assert "all migrations" in said[1][1]
    assert "its clock is 0." in said[2][1]


def test_the_clock_without_time_zones() -> None:
    with override_settings(USE_TZ=False):
        assert abs(doctor._seconds_ahead("default")) < 2


def test_a_migration_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._unapplied("default") == []
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda self: {})
    assert "drf_ratchet.0001_initial" in doctor._unapplied("default")


def test_not_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_unapplied", lambda alias: ["drf_ratchet.0002_more"])
    out = StringIO()
    with pytest.raises(CommandError, match=r"^1 broken\.") as failed:
        call_command("ratchet", "doctor", stdout=out)

    assert failed.value.returncode == 1
    assert "not applied: drf_ratchet.0002_more; run manage.py migrate" in out.getvalue()
    assert "freshness" in out.getvalue()  # what comes after is looked at too


@pytest.mark.parametrize(
    ("ahead", "state"), [(-1.5, Status.OK), (3.0, Status.WARNING), (-301.0, Status.BROKEN)]
)
def test_clocks(monkeypatch: pytest.MonkeyPatch, ahead: float, state: Status) -> None:
    monkeypatch.setattr(doctor, "_seconds_ahead", lambda alias: ahead)
    assert found("database")[2][0] is state


def test_what_fails_shows_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(alias: str) -> float:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(doctor, "_seconds_ahead", fail)
    assert found("database")[-1] == (Status.BROKEN, "failed with RuntimeError")
    assert found("feed")  # and the next part is looked at


def test_feed(alice: User) -> None:
    end_session(open_session(alice).session)
    end_session(open_session(alice).session)
    list(end_sessions_before(open_session(alice).session.created_at + timedelta(seconds=1)))

    ((state, text),) = found("feed")
    assert state is Status.OK
    assert "2 endings and 1 cut-offs within 0:06:00 (FEED_MAX 500000)" in text

    with override_settings(DRF_RATCHET={"FRESHNESS": "bounded", "FEED_MAX": 1}):
        ((state, text),) = found("feed")
    assert state is Status.WARNING
    assert "more than FEED_MAX" in text


@pytest.mark.parametrize("chosen", ["immediate", "bounded", "expiry"])
def test_freshness(chosen: str) -> None:
    with override_settings(DRF_RATCHET={"FRESHNESS": chosen}):
        ((state, text),) = found("freshness")
    assert state is (Status.WARNING if chosen == "expiry" else Status.OK)
    assert chosen in text
