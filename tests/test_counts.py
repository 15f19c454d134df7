"""What a request costs, counted: a clock would tell of the machine, and fail on a busy one."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.sessions import open_session
from tests.fixtures import Tokens

pytestmark = pytest.mark.any_database

#: Calls, of Python's and of C functions, that an authenticated request makes beyond a bare view.
#: Measured: 54 and 62 with Python 3.11 and Django 5.2, 74 and up to 66 with Python 3.13 and Django
#: 6.1; some 15 of them are DRF's own.
MOST = {"bounded": 80, "expiry": 75}
#: Calls of a sign-in without its request, and of a refresh by HTTP with its rate limit; the
#: database's driver makes a part of them. Measured with Python 3.11 and Django 5.2: up to 1,902 and
#: 2,929 on SQLite; with Python 3.13 and Django 6.1 some 170 more. 320 of the latter find out the
#: visitor's language, and 1,000 of the former are the model's save(), beside a password hash of a
#: quarter of a second.
MOST_OF_SIGN_IN = 2150
MOST_OF_REFRESH = 3200
without_mariadb = pytest.mark.skipif(
    connection.vendor == "mysql", reason="its driver here is written in Python"
)


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


@without_mariadb
def test_calls_of_a_sign_in(alice: User, show: Callable[[str], None]) -> None:
    open_session(alice)  # what is worked out once is
    calls = calls_in(lambda: open_session(alice))
    show(f"calls of open_session(): {calls}")
    assert calls <= MOST_OF_SIGN_IN


@without_mariadb
def test_calls_of_a_refresh(
    tokens: Tokens,
    refresh: Callable[..., Response],
    show: Callable[[str], None],
) -> None:
    token = refresh(tokens.refresh).json()["refresh"]
    answers: list[Response] = []
    calls = calls_in(lambda: answers.append(refresh(token)))
    show(f"calls of a refresh by HTTP: {calls}")
    assert answers[0].status_code == 200
    assert calls <= MOST_OF_REFRESH


#: What takes longer to import than all of ours, and nobody needs whose keys are derived.
LATE = ("joserfc", "cryptography.x509", "ratchet_tokens.key_files")

START = """
import sys
import django
from django.conf import settings
apps = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "drf_ratchet"]
settings.configure(INSTALLED_APPS=apps, SECRET_KEY="0123456789" * 5)
django.setup()
import drf_ratchet.urls
from drf_ratchet.keyring import keyring
keyring().access.signing.sign(b"message")
print(*sys.modules)
"""


@pytest.mark.starts
def test_what_a_start_imports(show: Callable[[str], None]) -> None:
    program = [sys.executable, "-c", START]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()
    show(f"modules of a start: {len(said)}")
    assert "drf_ratchet.views" in said
    assert not [name for name in said if name.startswith(LATE)]
