"""The real store against a reference model of ten lines, on the database DATABASE_URL names."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from drf_ratchet.models import Session
from drf_ratchet.sessions import end_all_sessions, end_session, open_session, refresh_session
from drf_ratchet.sessions.grant import mint_refresh
from drf_ratchet.sessions.refreshing import read_refresh
from ratchet_tokens.errors import TokenRefused

CATCH_UP_LIMIT = 10
LATER = timedelta(minutes=1)  # beyond the grace period; the steps of one run stay within it


@dataclass
class Model:
    """What a session is: a counter, the key of its last turn, whether that was just now."""

    generation: int = 1
    key: str = ""
    recent: bool = True
    end_reason: str = ""

    def refresh(self, generation: int, key: str, active: bool = True) -> int | str:
        """The generation handed out, or why none is."""
        if not active:
            self.end_reason = self.end_reason or "user_inactive"
            return "user_inactive"
        if self.end_reason:
            changed = self.end_reason == "password_changed"
            return self.end_reason if changed else "session_ended"
        behind = self.generation - generation
        if behind == 1 and (self.recent or (key and key == self.key)):
            return self.generation
        if behind > 0 or -behind > CATCH_UP_LIMIT:
            self.end_reason = "reuse_detected" if behind > 0 else "too_far_ahead"
            return "reused" if behind > 0 else "session_ended"
        self.generation, self.key, self.recent = generation + 1, key, True
        return self.generation


class Store(RuleBasedStateMachine):
    """Two sessions of one user: what happens to one must not happen to the other."""

    number = 0

    @initialize()
    def signs_in(self) -> None:
        Store.number += 1
        self.user = User.objects.create_user(f"user-{Store.number}", password="first")
        self.sessions = [open_session(self.user).session for _ in range(2)]
        self.models = [Model(), Model()]

    which = st.integers(0, 1)
    keys = st.sampled_from(["", "a", "b"])
    # Often the current token and the one before it: most of what is interesting.
    offsets = st.sampled_from([0, 0, 0, -1, -1, -2, -3, 1, 3, CATCH_UP_LIMIT, CATCH_UP_LIMIT + 1])

    @rule(which=which, key=keys, late=st.booleans(), retry=keys, then=offsets)
    def refreshes(self, which: int, key: str, late: bool, retry: str, then: int) -> None:
        """A turn, the same token again, now or later, and then some other."""
        generation = self.models[which].generation
        self.presents(which, generation, key)
        if late:
            self.time_passes()
        self.presents(which, generation, retry)
        self.presents(which, max(self.models[which].generation + then, 1), key)

    @rule(which=which, offset=offsets, key=keys)
    def refreshes_once(self, which: int, offset: int, key: str) -> None:
        self.presents(which, max(self.models[which].generation + offset, 1), key)

    @rule(which=which, key=keys)
    def refreshes_with_a_token_of_nobody(self, which: int, key: str) -> None:
        """Signed by us, for this session, but for another user: no session, and no ending."""
        stranger, _ = User.objects.get_or_create(username="stranger")
        expected = "session_ended"
        if not self.user.is_active:
            expected = self.models[which].refresh(1, key, active=False)
        elif self.models[which].end_reason == "password_changed":
            expected = "password_changed"
        token = self.token(which, self.models[which].generation, user=stranger)
        assert self.outcome(token, key) == expected

    @rule()
    def time_passes(self) -> None:
        self.rows().update(rotated_at=F("rotated_at") - LATER)
        for model in self.models:
            model.recent = False

    @rule(which=which, lost=st.integers(1, 3))
    def writes_are_lost(self, which: int, lost: int) -> None:
        """A failover: the counter is back where it was; nothing else here knows the difference."""
        model = self.models[which]
        model.generation = max(model.generation - lost, 1)
        self.rows().filter(pk=self.sessions[which].pk).update(generation=model.generation)

    @rule(which=which, how=st.sampled_from(["logout", "all", "password", "inactive", "quietly"]))
    def something_ends_it(self, which: int, how: str) -> None:
        """One rule for all endings, or few runs would get anywhere."""
        alive = [model for model in self.models if not model.end_reason]
        if how == "logout":
            assert end_session(self.sessions[which]) == (not self.models[which].end_reason)
            self.all_end("logout", [self.models[which]])
        elif how == "all":
            assert end_all_sessions(self.user) == len(alive)
            self.all_end("logout_all", alive)
        elif how == "password":
            self.user.set_password(f"after {self.user.password}"[:50])
            self.user.save()
            self.all_end("password_changed" if self.user.is_active else "user_inactive", alive)
        elif how == "inactive":
            self.user.is_active = False
            self.user.save()
            self.all_end("user_inactive", alive)
        else:  # QuerySet.update() sends no signal; the next refresh sees it
            self.user.is_active = False
            User.objects.filter(pk=self.user.pk).update(is_active=False)

    @precondition(lambda self: not self.user.is_active)
    @rule()
    def is_reactivated(self) -> None:
        """It brings no session back."""
        User.objects.filter(pk=self.user.pk).update(is_active=True)
        self.user.is_active = True

    @invariant()
    def the_row_is_as_the_model_says(self) -> None:
        for session, model in zip(self.sessions, self.models, strict=True):
            row = Session.objects.get(pk=session.pk)
            assert (row.generation, row.end_reason) == (model.generation, model.end_reason)
            assert (row.ended_at is not None) == bool(model.end_reason)
            assert bool(row.idempotency_key_hash) == bool(model.key)

    def presents(self, which: int, generation: int, key: str) -> None:
        expected = self.models[which].refresh(generation, key, self.user.is_active)
        assert self.outcome(self.token(which, generation), key) == expected

    def rows(self) -> QuerySet[Session]:
        return Session.objects.filter(pk__in=[session.pk for session in self.sessions])

    def token(self, which: int, generation: int, user: User | None = None) -> str:
        row = Session.objects.select_related("user").get(pk=self.sessions[which].pk)
        row.generation = generation
        return mint_refresh(user or row.user, row)

    @staticmethod
    def outcome(token: str, key: str) -> int | str:
        try:
            grant = refresh_session(token, idempotency_key=key)
        except TokenRefused as refused:
            return refused.reason
        return read_refresh(grant.refresh).generation

    @staticmethod
    def all_end(reason: str, models: list[Model]) -> None:
        """The first reason wins."""
        for model in models:
            model.end_reason = model.end_reason or reason


@pytest.mark.django_db
def test_the_store_does_what_the_model_does() -> None:
    run_state_machine_as_test(
        Store,
        settings=settings(
            max_examples=15,
            stateful_step_count=15,
            deadline=None,
            # The same runs each time: CI is no place for surprises.
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
