"""The phases: in beside processes without the line, and out by draining."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from compat_tests.simplejwt.calls import Pair, past_grace, refresh, refused, sign_in, signed_in
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_all_sessions, end_session
from drf_ratchet_compat.simplejwt import binding, blacklist, seams

Kept: Any = OutstandingToken
Blacklisted: Any = BlacklistedToken
Bridge = Callable[..., None]


@contextmanager
def without_the_line() -> Iterator[None]:
    """Run plain simplejwt."""
    seams.uninstall()
    try:
        with blacklist.by_the_bridge():
            yield
    finally:
        seams.install()


class TestMark:
    @pytest.fixture(autouse=True)
    def marks(self, bridge: Bridge) -> None:
        bridge(PHASE="mark")

    def test_simplejwt_rotates_and_the_claims_stay(self, client: APIClient, alice: Any) -> None:
        pair = sign_in(client)
        newer = refresh(client, pair.refresh)
        assert newer.payload["drf_ratchet"] == pair.payload["drf_ratchet"]
        assert pair.session.generation == 1
        assert Blacklisted.objects.count() == 1
        assert refused(client, pair.refresh)

    def test_nothing_is_enforced(self, client: APIClient, pair: Pair) -> None:
        end_session(pair.session)
        assert signed_in(client, pair.access)
        refresh(client, pair.refresh)

    def test_a_logout_counts_once_it_is_enforced(
        self, client: APIClient, pair: Pair, bridge: Bridge
    ) -> None:
        newer = refresh(client, pair.refresh)
        client.post("/logout/", {"refresh": newer.refresh})
        bridge(PHASE="enforce")
        assert refused(client, newer.refresh)
        assert not signed_in(client, newer.access)

    def test_a_process_without_the_line_agrees_at_every_moment(
        self, client: APIClient, pair: Pair
    ) -> None:
        used, last = [], pair.refresh
        for turn in range(4):
            used.append(last)
            if turn % 2:
                last = refresh(client, last).refresh
            else:
                with without_the_line():
                    last = refresh(client, last).refresh
            for token in used:
                assert refused(client, token)
                with without_the_line():
                    assert refused(client, token)
        with without_the_line():
            client.post("/logout/", {"refresh": last})
        assert refused(client, last)


class TestDrain:
    @pytest.fixture
    def drained(self, client: APIClient, pair: Pair, bridge: Bridge) -> list[str]:
        """Tokens of one session: used before, used while draining twice, and the last."""
        tokens = [pair.refresh]
        for phase in ("enforce", "drain", "drain"):
            bridge(PHASE=phase)
            past_grace()
            tokens.append(refresh(client, tokens[-1]).refresh)
        return tokens

    def test_what_was_used_meanwhile_stays_refused(
        self, client: APIClient, drained: list[str]
    ) -> None:
        with without_the_line():
            for used in drained[1:3]:
                assert refused(client, used)
            assert signed_in(client, refresh(client, drained[3]).access)

    def test_the_rules_of_the_counter_go_on(self, client: APIClient, drained: list[str]) -> None:
        assert refresh(client, drained[2]).refresh == drained[3]  # within grace
        assert refused(client, drained[0])
        assert Session.objects.get().end_reason == "reuse_detected"
        assert refused(client, drained[3])
        with without_the_line():
            assert refused(client, drained[3])

    @pytest.mark.parametrize("how", ["one", "all", "logout"])
    def test_an_ended_session_stays_ended(
        self, how: str, client: APIClient, drained: list[str], alice: Any
    ) -> None:
        if how == "one":
            end_session(Session.objects.get())
        elif how == "all":
            end_all_sessions(alice)
        else:
            client.post("/logout/", {"refresh": drained[3]})
        with without_the_line():
            assert refused(client, drained[3])

    @pytest.mark.parametrize("turn", [0, 1, 2])
    def test_revoking_all_rows_ends_the_session(
        self, turn: int, client: APIClient, drained: list[str]
    ) -> None:
        last = drained[3]
        for _ in range(turn):
            last = refresh(client, last).refresh
        past_grace()
        unrevoked = Kept.objects.filter(blacklistedtoken__isnull=True)
        Blacklisted.objects.bulk_create(Blacklisted(token=token) for token in unrevoked)
        assert refused(client, last)
        with without_the_line():
            assert refused(client, last)

    def test_in_again(self, client: APIClient, drained: list[str], bridge: Bridge) -> None:
        with without_the_line():
            theirs = refresh(client, drained[3])
        bridge(PHASE="enforce")
        assert refused(client, drained[3])
        newer = refresh(client, theirs.refresh)
        for used in drained:
            assert refused(client, used)
        past_grace()
        assert refresh(client, newer.refresh).session == newer.session

    def test_back_to_enforcing_in_between(
        self, client: APIClient, drained: list[str], bridge: Bridge
    ) -> None:
        bridge(PHASE="enforce")
        last = drained[3]
        for _ in range(3):
            last = refresh(client, last).refresh
        assert Session.objects.get().ended_at is None


def test_without_draining_a_used_token_lives_again(client: APIClient, pair: Pair) -> None:
    """The price of taking the line out at once, as docs/migrating.md states it."""
    newer = refresh(client, pair.refresh)
    with without_the_line():
        assert refresh(client, pair.refresh)
        assert refresh(client, newer.refresh)


def test_the_jti_is_not_to_be_guessed(pair: Pair, settings: Any) -> None:
    known = pair.session.pk, 1
    assert binding.jti_of(*known) == pair.payload["jti"]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key, as long as one should be at the least"
    assert binding.jti_of(*known) != pair.payload["jti"]
    assert binding.is_ours(pair.payload, binding.read(pair.payload))  # type: ignore[arg-type]


def test_a_tab_that_read_the_row_before_another_rotated_it_goes_on(
    client: APIClient, pair: Pair, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge(PHASE="drain")
    looked_up, answers = blacklist.revoked, []

    def look_up_late(*args: Any, **kwargs: Any) -> str:
        monkeypatch.setattr(blacklist, "revoked", looked_up)
        answers.append(refresh(APIClient(), pair.refresh))  # the other tab is quicker
        return looked_up(*args, **kwargs)

    monkeypatch.setattr(blacklist, "revoked", look_up_late)
    mine = refresh(client, pair.refresh)
    assert mine.payload["jti"] == answers[0].payload["jti"]
