"""docs/howto/registration.md without allauth: its code, Django's own view, and djoser.

``tests/allauth/test_howto_registration.py`` has its part with allauth.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import PasswordResetConfirmView
from django.core import mail
from django.test import Client
from django.urls import include, path
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from tests.docs.project import project_of
from tests.fixtures import PASSWORD, Tokens

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

NEW = "another-good-one-7"

urlpatterns = [
    path("api/", include("drf_ratchet.urls")),
    path("admin/", admin.site.urls),  # the page's template has a link to it
    path("accounts/", include("djoser.urls")),
    path("reset/<uidb64>/<token>/", PasswordResetConfirmView.as_view(success_url="/")),
]


@pytest.fixture
def _page() -> Iterator[None]:
    with project_of("howto/registration.md"):
        yield


def demand_ended(api: APIClient, tokens: Tokens) -> None:
    """The old tokens are refused as the page says, and the new password signs in."""
    assert api.get("/api/sessions/", **tokens.bearer).status_code == 401
    refused = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
    assert refused.status_code == 401
    assert refused.json()["code"] == "token_not_valid"
    assert refused.json()["reason"] == "password_changed"
    assert set(Session.objects.values_list("end_reason", flat=True)) == {"password_changed"}
    assert api.post("/api/token/", {"username": "alice", "password": NEW}).status_code == 200


def link_of(user: User) -> dict[str, str]:
    user.refresh_from_db()  # the sign-in has changed what the token depends on
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return {"uid": uid, "token": default_token_generator.make_token(user)}


@pytest.mark.usefixtures("_page")
def test_reset_ends_all_sessions(api: APIClient, alice: User, tokens: Tokens) -> None:
    asked = api.post("/api/password/reset/", {"email": alice.email})
    assert asked.status_code == 200
    [found] = re.findall(r"https://shop.example/reset#(.+)/(.+)", mail.outbox[0].body)
    link = dict(zip(("uid", "token"), found, strict=True))
    url = "/api/password/reset/confirm/"

    weak = api.post(url, {**link, "new_password1": "x", "new_password2": "y"})
    assert (weak.status_code, list(weak.json())) == (400, ["new_password2"])
    assert api.get("/api/sessions/", **tokens.bearer).status_code == 200

    body = {**link, "new_password1": NEW, "new_password2": NEW}
    done = api.post(url, body)
    assert done.status_code == 200
    assert not {"access", "refresh"} & set(done.json())
    again = api.post(url, body)
    assert (again.status_code, list(again.json())) == (400, ["token"])
    demand_ended(api, tokens)


@pytest.mark.usefixtures("_page")
@pytest.mark.parametrize(
    "change",
    [{"uid": None}, {"uid": "x"}, {"uid": [1]}, {"uid": "MTAwMA"}, {"token": "x"}, {"token": None}],
)
def test_bad_link(api: APIClient, alice: User, change: dict[str, Any]) -> None:
    passwords = {"new_password1": NEW, "new_password2": NEW}
    body = {**link_of(alice), **passwords, **change}
    answer = api.post("/api/password/reset/confirm/", body)
    assert (answer.status_code, list(answer.json())) == (400, ["token"])
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


@pytest.mark.usefixtures("_page")
def test_link_of_an_inactive_user(api: APIClient, alice: User) -> None:
    link = link_of(alice)
    User.objects.update(is_active=False)
    body = {**link, "new_password1": NEW, "new_password2": NEW}
    assert api.post("/api/password/reset/confirm/", body).status_code == 400


@pytest.mark.usefixtures("_page")
def test_address_without_an_account_looks_like_one_with(api: APIClient, alice: User) -> None:
    known, unknown, none = (
        api.post("/api/password/reset/", {"email": email})
        for email in (alice.email, "nobody@example.com", "x")
    )
    assert known.json() == unknown.json() == none.json()
    assert known.status_code == unknown.status_code == none.status_code == 200
    assert [one.to for one in mail.outbox] == [[alice.email]]


@pytest.mark.usefixtures("_page")
def test_requests_are_limited(api: APIClient, alice: User) -> None:
    answers = [api.post("/api/password/reset/", {"email": alice.email}) for _ in range(21)]
    assert [one.status_code for one in answers] == [200] * 20 + [429]


def test_page_of_django_ends_all_sessions(
    api: APIClient, alice: User, tokens: Tokens, settings: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    client, link = Client(), link_of(alice)
    form = client.get(f"/reset/{link['uid']}/{link['token']}/")
    client.post(form["Location"], {"new_password1": NEW, "new_password2": NEW})
    demand_ended(api, tokens)


def test_djoser_ends_all_sessions(
    api: APIClient, alice: User, tokens: Tokens, settings: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    body = {**link_of(alice), "new_password": NEW}
    answer = api.post("/accounts/users/reset_password_confirm/", body)
    assert answer.status_code == 204, answer.content
    demand_ended(api, tokens)
