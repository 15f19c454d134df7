"""docs/reference/endpoints.md: the endpoints beside allauth's, and what they respond."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from drf_ratchet.allauth import app_urls, urls
from tests import console
from tests.allauth.headless import App, Browser
from tests.allauth.test_step_up import step_up
from tests.fixtures import PASSWORD

PAGE = (console.ROOT / "docs" / "reference" / "endpoints.md").read_text()
ROWS = {
    name: (path, cells)
    for path, name, cells in re.findall(
        r"^\| `POST (\S+)` \(`(allauth_\w+)`\) \| (.+) \|$", PAGE, re.M
    )
}


def code(answer: Any) -> tuple[int, str]:
    """The status and the code, which the row has to name."""
    return answer.status_code, answer.json()["code"]


@pytest.mark.any_database
def test_each_endpoint_is_there() -> None:
    patterns = [*app_urls.urlpatterns, *urls.urlpatterns]
    assert {pattern.name for pattern in patterns} == set(ROWS)
    for name, (path, _) in ROWS.items():
        assert reverse(name) == f"/api/{path}"


@pytest.mark.django_db(transaction=True)
def test_codes_of_a_step_up(app: App, alice: User) -> None:
    other = App()
    other.password()
    app.password()
    seen = {
        code(step_up(app)),
        code(step_up(app, refresh="x")),
        code(step_up(app, refresh=other.tokens["refresh_token"])),
        code(step_up(app, session_token=other.session_token)),
    }
    assert seen == {
        (401, "reauthentication_required"),
        (401, "token_not_valid"),
        (400, "different_sessions"),
        (401, "not_authenticated"),
    }
    _, row = ROWS["allauth_step_up"]
    assert [name for _, name in seen if f"`{name}`" not in row] == []
    app.post("auth/reauthenticate", password=PASSWORD)
    assert step_up(app).json().keys() == {"access", "refresh"}


@pytest.mark.django_db(transaction=True)
def test_codes_of_an_exchange(browser: Browser, alice: User, policy: Any) -> None:
    browser.password()
    seen = {
        code(browser.exchange(HTTP_SEC_FETCH_SITE="cross-site")),
        code(browser.exchange(HTTP_SEC_FETCH_STORAGE_ACCESS="none")),
        code(browser.exchange(HTTP_X_CSRFTOKEN="")),
    }
    assert browser.exchange().json().keys() == {"access", "expires_in"}
    seen.add(code(browser.exchange()))
    policy("tests.allauth.test_app.refuse")
    browser.password()
    seen.add(code(browser.exchange()))
    assert seen == {
        (403, "cross_site"),
        (403, "cookie_refused"),
        (403, "permission_denied"),
        (401, "not_authenticated"),
        (401, "no_active_account"),
    }
    _, row = ROWS["allauth_exchange"]
    assert [name for _, name in seen if f"`{name}`" not in row] == []
