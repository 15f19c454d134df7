"""A user model with an email address for a name, a UUID for a key and a manager that hides users.

Not collected with the rest: another user model needs another process.
"""

from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from drf_ratchet.sessions import end_all_sessions, living_sessions, open_session
from tests.conftest import PASSWORD, Tokens, payload
from tests.custom_user.models import EmailUser

PROTECTED = "/api/protected/"


@pytest.fixture
def alice(db: None) -> EmailUser:
    return make("alice@example.com")


@pytest.fixture
def tokens(api: APIClient, alice: EmailUser) -> Tokens:
    answer = sign_in(api)
    assert answer.status_code == 200, answer.content
    return Tokens(**answer.json())


def make(email: str, **fields: Any) -> EmailUser:
    user = EmailUser(email=email, **fields)
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(api: APIClient, email: str = "alice@example.com", password: str = PASSWORD) -> Response:
    answer: Response = api.post("/api/token/", {"email": email, "password": password})
    return answer


def change(user: EmailUser, **fields: Any) -> None:
    assert EmailUser.everybody.filter(pk=user.pk).update(**fields) == 1


def refused(answer: Response, reason: str) -> None:
    assert answer.status_code == 401
    assert answer.json()["reason"] == reason


class TestSignIn:
    def test_by_email(self, api: APIClient, alice: EmailUser) -> None:
        answer = sign_in(api)

        access, refresh = (payload(answer.json()[kind]) for kind in ("access", "refresh"))
        assert UUID(access["sub"]) == UUID(refresh["sub"]) == alice.pk
        assert Session.objects.get().user == alice
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
    def test_refused(self, api: APIClient, alice: EmailUser, email: str, password: str) -> None:
        answer = sign_in(api, email, password)

        assert answer.status_code == 401
        assert answer.json()["code"] == "no_active_account"
        assert not Session.objects.exists()

    def test_the_field_has_the_models_name(self, api: APIClient, alice: EmailUser) -> None:
        answer = api.post("/api/token/", {"username": alice.email, "password": PASSWORD})

        assert answer.status_code == 400
        assert answer.json().keys() == {"email"}

    def test_queries(
        self, api: APIClient, alice: EmailUser, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(3):
            assert sign_in(api).status_code == 200


class TestSignedIn:
    def test_a_request(
        self, api: APIClient, tokens: Tokens, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            assert api.get(PROTECTED, **tokens.bearer).status_code == 200

    def test_refresh(
        self, api: APIClient, tokens: Tokens, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(2):
            answer = api.post("/api/token/refresh/", {"refresh": tokens.refresh})

        assert answer.status_code == 200
        assert payload(answer.json()["refresh"])["gen"] == 2
        again = api.post("/api/token/refresh/", {"refresh": tokens.refresh})
        assert again.json()["refresh"] == answer.json()["refresh"]

    def test_logout(self, api: APIClient, tokens: Tokens) -> None:
        assert api.post("/api/logout/", {"refresh": tokens.refresh}).status_code == 200

        refused(api.get(PROTECTED, **tokens.bearer), "session_ended")
        refused(api.post("/api/token/refresh/", {"refresh": tokens.refresh}), "session_ended")
        assert tokens.session.end_reason == "logout"

    def test_verify(self, api: APIClient, tokens: Tokens) -> None:
        for token in (tokens.access, tokens.refresh):
            assert api.post("/api/token/verify/", {"token": token}).json() == {}

    def test_a_new_password(self, api: APIClient, tokens: Tokens, alice: EmailUser) -> None:
        alice.set_password("another one")
        alice.save()

        refused(api.get(PROTECTED, **tokens.bearer), "password_changed")
        refused(api.post("/api/token/refresh/", {"refresh": tokens.refresh}), "password_changed")
        assert tokens.session.end_reason == "password_changed"

    def test_all_devices(self, tokens: Tokens, alice: EmailUser) -> None:
        kept = open_session(alice).session

        assert end_all_sessions(alice, keep=kept.pk) == 1

        assert [session.pk for session in living_sessions(alice)] == [kept.pk]

    def test_what_is_ones_own(self, api: APIClient, tokens: Tokens) -> None:
        """`IsOwner`, where the key is a UUID."""
        made = api.post("/api/posts/create/", {"title": "x", "body": "x"}, **tokens.bearer)
        assert made.status_code == 201
        url = f"/api/posts/{made.json()['id']}/"
        make("bob@example.com")
        bob = Tokens(**sign_in(api, "bob@example.com").json())

        assert api.get(url, **tokens.bearer).json()["author"] == "alice@example.com"
        assert api.get(url, **bob.bearer).status_code == 403


class TestHidden:
    """Whom the default manager hides is not there, for as long as they are hidden."""

    def test_cannot_sign_in(self, api: APIClient, alice: EmailUser) -> None:
        unknown = sign_in(api, "nobody@example.com")
        change(alice, is_hidden=True)

        hidden = sign_in(api)

        assert hidden.status_code == 401
        assert hidden.json() == unknown.json()

    def test_every_token_is_refused_and_nothing_ends(
        self, api: APIClient, tokens: Tokens, alice: EmailUser
    ) -> None:
        before = list(Session.objects.values())
        change(alice, is_hidden=True)

        for answer in (
            api.get(PROTECTED, **tokens.bearer),
            api.post("/api/token/refresh/", {"refresh": tokens.refresh}),
            api.post("/api/token/verify/", {"token": tokens.access}),
            api.post("/api/token/verify/", {"token": tokens.refresh}),
            api.post("/api/logout/", {}, **tokens.bearer),
        ):
            refused(answer, "session_ended")
        assert list(Session.objects.values()) == before

    def test_shown_again(self, api: APIClient, tokens: Tokens, alice: EmailUser) -> None:
        change(alice, is_hidden=True)
        refused(api.post("/api/token/refresh/", {"refresh": tokens.refresh}), "session_ended")

        change(alice, is_hidden=False)

        assert api.get(PROTECTED, **tokens.bearer).status_code == 200
        assert (
            api.post("/api/token/refresh/", {"refresh": tokens.refresh}).json()["refresh"]
            != tokens.refresh
        )

    def test_can_still_log_out(self, api: APIClient, tokens: Tokens, alice: EmailUser) -> None:
        change(alice, is_hidden=True)

        assert api.post("/api/logout/", {"refresh": tokens.refresh}).status_code == 200

        assert tokens.session.end_reason == "logout"

    def test_nobody_else_is_hidden(
        self, api: APIClient, tokens: Tokens, django_assert_max_num_queries: Any
    ) -> None:
        make("bob@example.com", is_hidden=True)

        with django_assert_max_num_queries(2):
            answer = api.post("/api/token/refresh/", {"refresh": tokens.refresh})

        assert answer.status_code == 200


@pytest.mark.parametrize("how", ["inactive", "deleted"])
def test_gone(api: APIClient, tokens: Tokens, alice: EmailUser, how: str) -> None:
    if how == "deleted":
        alice.delete()
    else:
        change(alice, is_active=False)

    for answer in (
        api.get(PROTECTED, **tokens.bearer),
        api.post("/api/token/refresh/", {"refresh": tokens.refresh}),
    ):
        assert answer.status_code == 401
        assert answer.json()["code"] == "token_not_valid"
    assert tokens.session.ended_at is not None


@pytest.mark.django_db
def test_the_migrations_name_no_user_model_of_their_own() -> None:
    call_command("makemigrations", "drf_ratchet", "--check", "--dry-run", verbosity=0)
