"""Count the queries with the bridge, and those of simplejwt without it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from compat_tests.simplejwt.calls import Pair, plain_token, refresh, sign_in, signed_in
from compat_tests.simplejwt.inside.test_phases import without_the_line


def queries(act: Callable[[], Any]) -> int:
    """Count the statements, without those that open and close a savepoint of the test's."""
    with CaptureQueriesContext(connection) as captured:
        act()
    marks = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return sum(not one["sql"].startswith(marks) for one in captured.captured_queries)


@pytest.mark.parametrize(("freshness", "number"), [("immediate", 2), ("bounded", 1), ("expiry", 1)])
def test_of_a_request(
    freshness: str, number: int, client: APIClient, pair: Pair, settings: Any
) -> None:
    settings.DRF_RATCHET = {"FRESHNESS": freshness}
    signed_in(client, pair.access)
    assert queries(lambda: signed_in(client, pair.access)) == number
    with without_the_line():
        assert queries(lambda: signed_in(client, pair.access)) == 1


def test_of_a_refresh(client: APIClient, alice: Any, show: Callable[[str], None]) -> None:
    with without_the_line():
        token = str(plain_token(alice))
        theirs = queries(lambda: refresh(client, token))
    last = sign_in(client).refresh
    ours = queries(lambda: refresh(client, last))
    again = queries(lambda: refresh(client, last))
    show(f"queries of a refresh: simplejwt {theirs}, with the bridge {ours}, repeated {again}")
    assert (ours, again) == (5, 3)
    assert theirs == 9


def test_of_a_sign_in(client: APIClient, alice: Any, show: Callable[[str], None]) -> None:
    with without_the_line():
        theirs = queries(lambda: sign_in(client))
    ours = queries(lambda: sign_in(client))
    show(f"queries of a sign-in: simplejwt {theirs}, with the bridge {ours}")
    assert ours == theirs + 1
