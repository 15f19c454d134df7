"""What a request costs, counted: a clock would tell of the machine, and fail on a busy one."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from drf_ratchet.authentication import JWTAuthentication
from tests.conftest import Tokens

pytestmark = pytest.mark.any_database

#: Calls, of Python's and of C functions, that an authenticated request makes beyond a bare view.
#: Measured: 44 and 52 with Python 3.11 and Django 6.1; some 15 of them are DRF's own.
MOST = {"bounded": 65, "expiry": 55}


class Hello(APIView):
    def get(self, request: Request) -> Response:
        return Response({})


BARE: Any = Hello.as_view(authentication_classes=[], permission_classes=[AllowAny])
OURS: Any = Hello.as_view(
    authentication_classes=[JWTAuthentication], permission_classes=[IsAuthenticated]
)


def calls_in(function: Callable[[], object]) -> int:
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("freshness", MOST)
def test_calls_of_a_request(tokens: Tokens, freshness: str, show: Callable[[str], None]) -> None:
    with override_settings(DRF_RATCHET={"FRESHNESS": freshness}):
        request = APIRequestFactory().get("/", **tokens.bearer)
        for view in (BARE, OURS):
            assert view(request).status_code == 200  # what is worked out once is
        ours, bare = calls_in(lambda: OURS(request)), calls_in(lambda: BARE(request))

    show(f"calls of an authenticated request beyond a bare view, {freshness}: {ours - bare}")
    assert ours - bare <= MOST[freshness]


def test_queries_of_a_refresh(
    tokens: Tokens, refresh: Callable[..., Response], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        assert refresh(tokens.refresh).status_code == 200
