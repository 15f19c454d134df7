"""A user model with an email address for a name, a UUID key and a manager that hides users."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from tests.custom_user.looking import answer_to
from tests.custom_user.test_story import assert_refused, name_of
from tests.fixtures import PASSWORD, Tokens, payload

pytestmark = pytest.mark.starts

ONLY = ("email",)
PROTECTED = "/api/protected/"


def post(api: APIClient, email: str, password: str = PASSWORD) -> Response:
    answer: Response = api.post("/api/token/", {"email": email, "password": password})
    return answer


def hide(user: Any, hidden: bool = True) -> None:
    everybody: Any = get_user_model()
    assert everybody.everybody.filter(pk=user.pk).update(is_hidden=hidden) == 1


class TestSignIn:
    def test_the_subject_is_the_uuid(self, tokens: Tokens, alice: Any) -> None:
        for token in (tokens.access, tokens.refresh):
            assert UUID(payload(token)["sub"]) == alice.pk
        alice.refresh_from_db()
        assert alice.last_login is not None

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("nobody@example.com", PASSWORD),
            ("alice@example.com", "wrong"),
            ("no address", PASSWORD),
            ("a" * 4000, PASSWORD),
        ],
    )
    def test_refused(self, api: APIClient, alice: Any, email: str, password: str) -> None:
        answer = post(api, email, password)
        assert answer.status_code in (400, 401)
        assert not Session.objects.exists()

    def test_the_field_has_the_models_name(self, api: APIClient, alice: Any) -> None:
        answer = api.post("/api/token/", {"username": alice.email, "password": PASSWORD})
        assert answer.status_code == 400
        assert answer.json().keys() == {"email"}

    def test_queries(self, api: APIClient, alice: Any, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(3):
            assert post(api, alice.email).status_code == 200


def test_a_retried_refresh(
    api: APIClient, tokens: Tokens, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(2):
        answer = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
    assert payload(answer.json()["refresh"])["gen"] == 2
    again = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
    assert again.json()["refresh"] == answer.json()["refresh"]


class TestHidden:
    """A user whom the default manager hides is not there, for as long as they are hidden."""

    def test_cannot_sign_in(self, api: APIClient, alice: Any) -> None:
        unknown = post(api, "nobody@example.com")
        hide(alice)
        hidden = post(api, alice.email)
        assert hidden.status_code == 401
        assert hidden.json() == unknown.json()

    def test_every_token_is_refused_and_nothing_ends(
        self, api: APIClient, tokens: Tokens, alice: Any, freshness: str
    ) -> None:
        before = list(Session.objects.values())
        hide(alice)
        for answer in (
            api.post("/api/token/refresh/", {"refresh": tokens.refresh}),
            api.post("/api/token/verify/", {"token": tokens.access}),
            api.post("/api/token/verify/", {"token": tokens.refresh}),
            api.post("/api/logout/", {}, **tokens.bearer),
            api.get("/api/sessions/", **tokens.bearer),
        ):
            assert_refused(answer, "session_ended")
        reason = "session_ended" if freshness == "immediate" else "user_inactive"
        assert_refused(answer_to(name_of, tokens), reason)
        unseen = 401 if freshness == "immediate" else 200
        assert api.get(PROTECTED, **tokens.bearer).status_code == unseen
        assert list(Session.objects.values()) == before

    def test_shown_again(self, api: APIClient, tokens: Tokens, alice: Any, freshness: str) -> None:
        hide(alice)
        refused = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
        assert_refused(refused, "session_ended")
        hide(alice, False)
        assert answer_to(name_of, tokens).status_code == 200
        again = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
        assert again.json()["refresh"] != tokens.refresh

    def test_can_still_log_out(self, api: APIClient, tokens: Tokens, alice: Any) -> None:
        hide(alice)
        assert api.post("/api/logout/", {"refresh": tokens.refresh}).status_code == 200
        assert tokens.session.end_reason == "logout"

    def test_other_users_stay_visible(
        self,
        api: APIClient,
        tokens: Tokens,
        make: Callable[..., Any],
        bob: Any,
        freshness: str,
        django_assert_max_num_queries: Any,
    ) -> None:
        hide(bob)
        with django_assert_max_num_queries(2):
            answer = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
        assert answer.status_code == 200
