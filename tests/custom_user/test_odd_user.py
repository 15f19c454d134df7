"""A user model of two tables, with a field that converts and a ``from_db`` of its own."""

from datetime import UTC, datetime
from typing import Any

import pytest

from drf_ratchet.sessions import open_session, store
from drf_ratchet.sessions.lazy_user import LazyUser

pytestmark = pytest.mark.starts

ONLY = ("odd",)
BORN = datetime(2000, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


@pytest.fixture
def odd(make: Any) -> Any:
    return make("alice", code="abc", born=BORN, preferences={"a": [1, None]})


def assert_whole(user: Any, odd: Any) -> None:
    assert user == odd
    assert (user.code, user.born, user.preferences) == ("ABC", BORN, {"a": [1, None]})
    assert user.is_active is True
    assert user.seen_by_from_db
    assert user.get_deferred_fields() == set()


def test_it_is_read_as_django_reads_it(odd: Any, django_assert_num_queries: Any) -> None:
    session = open_session(odd).session.pk
    for _ in range(2):
        with django_assert_num_queries(1):
            found = store.user_of(session)
        assert found is not None
        assert_whole(found.user, odd)
        with django_assert_num_queries(1):
            read = store.read(session)
            assert read is not None
            assert_whole(read.session.user, odd)
        with django_assert_num_queries(1):
            assert_whole(LazyUser(str(odd.pk)), odd)
