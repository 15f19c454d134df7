"""Old tokens of the real simplejwt become sessions.

Its app must be installed, so these tests run in a process of their own (conftest.py).
"""

import base64
import json
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.core.management.base import OutputWrapper
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken, SlidingToken

from drf_ratchet.models import Session
from drf_ratchet.sessions import active_sessions, end_sessions_before, store
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet_compat import adopt
from drf_ratchet_compat.adopting import SINGLE_ENDINGS, OldSession
from drf_ratchet_compat.adopting import adopt as adopt_token
from tests.sizes import sized

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def run(*, imports: bool = True, batch_size: int = 1000) -> str:
        out = StringIO()
        adopt.run(
            OutputWrapper(out),
            package="simplejwt",
            imports=imports,
            batch_size=batch_size,
            project=tmp_path,
        )
        return out.getvalue()

    return run


def old_session(token: Any, user: User) -> OldSession:
    """What the token itself becomes when it comes."""
    return OldSession("simplejwt", token["jti"], user, token["iat"], token["exp"], False)


def text_of(**claims: Any) -> str:
    """A token that says this. Nobody verifies it here."""
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return ".".join([*(part.decode() for part in encoded), "c2lnbmF0dXJl"])


def make(user: User | None, number: int, **fields: Any) -> OutstandingToken:
    """A row that nobody has saved yet."""
    now = timezone.now()
    issued = int(now.timestamp()) - number % 1000
    values = {
        "user": user,
        "jti": f"{number:032x}",
        "token": text_of(iat=issued, jti=f"{number:032x}", token_type="refresh"),
        "created_at": now,
        "expires_at": now + timedelta(days=1),
    }
    return OutstandingToken(**{**values, **fields})


def test_living_ones_become_the_sessions_that_their_tokens_make(alice: User, run: Any) -> None:
    tokens = [RefreshToken.for_user(alice) for _ in range(3)]
    tokens[0].blacklist()
    OutstandingToken.objects.filter(jti=tokens[1]["jti"]).update(expires_at=timezone.now())
    expected = old_session(tokens[2], alice)

    assert "1 sessions imported" in run()

    (session,) = active_sessions(alice)
    assert session.pk == expected.id
    assert session.expires_at.timestamp() == expected.expires_at
    assert session.created_at.timestamp() == tokens[2]["iat"]
    assert (session.generation, session.rotates) == (0, False)
    adopt_token(expected)
    assert Session.objects.count() == 1


def test_report_writes_nothing(alice: User, run: Any) -> None:
    RefreshToken.for_user(alice)
    with CaptureQueriesContext(connection) as queries:
        assert "1 refresh tokens are neither expired nor" in run(imports=False)
    assert {query["sql"].split()[0] for query in queries} <= {"SELECT", "PRAGMA", "SHOW"}
    assert not Session.objects.exists()


def test_twice(alice: User, run: Any) -> None:
    for _ in range(3):
        RefreshToken.for_user(alice)
    run()
    before = list(Session.objects.order_by("pk").values())
    RefreshToken.for_user(alice)

    output = run()

    assert "1 sessions imported" in output
    assert "3 existed already" in output
    new = {session.pk for session in Session.objects.all()} - {row["id"] for row in before}
    assert list(Session.objects.exclude(pk__in=new).order_by("pk").values()) == before


def test_one_that_came_first_stays_as_it_is(alice: User, run: Any) -> None:
    token = RefreshToken.for_user(alice)
    claims = adopt_token(old_session(token, alice))
    Session.objects.filter(pk=claims.session).update(generation=5)

    assert "0 sessions imported" in run()

    assert Session.objects.get().generation == 5


def test_rotating(alice: User, run: Any, settings: Any) -> None:
    settings.SIMPLE_JWT = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
    RefreshToken.for_user(alice)
    run()
    assert Session.objects.get().rotates


def test_sliding_ones_wait(alice: User, run: Any) -> None:
    """Their `iat` moves with each refresh, their row does not: the ids would not be the same."""
    SlidingToken.for_user(alice)
    assert "1 are sliding tokens" in run()
    assert not Session.objects.exists()


def test_session_lifetime(alice: User, run: Any, settings: Any) -> None:
    settings.DRF_RATCHET = {"SESSION_LIFETIME": timedelta(days=2)}
    now = int(time.time())
    for number, days in enumerate([0, 1, 5]):
        issued = now - days * 86400
        expires = timezone.now() + timedelta(days=30)
        make(alice, number, token=text_of(iat=issued), expires_at=expires).save()

    assert "1 have ended" in run()

    left = sorted(
        round((session.expires_at - timezone.now()) / timedelta(days=1))
        for session in Session.objects.all()
    )
    assert left == [1, 2]


def test_everybody_was_signed_out(alice: User, run: Any) -> None:
    make(alice, 1).save()
    assert list(end_sessions_before(timezone.now())) in ([], [0])
    assert "1 have ended" in run()
    assert not Session.objects.exists()


BEFORE, AFTER = timedelta(seconds=-60), timedelta(seconds=60)


def ended(user: User, reason: str, *, after: timedelta = AFTER) -> None:
    """A session of theirs that ended some time after now, when `make` issues tokens."""
    session = store.insert(
        user, rotates=True, idle=timedelta(days=1), absolute=None, device=device_of(None)
    )
    changes = {"ended_at": timezone.now() + after, "end_reason": reason}
    Session.objects.filter(pk=session.pk).update(**changes)


@pytest.mark.parametrize(
    ("reason", "after", "imported"),
    [
        (EndReason.LOGOUT_ALL, AFTER, 0),
        (EndReason.PASSWORD_CHANGED, AFTER, 0),
        (EndReason.ADMIN, AFTER, 0),
        (EndReason.USER_INACTIVE, AFTER, 0),
        ("stolen_laptops", AFTER, 0),
        (EndReason.LOGOUT_ALL, BEFORE, 1),
        *((reason, AFTER, 1) for reason in SINGLE_ENDINGS),
    ],
)
def test_who_logged_out_everywhere_stays_so(
    alice: User, run: Any, reason: str, after: timedelta, imported: int
) -> None:
    """As at the token's first refresh: after the restart that may be before the import."""
    bob = User.objects.create_user("bob")
    make(alice, 1).save()
    make(bob, 2).save()
    ended(alice, reason, after=after)

    output = run()

    assert f"{1 + imported} sessions imported" in output
    assert ("1 have ended" in output) == (not imported)
    assert active_sessions(alice).count() == imported
    assert active_sessions(bob).count() == 1


def test_more_users_than_parameters(run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(connection.features, "max_query_params", 30)
    users = [User.objects.create_user(f"user {number}") for number in range(25)]
    OutstandingToken.objects.bulk_create([make(user, n) for n, user in enumerate(users)])
    for user in (users[0], users[12], users[24]):
        ended(user, EndReason.LOGOUT_ALL)
    assert "22 sessions imported" in run()


def test_all_are_ended_while_some_are_imported(alice: User, run: Any, monkeypatch: Any) -> None:
    """The ending goes through the rows after they were looked for and before they are written."""
    bob = User.objects.create_user("bob")
    hour = timezone.now() - timedelta(hours=1)
    make(alice, 1, token=text_of(iat=hour.timestamp() - 60)).save()
    make(bob, 2).save()
    slow = store.insert_missing

    def late(rows: Any) -> None:
        assert list(end_sessions_before(hour)) in ([], [0])
        slow(rows)

    monkeypatch.setattr(store, "insert_missing", late)

    output = run()

    assert "1 sessions imported" in output
    assert "1 have ended" in output
    assert not active_sessions(alice).exists()
    assert Session.objects.get(user=alice).end_reason == EndReason.ADMIN
    assert active_sessions(bob).exists()


def test_somebody_logs_out_everywhere_while_they_are_imported(
    alice: User, run: Any, monkeypatch: Any
) -> None:
    make(alice, 1).save()
    slow = store.insert_missing

    def late(rows: Any) -> None:
        ended(alice, EndReason.LOGOUT_ALL)
        slow(rows)

    monkeypatch.setattr(store, "insert_missing", late)
    assert "0 sessions imported" in run()
    assert not active_sessions(alice).exists()


HOSTILE: Sequence[dict[str, Any]] = (
    {"token": "", "created_at": None},
    {"token": "garbage"},
    {"token": "a.b.c", "created_at": None},
    {"token": "\u20ac.\u20ac.\u20ac"},
    {"token": text_of(jti="no iat")},
    {"token": "." * 20_000},
    {"token": "e30." + base64.urlsafe_b64encode(b"[" * 50_000).decode() + ".x"},
)
NOT_TIMES = (-1, 1e300, float("nan"), float("inf"), "yesterday", True, None, [1], 2**70)


def test_bad_rows_stop_nobody(alice: User, run: Any) -> None:
    deleted = User.objects.create_user("gone")
    rows = [make(alice, number, **fields) for number, fields in enumerate(HOSTILE)]
    rows += [make(alice, 100 + n, token=text_of(iat=iat)) for n, iat in enumerate(NOT_TIMES)]
    rows += [make(alice, 200), make(None, 201), make(deleted, 202)]
    OutstandingToken.objects.bulk_create(rows)
    deleted.delete()

    output = run(batch_size=3)

    assert f"{len(HOSTILE) + 1} sessions imported" in output
    assert f"{len(NOT_TIMES)} are unusable" in output
    # Where neither the token nor the row tells when.
    assert Session.objects.filter(pk__lt="00000000-0001-7000-8000-000000000000").count() == 3


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases know what a time is")
def test_no_time_at_all(alice: User, run: Any) -> None:
    OutstandingToken.objects.bulk_create([make(alice, number) for number in range(5)])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE token_blacklist_outstandingtoken SET expires_at = 'tomorrow' "
            "WHERE jti = %s OR jti = %s",
            [f"{1:032x}", f"{3:032x}"],
        )
    assert "3 sessions imported" in run(batch_size=4)


def test_interrupted_and_resumed(alice: User, run: Any, monkeypatch: Any) -> None:
    OutstandingToken.objects.bulk_create([make(alice, number) for number in range(50)])
    quick, batches = store.insert_missing, iter(range(100))

    def interrupted(rows: Any) -> None:
        if next(batches) == 3:
            raise KeyboardInterrupt
        quick(rows)

    with monkeypatch.context() as patch:
        patch.setattr(store, "insert_missing", interrupted)
        with pytest.raises(CommandError, match=r"30 sessions imported.*to continue") as caught:
            run(batch_size=10)
    assert caught.value.returncode == 130
    assert Session.objects.count() == 30

    output = run(batch_size=10)

    assert "20 sessions imported" in output
    assert "30 existed already" in output
    assert Session.objects.count() == 50


def test_many(run: Any, show: Callable[[str], None]) -> None:
    """Each batch makes as many queries as the one before it."""
    batch = sized(1000, 100)
    total = 5 * batch - batch // 2
    users = User.objects.bulk_create([User(username=f"user {number}") for number in range(500)])
    rows = (make(users[number % 500], number) for number in range(5 * batch))
    OutstandingToken.objects.bulk_create(rows, batch_size=1000)
    blacklisted = OutstandingToken.objects.order_by("pk")[: batch // 2]
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=token) for token in blacklisted])

    def batches() -> list[int]:
        """How many queries each batch made, by where the old table is read."""
        counts = [0]

        # Not by Django's own log, which writes out every parameter.
        def count(execute: Any, sql: str, *rest: Any) -> Any:
            counts[-1] += 1
            if "jti" in sql and "LIMIT" in sql:
                counts.append(0)
            return execute(sql, *rest)

        with connection.execute_wrapper(count):
            run(batch_size=batch)
        return counts[1:-1]  # after the last one there is nothing to do

    begun = time.monotonic()
    written = batches()
    seconds = time.monotonic() - begun

    assert Session.objects.count() == total
    assert len(written) == 5
    assert len(set(written[:-1])) == 1, written
    again = batches()
    # The next batch is read, and which ids are there.
    assert max(again) <= 4, again
    assert Session.objects.count() == total
    show(
        f"{total:,} old tokens imported on {connection.vendor}: "
        f"{total / seconds:,.0f} a second, {written[0]} queries for each {batch:,}"
    )


def test_session_lifetime_is_off_unless_the_project_sets_one(
    alice: User, run: Any, settings: Any
) -> None:
    settings.DRF_RATCHET = {}
    old = text_of(iat=int(time.time()) - 300 * 86400)
    make(alice, 1, token=old, expires_at=timezone.now() + timedelta(days=65)).save()
    assert "1 sessions imported" in run()
    assert active_sessions(alice).get().ends_at is None
