"""Which saves are a hasher's upgrade, and which are a password change."""

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session
from drf_ratchet.sessions.fingerprint import is_unchanged
from tests.fixtures import PASSWORD

NEW = "tests.hashers.OfThisYear"


@pytest.fixture
def upgraded(alice: User, settings: Any) -> User:
    """Alice, with a session under the old hasher and a newer one in force."""
    open_session(alice)
    settings.PASSWORD_HASHERS = [NEW, *settings.PASSWORD_HASHERS]
    return User.objects.get()


def alive() -> bool:
    return is_unchanged(User.objects.get(), Session.objects.get().fingerprint)


def test_an_upgrade(upgraded: User) -> None:
    old = upgraded.password
    assert upgraded.check_password(PASSWORD)
    assert User.objects.get().password != old
    assert alive()


def test_only_sessions_of_that_password(upgraded: User) -> None:
    User.objects.update(password=make_password("since then", hasher="md5"))
    assert User.objects.get().check_password("since then")
    assert not alive()


def test_ended_sessions_are_not_changed(upgraded: User) -> None:
    Session.objects.update(ended_at=Session.objects.get().created_at)
    upgraded.check_password(PASSWORD)
    assert not alive()


@pytest.mark.parametrize("update_fields", [None, ["password"]])
def test_a_change(upgraded: User, update_fields: Any) -> None:
    upgraded.set_password("another")
    upgraded.save(update_fields=update_fields)
    assert not alive()


def test_a_change_by_assignment(upgraded: User) -> None:
    upgraded.password = make_password("another")
    upgraded.save(update_fields=["password"])
    assert not alive()


def test_a_change_by_assignment_after_an_upgrade(upgraded: User) -> None:
    """The same instance: Django's mark of an upgrade is still on it."""
    upgraded.check_password(PASSWORD)
    upgraded.password = make_password("another")
    upgraded.save(update_fields=["password"])
    assert not alive()
