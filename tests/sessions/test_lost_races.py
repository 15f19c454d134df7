"""What happens when the row changes between a refresh's read and its update.

The project's claims are asked for between the two, so a claims callable is the other request.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from drf_ratchet.models import Session
from drf_ratchet.sessions import (
    Contended,
    Grant,
    Outcome,
    end_session,
    keep_session,
    open_session,
    refresh_session,
)
from drf_ratchet.sessions.grant import mint_refresh
from ratchet_tokens.errors import Reason, TokenRefused
from tests.fixtures import PASSWORD, payload

pytestmark = pytest.mark.django_db


def token_of(generation: int) -> str:
    session = Session.objects.select_related("user").get()
    session.generation = generation
    return mint_refresh(session.user, session)


def refresh_while(meanwhile: Callable[[Session], object], token: str) -> Grant:
    """Refresh, with something else happening once before the update."""
    waiting = [meanwhile]

    def claims(user: User, *, session: Session, request: Any) -> dict[str, Any]:
        if waiting:
            waiting.pop()(Session.objects.get(pk=session.pk))
        return {}

    with override_settings(DRF_RATCHET={"CLAIMS": claims}):
        return refresh_session(token)


def test_a_logout_wins(alice: User) -> None:
    token = open_session(alice).refresh
    with pytest.raises(TokenRefused) as caught:
        refresh_while(end_session, token)
    assert caught.value.reason is Reason.SESSION_ENDED
    row = Session.objects.get()
    assert (row.generation, row.end_reason) == (1, "logout")


def test_another_refresh_wins(alice: User) -> None:
    token = open_session(alice).refresh
    won: list[Grant] = []
    lost = refresh_while(lambda session: won.append(refresh_session(token)), token)
    assert lost.outcome is Outcome.REPEAT
    assert lost.refresh == won[0].refresh
    assert payload(lost.refresh)["gen"] == Session.objects.get().generation == 2


def test_a_session_pruned(alice: User) -> None:
    token = open_session(alice).refresh
    with pytest.raises(TokenRefused) as caught:
        refresh_while(lambda session: session.delete(), token)
    assert caught.value.reason is Reason.SESSION_ENDED


def test_refresh_that_loses_every_race_gives_up(alice: User) -> None:
    """Bounded: a refresh that loses every time gives up instead of spinning."""
    open_session(alice)

    def claims(user: User, *, session: Session, request: Any) -> dict[str, Any]:
        Session.objects.filter(pk=session.pk).update(generation=session.generation - 1)
        return {}

    Session.objects.update(generation=50)
    token = token_of(50)
    with (
        override_settings(DRF_RATCHET={"CLAIMS": claims, "CATCH_UP_LIMIT": 100}),
        pytest.raises(Contended),
    ):
        refresh_session(token)


def upgrade(session: Session) -> None:
    """Alice signs in elsewhere, and her password is rehashed by a newer hasher."""
    assert User.objects.get().check_password(PASSWORD)


def change_password_here(session: Session) -> None:
    """Another tab changes the password and keeps this session."""
    user = User.objects.get()
    user.set_password("correct horse battery")
    with keep_session({"sid": str(session.pk)}):
        user.save()


@pytest.mark.parametrize("meanwhile", [upgrade, change_password_here])
def test_a_new_stamp_is_not_overwritten(alice: User, meanwhile: Any, settings: Any) -> None:
    token = open_session(alice).refresh
    settings.PASSWORD_HASHERS = [
        "tests.hashers.OfThisYear",
        *settings.PASSWORD_HASHERS,
    ]
    second = refresh_while(meanwhile, token)
    assert refresh_session(second.refresh).outcome is Outcome.ADVANCE
    assert Session.objects.get().end_reason == ""
