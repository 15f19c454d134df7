"""The user of a request that asked the database nothing."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.signals import post_save

from drf_ratchet.exceptions import TokenNotValid
from drf_ratchet.sessions.lazy_user import lazy_user
from drf_ratchet.tokens.errors import TokenRefused

pytestmark = pytest.mark.django_db


@pytest.fixture
def lazy(alice: User) -> Any:
    return lazy_user(str(alice.pk))


def test_what_costs_nothing(lazy: Any, alice: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert type(lazy) is User
        assert lazy.pk == alice.pk  # an int: the field's type
        assert lazy == alice
        assert hash(lazy) == hash(alice)
        assert lazy.is_authenticated
        assert not lazy.is_anonymous


def test_everything_else_is_one_query(lazy: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert lazy.username == "alice"
        assert lazy.email == "alice@example.com"
        assert lazy.is_active
        assert str(lazy) == "alice"
        assert lazy.get_deferred_fields() == set()


def test_refresh_from_db_is_djangos_again(lazy: Any) -> None:
    assert lazy.username == "alice"
    User.objects.update(first_name="Alice", last_name="A.")
    lazy.refresh_from_db(fields=["first_name"])
    assert (lazy.first_name, lazy.last_name) == ("Alice", "")
    lazy.refresh_from_db()
    assert lazy.last_name == "A."


def test_refresh_from_db_before_anything_else(lazy: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        lazy.refresh_from_db()
        assert lazy.username == "alice"


def test_what_was_set_stays_set(lazy: Any, django_assert_num_queries: Any) -> None:
    lazy.first_name = "Alicia"
    assert lazy.username == "alice"
    assert lazy.first_name == "Alicia"


def test_saving_writes_what_was_set_and_no_more(lazy: Any) -> None:
    User.objects.update(last_name="changed elsewhere")
    lazy.first_name = "Alicia"
    lazy.save()
    stored = User.objects.get()
    assert (stored.first_name, stored.last_name) == ("Alicia", "changed elsewhere")


def test_its_saves_are_the_users(lazy: Any) -> None:
    saved = []

    def note(instance: User, **kwargs: Any) -> None:
        saved.append(instance)

    post_save.connect(note, sender=User)
    try:
        lazy.save()
    finally:
        post_save.disconnect(note, sender=User)
    assert saved == [lazy]


def test_a_deleted_user_is_a_401(lazy: Any) -> None:
    User.objects.all().delete()
    with pytest.raises(TokenNotValid) as caught:
        _ = lazy.username
    assert caught.value.status_code == 401


def test_relations(lazy: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert list(lazy.ratchet_sessions.all()) == []


def test_a_subject_that_is_no_id() -> None:
    with pytest.raises(TokenRefused):
        lazy_user("not a number")
