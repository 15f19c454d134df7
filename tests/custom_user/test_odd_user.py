"""A user model of two tables, with a field that converts and a ``from_db`` of its own.

Not collected with the rest: another user model needs another process.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from drf_ratchet.sessions import living, open_session, refresh_session, store
from tests.custom_user.models import OddUser

BORN = datetime(2000, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


@pytest.fixture
def odd(db: None) -> OddUser:
    user = OddUser(email="o@example.com", code="abc", born=BORN, preferences={"a": [1, None]})
    user.set_password("ratchet-demo-1")
    user.save()
    return user


def assert_whole(user: Any, odd: OddUser) -> None:
    assert user == odd
    assert (user.code, user.born, user.preferences) == ("ABC", BORN, {"a": [1, None]})
    assert user.is_active is True
    assert user.seen_by_from_db
    assert user.get_deferred_fields() == set()


def test_it_is_read_as_django_reads_it(
    odd: OddUser, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session(odd).session.pk
    for _ in range(2):
        with django_assert_num_queries(1):
            found = living.find(session)
        assert found is not None
        assert_whole(found.user, odd)
        with django_assert_num_queries(1):
            read = store.read(session)
            assert read is not None
            assert_whole(read.session.user, odd)


def test_from_sign_in_to_refresh(odd: OddUser) -> None:
    grant = open_session(odd)
    assert grant.refresh is not None
    assert refresh_session(grant.refresh).session.user == odd
