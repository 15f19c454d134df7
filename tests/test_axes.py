"""django-axes beside us, without a line of glue."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from rest_framework.test import APIClient

from tests.fixtures import PASSWORD

pytestmark = pytest.mark.any_database

LIMIT = 3


@pytest.fixture(autouse=True)
def _axes(settings: Any) -> Iterator[None]:
    """What its documentation says to add to a project."""
    with override_settings(
        AXES_ENABLED=True,
        AXES_FAILURE_LIMIT=LIMIT,
        AXES_RESET_ON_SUCCESS=True,
        AUTHENTICATION_BACKENDS=[
            "axes.backends.AxesStandaloneBackend",
            "django.contrib.auth.backends.ModelBackend",
        ],
        MIDDLEWARE=[*settings.MIDDLEWARE, "axes.middleware.AxesMiddleware"],
    ):
        yield


@pytest.fixture
def attempt(api: APIClient, alice: User) -> Callable[[str], int]:
    def attempt(password: str) -> int:
        status: int = api.post(
            "/api/token/", {"username": "alice", "password": password}
        ).status_code
        return status

    return attempt


def test_lockout_response_reaches_the_client(attempt: Callable[[str], int]) -> None:
    assert [attempt("wrong") for _ in range(LIMIT)] == [401, 401, 429]
    assert attempt(PASSWORD) == 429


def test_a_success_resets_its_count(attempt: Callable[[str], int]) -> None:
    for _ in range(3):
        assert [attempt("wrong") for _ in range(LIMIT - 1)] == [401, 401]
        assert attempt(PASSWORD) == 200
