"""The store on a real database: what is written, what is sent, what it costs."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import F
from django.dispatch import Signal
from django.test import override_settings
from django.utils import timezone

from drf_ratchet import signals
from drf_ratchet.models import Session
from drf_ratchet.sessions import (
    Outcome,
    active_sessions,
    end_all_sessions,
    end_session,
    open_session,
    refresh_session,
    store,
)
from ratchet_tokens.errors import Reason, TokenRefused
from tests.fixtures import payload

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(hours=1)


def settings_with(**changes: Any) -> override_settings:
    return override_settings(DRF_RATCHET=changes)


def grace_over() -> None:
    Session.objects.update(rotated_at=F("rotated_at") - LONG_AGO)


def refused(token: str, **options: Any) -> Reason:
    with pytest.raises(TokenRefused) as caught:
        refresh_session(token, **options)
    return caught.value.reason


@pytest.fixture
def sent() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Each signal of ours, as (name, what it carried)."""
    seen: list[tuple[str, dict[str, Any]]] = []
    named = {name: it for name, it in vars(signals).items() if isinstance(it, Signal)}
    receivers = []
    for name, signal in named.items():

        def receiver(name: str = name, **kwargs: Any) -> None:
            seen.append((name, kwargs))

        signal.connect(receiver)
        receivers.append((signal, receiver))
    yield seen
    for signal, receiver in receivers:
        signal.disconnect(receiver)


def test_opening_writes_one_row_by_the_databases_clock(alice: User) -> None:
    before = timezone.now()
    grant = open_session(alice)
    row = Session.objects.get()
    assert row.pk == grant.session.pk
    assert row.pk.version == 7
    assert abs(row.created_at - before) < timedelta(seconds=10)
    assert row.created_at == row.auth_time == row.rotated_at
    assert row.expires_at == grant.session.expires_at == row.created_at + timedelta(days=7)
    assert row.ends_at == grant.session.ends_at == row.created_at + timedelta(days=30)
    assert row.generation == payload(grant.refresh)["gen"] == 1


def test_a_lifetime_of_its_own(alice: User) -> None:
    session = open_session(alice, lifetime=timedelta(hours=2)).session
    assert session.ends_at == session.expires_at == session.created_at + timedelta(hours=2)


@settings_with(SESSION_LIFETIME=None)
def test_no_absolute_end(alice: User) -> None:
    assert open_session(alice).session.ends_at is None


def test_the_access_token_never_outlives_the_session(alice: User) -> None:
    grant = open_session(alice, lifetime=timedelta(seconds=30))
    assert payload(grant.access)["exp"] == int(grant.session.ends_at.timestamp())


@pytest.mark.parametrize(
    "claims",
    [{"sub": "1"}, {"exp": 1}, ["no", "mapping"], {"big": "x" * 20_000}, {"odd": object()}],
    ids=["sub", "exp", "list", "too long", "not JSON"],
)
def test_claims_that_cannot_be_used_leave_no_session(alice: User, claims: Any) -> None:
    with (
        settings_with(CLAIMS=lambda user, *, session, request: claims),
        pytest.raises(ImproperlyConfigured),
    ):
        open_session(alice)
    assert not Session.objects.exists()


def test_claims_are_asked_for_at_every_mint(alice: User) -> None:
    def claims(user: User, *, session: Session, request: Any) -> dict[str, Any]:
        return {"role": user.first_name}

    with settings_with(CLAIMS=claims):
        User.objects.update(first_name="admin")
        alice.refresh_from_db()
        grant = open_session(alice)
        User.objects.update(first_name="user")
        again = refresh_session(grant.refresh)
    assert payload(grant.access)["role"] == "admin"
    assert payload(again.access)["role"] == "user"


def test_advance(alice: User, sent: list[Any]) -> None:
    first = open_session(alice)
    second = refresh_session(first.refresh)
    assert second.outcome is Outcome.ADVANCE
    assert payload(second.refresh)["gen"] == Session.objects.get().generation == 2
    assert payload(second.access)["sid"] == payload(first.access)["sid"]
    assert payload(second.access)["jti"] != payload(first.access)["jti"]
    assert payload(second.access)["auth_time"] == payload(first.access)["auth_time"]
    assert [name for name, _ in sent] == ["session_opened", "session_refreshed"]


def test_idle_expiry_moves_and_stops_at_the_absolute_end(alice: User) -> None:
    grant = open_session(alice, lifetime=timedelta(days=10))
    Session.objects.update(
        **{name: F(name) - timedelta(days=6) for name in ("rotated_at", "expires_at", "ends_at")}
    )
    session = refresh_session(grant.refresh).session
    assert session.expires_at == session.ends_at == Session.objects.get().expires_at
    assert session.expires_at < session.rotated_at + timedelta(days=7)


def test_repeat_hands_out_the_same_token_and_writes_nothing(alice: User) -> None:
    first = open_session(alice).refresh
    second = refresh_session(first)
    row = Session.objects.values().get()
    again = refresh_session(first)
    assert again.outcome is Outcome.REPEAT
    assert again.refresh == second.refresh
    assert Session.objects.values().get() == row


def test_refresh_at_the_instant_of_sign_in_is_not_a_step_up(alice: User) -> None:
    first = open_session(alice).refresh
    second = refresh_session(first)
    Session.objects.update(created_at=F("rotated_at"), auth_time=F("rotated_at"))
    assert refresh_session(first).refresh == second.refresh


@settings_with(ROTATION_GRACE=timedelta(0))
def test_retry_with_the_key_is_accepted_until_the_next_refresh(alice: User) -> None:
    first = open_session(alice).refresh
    second = refresh_session(first, idempotency_key="key-1").refresh
    assert refresh_session(first, idempotency_key="key-1").refresh == second
    refresh_session(second, idempotency_key="key-2")
    assert refused(first, idempotency_key="key-1") is Reason.REUSED


def test_the_key_is_stored_hashed(alice: User) -> None:
    refresh_session(open_session(alice).refresh, idempotency_key="key-1")
    assert len(Session.objects.get().idempotency_key_hash) == 64


@pytest.mark.parametrize("key", ["", "key-2"])
def test_reuse_ends_the_session(
    alice: User, sent: list[Any], caplog: pytest.LogCaptureFixture, key: str
) -> None:
    first = open_session(alice).refresh
    second = refresh_session(first, idempotency_key="key-1").refresh
    grace_over()
    sent.clear()
    with caplog.at_level(logging.INFO, "drf_ratchet.security"):
        assert refused(first, idempotency_key=key) is Reason.REUSED
    assert refused(second) is Reason.SESSION_ENDED
    assert refused(first) is Reason.SESSION_ENDED
    assert Session.objects.get().end_reason == "reuse_detected"
    assert [name for name, _ in sent] == ["session_ended", "reuse_detected"]
    assert str(Session.objects.get().pk) in caplog.text
    assert first not in caplog.text


def test_a_session_that_does_not_rotate(alice: User) -> None:
    with settings_with(ROTATE_REFRESH_TOKENS=False):
        grant = open_session(alice)
    row = Session.objects.values().get()
    for _ in range(3):
        held = refresh_session(grant.refresh)
        assert held.outcome is Outcome.HOLD
        assert held.refresh is None
    assert Session.objects.values().get() == row


def test_catching_up_after_lost_writes(
    alice: User, sent: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    token = open_session(alice).refresh
    for _ in range(4):
        token = refresh_session(token).refresh
    Session.objects.update(generation=2)  # the last three turns are lost
    sent.clear()
    caught_up = refresh_session(token)
    assert caught_up.outcome is Outcome.CATCH_UP
    assert payload(caught_up.refresh)["gen"] == Session.objects.get().generation == 6
    assert [name for name, _ in sent] == ["session_caught_up", "session_refreshed"]
    assert "lost writes" in caplog.text
    # A tab that shared the token is not a thief.
    assert refresh_session(token).refresh == caught_up.refresh


@settings_with(CATCH_UP_LIMIT=2)
def test_too_far_ahead(alice: User) -> None:
    token = open_session(alice).refresh
    for _ in range(4):
        token = refresh_session(token).refresh
    Session.objects.update(generation=2)
    assert refused(token) is Reason.SESSION_ENDED
    assert Session.objects.get().end_reason == "too_far_ahead"


def test_refusals_write_their_ending(alice: User) -> None:
    inactive, changed = open_session(alice), open_session(alice)
    User.objects.update(is_active=False)
    assert refused(inactive.refresh) is Reason.USER_INACTIVE
    User.objects.update(is_active=True)
    assert refused(inactive.refresh) is Reason.SESSION_ENDED
    alice.set_password("another password")
    alice.save()
    assert refused(changed.refresh) in (Reason.PASSWORD_CHANGED, Reason.SESSION_ENDED)
    reasons = Session.objects.order_by("id").values_list("end_reason", flat=True)
    assert list(reasons) == ["user_inactive", "password_changed"]


def test_idle_expiry_is_refused_and_is_no_ending(alice: User) -> None:
    token = open_session(alice).refresh
    Session.objects.update(expires_at=F("created_at"))
    assert refused(token) is Reason.EXPIRED
    assert Session.objects.get().ended_at is None


def test_a_deleted_user(alice: User) -> None:
    token = open_session(alice).refresh
    alice.delete()
    assert refused(token) in (Reason.USER_INACTIVE, Reason.SESSION_ENDED)
    assert Session.objects.get().user_id is None


def test_the_first_ending_wins(alice: User, sent: list[Any]) -> None:
    session = open_session(alice).session
    assert end_session(session)
    assert not end_session(session, reason="somebody_else")
    assert Session.objects.get().end_reason == "logout"
    assert [name for name, _ in sent].count("session_ended") == 1


def test_ending_all_but_one(alice: User) -> None:
    kept, *others = [open_session(alice).session for _ in range(3)]
    assert set(active_sessions(alice)) == {kept, *others}
    assert end_all_sessions(alice, keep=kept.pk) == 2
    assert list(active_sessions(alice)) == [kept]


def test_a_receiver_that_fails_changes_nothing(alice: User) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError

    for signal in (signals.session_opened, signals.reuse_detected, signals.session_ended):
        signal.connect(fail)
    try:
        first = open_session(alice).refresh
        refresh_session(first)
        grace_over()
        assert refused(first) is Reason.REUSED
    finally:
        for signal in (signals.session_opened, signals.reuse_detected, signals.session_ended):
            signal.disconnect(fail)


def test_costs(alice: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        grant = open_session(alice)
    with django_assert_num_queries(2):
        grant = refresh_session(grant.refresh)
    with django_assert_num_queries(1):
        end_session(grant.session)


@pytest.mark.django_db(transaction=True)
def test_not_inside_a_transaction(alice: User) -> None:
    grant = open_session(alice)
    for call in (
        lambda: refresh_session(grant.refresh),
        lambda: end_session(grant.session),
        lambda: end_all_sessions(alice),
    ):
        with pytest.raises(RuntimeError, match="non_atomic_requests"), transaction.atomic():
            call()
    assert Session.objects.get().generation == 1
    assert Session.objects.get().ended_at is None


def test_tokens_are_in_no_repr(alice: User) -> None:
    grant = open_session(alice)
    shown = f"{grant!r} {grant.session!r} {grant.session.__dict__}"
    assert grant.access not in shown
    assert grant.refresh not in shown


def test_no_token_and_no_key_is_stored(alice: User) -> None:
    grant = open_session(alice)
    refresh_session(grant.refresh, idempotency_key="key-1")
    stored: Callable[[], str] = lambda: str(Session.objects.values().get())  # noqa: E731
    for secret in (grant.access, grant.refresh, "key-1", alice.password):
        assert secret not in stored()


def test_pages_of_active_sessions(alice: User, django_assert_num_queries: Any) -> None:
    opened = [open_session(alice).session for _ in range(5)]
    end_session(opened[3])
    newest_first = [opened[4], opened[2], opened[1], opened[0]]
    with django_assert_num_queries(1):
        first, before = store.page_of(alice, limit=2)
    second, last = store.page_of(alice, before=before, limit=2)
    assert [*first, *second] == newest_first
    assert (before, last) == (opened[2].pk, None)
    assert store.page_of(alice, limit=3)[1] == opened[1].pk
    assert store.page_of(alice, before=opened[0].pk) == ([], None)
    assert store.page_of(alice) == (newest_first, None)
