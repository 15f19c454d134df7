"""Users who are saved through a proxy, a child or a parent of the user model."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db.models.signals import post_save, pre_delete, pre_save

from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session, refresh_session
from drf_ratchet.sessions.fingerprint import is_unchanged
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.starts]

# By name: nothing of models.py can be imported in the process of the whole run.
OF_THE_USER = ["Member", "Editor", "Employee", "Robot"]
RELATIVES = [*OF_THE_USER, "Account", "AnyAccount"]


def named(name: str) -> Any:
    return apps.get_model("user_relatives", name)


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Any:
    return named(request.param)


def user_of(model: Any) -> Any:
    """A user who can be had through a model."""
    kind = model if model.__name__ in ("Employee", "Robot") else named("Member")
    kind(email="someone@example.com", password=make_password(PASSWORD)).save()
    return get_user_model().objects.get()


def as_seen_by(model: Any) -> Any:
    return model.objects.get(email="someone@example.com")


def reason() -> str:
    return Session.objects.get().end_reason


def test_a_child_may_have_another_key() -> None:
    member, robot = named("Member"), named("Robot")
    member(email="the first").save()
    robot(email="someone@example.com").save()
    assert as_seen_by(robot).pk != as_seen_by(member).pk
    open_session(as_seen_by(member))
    found = as_seen_by(robot)
    found.is_active = False
    found.save()
    assert reason() == "user_inactive"


@pytest.mark.parametrize("model", RELATIVES, indirect=True)
@pytest.mark.parametrize("fields", [None, ["password"]])
def test_a_new_password_ends_sessions(model: Any, fields: Any) -> None:
    open_session(user_of(model))
    found = as_seen_by(model)
    found.set_password("another one")
    found.save(update_fields=fields)
    assert reason() == "password_changed"


@pytest.mark.parametrize("model", RELATIVES, indirect=True)
def test_deactivation_ends_sessions(model: Any) -> None:
    open_session(user_of(model))
    found = as_seen_by(model)
    found.is_active = False
    found.save()
    assert reason() == "user_inactive"


@pytest.mark.parametrize("model", RELATIVES, indirect=True)
def test_another_save_ends_nothing(model: Any) -> None:
    token = open_session(user_of(model)).refresh
    as_seen_by(model).save()
    assert reason() == ""
    assert refresh_session(token).session.generation == 2


@pytest.mark.parametrize("model", RELATIVES, indirect=True)
def test_a_hashers_upgrade_ends_nothing(model: Any, settings: Any) -> None:
    open_session(user_of(model))
    newer = "tests.hashers.OfThisYear"
    settings.PASSWORD_HASHERS = [newer, *settings.PASSWORD_HASHERS]
    found = as_seen_by(model)
    before = found.password
    assert found.check_password(PASSWORD)
    assert get_user_model().objects.get().password != before
    assert is_unchanged(get_user_model().objects.get(), Session.objects.get().fingerprint)
    assert reason() == ""


@pytest.mark.parametrize("model", RELATIVES, indirect=True)
def test_deletion_ends_sessions(model: Any) -> None:
    open_session(user_of(model))
    as_seen_by(model).delete()
    assert reason() == "user_deleted"
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("model", RELATIVES, indirect=True)
def test_deletion_by_a_query_ends_sessions(model: Any) -> None:
    open_session(user_of(model))
    model.objects.all().delete()
    assert reason() == "user_deleted"


@pytest.mark.parametrize("model", ["Employee", "Robot"], indirect=True)
def test_a_child_that_keeps_its_parent_ends_nothing(model: Any) -> None:
    open_session(user_of(model))
    as_seen_by(model).delete(keep_parents=True)
    assert get_user_model().objects.exists()
    assert reason() == ""


@pytest.mark.parametrize("model", OF_THE_USER, indirect=True)
def test_a_session_is_the_users_whatever_model_opens_it(model: Any) -> None:
    someone = user_of(model)
    token = open_session(as_seen_by(model)).refresh
    assert Session.objects.get().user_id == someone.pk
    assert refresh_session(token).session.user.pk == someone.pk


def test_a_new_account_ends_nothing() -> None:
    open_session(user_of(named("Member")))
    model = named("Account")
    model(email="other@example.com", password=make_password("x")).save()
    account = model.objects.get(email="other@example.com")
    account.is_active = False
    account.save()
    assert reason() == ""


def test_other_models_have_no_receivers() -> None:
    for signal in (pre_save, post_save, pre_delete):
        assert not signal.has_listeners(named("Thing"))
        assert not signal.has_listeners(Session)
