"""A browser without a window: Django's test client keeps cookies as a browser does."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.browser.cookies import cookie_name
from ratchet_tokens.claims import Kind
from tests.fixtures import PASSWORD

#: What a browser sends along with a script's request to its own site.
SAME_ORIGIN = {"HTTP_SEC_FETCH_SITE": "same-origin"}
BROWSER = "/api/browser/"


@pytest.fixture(autouse=True)
def _https_cookies() -> Iterator[None]:
    """The default, which the demo changes for plain HTTP."""
    with override_settings(DRF_RATCHET={"CLAIMS": "blog.claims.access_claims"}):
        yield


@pytest.fixture
def ask(api: APIClient) -> Callable[..., Response]:
    """Post to one of the endpoints for browsers, from a page of the site itself."""

    def ask(endpoint: str, body: Any = None, *, key: str = "", **headers: Any) -> Response:
        if key:
            headers["HTTP_IDEMPOTENCY_KEY"] = key
        return api.post(f"{BROWSER}{endpoint}/", body, **{**SAME_ORIGIN, **headers})

    return ask


@pytest.fixture
def login(ask: Callable[..., Response]) -> Callable[..., Response]:
    def login(username: str = "alice", password: str = PASSWORD, **headers: Any) -> Response:
        return ask("login", {"username": username, "password": password}, **headers)

    return login


@pytest.fixture
def signed_in(alice: User, login: Callable[..., Response]) -> Response:
    """The answer to alice's sign-in; her cookies are in the client."""
    response = login()
    assert response.status_code == 200, response.content
    return response


def cookie_in(api: APIClient, kind: Kind = Kind.COOKIE_REFRESH) -> str:
    """The token that the browser has in its cookie; "" for none."""
    morsel = api.cookies.get(cookie_name(kind))
    return morsel.value if morsel else ""


def put_cookie(api: APIClient, token: str, kind: Kind = Kind.COOKIE_REFRESH) -> None:
    """Have the browser send a token of our choice."""
    api.cookies[cookie_name(kind)] = token
