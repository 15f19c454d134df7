"""The HTTP contract, row by row."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import F
from django.test import override_settings
from django.urls import reverse
from rest_framework.response import Response
from rest_framework.test import APIClient

from drf_ratchet.models import Session
from drf_ratchet.sessions.grant import mint_access, mint_refresh
from tests.fixtures import PASSWORD, Tokens, payload

REALM = 'Bearer realm="api"'
INVALID = f'{REALM}, error="invalid_token"'
Refresh = Callable[..., Response]


def assert_refused(answer: Any, reason: str, status: int = 401) -> None:
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert body.keys() == {"detail", "code", "reason"}
    assert (body["code"], body["reason"]) == ("token_not_valid", reason)
    assert body["detail"].endswith(".")
    if status == 401:
        assert answer["WWW-Authenticate"] == INVALID


@pytest.fixture
def expired(tokens: Tokens) -> Tokens:
    """A pair of alice's living session whose tokens have both run out."""
    session = tokens.session
    past = session.created_at - timedelta(days=8)
    session.created_at = session.rotated_at = past
    session.expires_at = past + timedelta(days=7)
    access, _ = mint_access(session.user, session, past, session.expires_at, {})
    return Tokens(
        access=access,
        refresh=mint_refresh(session.user, session),
    )


def test_the_names_of_the_urls() -> None:
    assert reverse("token_obtain_pair") == "/api/token/"
    assert reverse("token_refresh") == "/api/token/refresh/"
    assert reverse("token_verify") == "/api/token/verify/"
    assert reverse("logout") == "/api/logout/"
    assert reverse("jwks") == "/.well-known/jwks.json"


# Sign in


def test_sign_in(api: APIClient, alice: User) -> None:
    answer = api.post(
        "/api/token/",
        {"username": "alice", "password": PASSWORD},
        HTTP_USER_AGENT="Phone\x00\x1b[31m/1.0" + "x" * 500,
        REMOTE_ADDR="2001:db8::7",
    )
    assert answer.status_code == 200
    assert answer.json().keys() == {"access", "refresh"}
    assert answer["Cache-Control"] == "no-store"
    access = payload(answer.json()["access"])
    assert access["sub"] == str(alice.pk)
    assert access["exp"] - access["iat"] == 300
    assert access["role"] == "user"
    session = Session.objects.get()
    assert session.user_agent.startswith("Phone[31m/1.0x")
    assert len(session.user_agent) == 200
    assert session.ip == "2001:db8::7"
    alice.refresh_from_db()
    assert alice.last_login is not None


def test_sign_in_with_a_form(api: APIClient, alice: User) -> None:
    form = {"username": "alice", "password": PASSWORD}
    assert api.post("/api/token/", form, format="multipart").status_code == 200


@pytest.mark.parametrize("who", ["unknown", "wrong password", "inactive"])
def test_no_account_looks_like_any_other(api: APIClient, alice: User, who: str) -> None:
    credentials = {"username": "alice", "password": PASSWORD}
    if who == "unknown":
        credentials["username"] = "nobody"
    elif who == "wrong password":
        credentials["password"] = "wrong"
    else:
        User.objects.update(is_active=False)
    answer = api.post("/api/token/", credentials)
    assert answer.status_code == 401
    assert answer.json() == {
        "detail": "No active account was found with these credentials.",
        "code": "no_active_account",
    }
    assert answer["WWW-Authenticate"] == REALM
    assert not Session.objects.exists()


def test_a_field_missing(api: APIClient) -> None:
    answer = api.post("/api/token/", {})
    assert answer.status_code == 400
    assert answer.json().keys() == {"username", "password"}


def test_the_password_is_not_trimmed(api: APIClient, db: None) -> None:
    User.objects.create_user("spacy", password=" pass word ")
    form = {"username": "spacy", "password": " pass word "}
    assert api.post("/api/token/", form).status_code == 200


def test_throttled(api: APIClient, alice: User) -> None:
    wrong = {"username": "alice", "password": "wrong"}
    answers = [api.post("/api/token/", wrong) for _ in range(21)]
    assert {answer.status_code for answer in answers[:-1]} == {401}
    last = answers[-1]
    assert last.status_code == 429
    assert last.json()["code"] == "throttled"
    assert 0 < int(last["Retry-After"]) <= 4300


def test_djangos_signals(api: APIClient, alice: User) -> None:
    seen = []

    def logged(signal: Any, request: Any, user: User, **kwargs: Any) -> None:
        seen.append((signal, type(request).__name__, user, request.user))

    user_logged_in.connect(logged)
    user_logged_out.connect(logged)
    try:
        answer = api.post("/api/token/", {"username": "alice", "password": PASSWORD})
        for _ in range(2):
            api.post("/api/logout/", {"refresh": answer.json()["refresh"]})
    finally:
        user_logged_in.disconnect(logged)
        user_logged_out.disconnect(logged)
    assert [(signal, kind, user) for signal, kind, user, _ in seen] == [
        (user_logged_in, "WSGIRequest", alice),
        (user_logged_out, "WSGIRequest", alice),
    ]
    assert seen[0][3] == alice


# Refresh


def test_refresh(tokens: Tokens, refresh: Refresh) -> None:
    answer = refresh(tokens.refresh)
    assert answer.status_code == 200
    assert answer.json().keys() == {"access", "refresh"}
    assert answer["Cache-Control"] == "no-store"
    assert payload(answer.json()["refresh"])["gen"] == 2


def test_refresh_in_a_session_that_does_not_rotate(
    alice: User, sign_in: Callable[..., Tokens], refresh: Refresh
) -> None:
    with override_settings(DRF_RATCHET={"ROTATE_REFRESH_TOKENS": False}):
        tokens = sign_in()
    assert refresh(tokens.refresh).json().keys() == {"access"}


def test_refresh_reused(tokens: Tokens, refresh: Refresh) -> None:
    assert refresh(tokens.refresh, key="k").status_code == 200
    Session.objects.update(rotated_at=F("rotated_at") - timedelta(minutes=1))
    assert refresh(tokens.refresh, key="k").status_code == 200
    assert_refused(refresh(tokens.refresh), "reused")
    assert_refused(refresh(tokens.refresh), "session_ended")


def test_refresh_refused(tokens: Tokens, expired: Tokens, refresh: Refresh) -> None:
    assert_refused(refresh(tokens.access), "wrong_type")
    assert_refused(refresh(expired.refresh), "expired")
    assert_refused(refresh("rubbish"), "malformed")
    assert_refused(refresh(tokens.refresh[:-4] + "AAAA"), "bad_signature")
    User.objects.update(is_active=False)
    assert_refused(refresh(tokens.refresh), "user_inactive")


# Verify


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_verify(api: APIClient, tokens: Tokens, kind: str) -> None:
    row = Session.objects.values().get()
    answer = api.post("/api/token/verify/", {"token": getattr(tokens, kind)})
    assert (answer.status_code, answer.json()) == (200, {})
    assert Session.objects.values().get() == row


def test_verify_looks_at_no_generation(api: APIClient, tokens: Tokens, refresh: Refresh) -> None:
    refresh(tokens.refresh)
    Session.objects.update(rotated_at=F("rotated_at") - timedelta(minutes=1))
    assert api.post("/api/token/verify/", {"token": tokens.refresh}).status_code == 200
    assert Session.objects.get().ended_at is None


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_verify_refused(api: APIClient, tokens: Tokens, expired: Tokens, kind: str) -> None:
    token = getattr(tokens, kind)
    assert_refused(api.post("/api/token/verify/", {"token": getattr(expired, kind)}), "expired")
    User.objects.update(is_active=False)
    assert_refused(api.post("/api/token/verify/", {"token": token}), "user_inactive")
    User.objects.update(is_active=True)
    assert Session.objects.get().ended_at is None
    api.post("/api/logout/", {"refresh": tokens.refresh})
    assert_refused(api.post("/api/token/verify/", {"token": token}), "session_ended")
    assert_refused(api.post("/api/token/verify/", {"token": "x.y.z"}), "malformed")


# Log out


def test_logout_with_only_the_bearer(api: APIClient, tokens: Tokens) -> None:
    answer = api.post("/api/logout/", **tokens.bearer)
    assert (answer.status_code, answer.json()) == (200, {"detail": "Logout successful."})
    assert_refused(api.get("/api/protected/", **tokens.bearer), "session_ended")
    assert_refused(api.post("/api/logout/", **tokens.bearer), "session_ended")


def test_logout_with_only_the_refresh_token(api: APIClient, tokens: Tokens) -> None:
    for _ in range(2):  # an ended session is logged out already
        assert api.post("/api/logout/", {"refresh": tokens.refresh}).status_code == 200
    assert Session.objects.get().end_reason == "logout"


def test_logout_with_an_expired_token(api: APIClient, expired: Tokens) -> None:
    answer = api.post("/api/logout/", {"refresh": expired.refresh}, **expired.bearer)
    assert answer.status_code == 200
    assert Session.objects.get().ended_at is not None


def test_logout_with_the_token_of_a_pruned_session(api: APIClient, tokens: Tokens) -> None:
    Session.objects.all().delete()
    assert api.post("/api/logout/", {"refresh": tokens.refresh}).status_code == 200


def test_logout_with_a_token_that_we_did_not_sign(api: APIClient, tokens: Tokens) -> None:
    for token, reason in ((tokens.access, "wrong_type"), ("rubbish", "malformed")):
        answer = api.post("/api/logout/", {"refresh": token}, **tokens.bearer)
        assert_refused(answer, reason, status=400)
    assert Session.objects.get().ended_at is None


def test_logout_with_the_tokens_of_two_users(
    api: APIClient, tokens: Tokens, sign_in: Callable[..., Tokens]
) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    bob = sign_in("bob")
    answer = api.post("/api/logout/", {"refresh": bob.refresh}, **tokens.bearer)
    assert answer.status_code == 400
    assert answer.json()["code"] == "different_users"
    assert not Session.objects.filter(ended_at__isnull=False).exists()
    # A Bearer that is no good does not count.
    api.post("/api/logout/", **tokens.bearer)
    assert api.post("/api/logout/", {"refresh": bob.refresh}, **tokens.bearer).status_code == 200


def test_logout_with_nothing(api: APIClient, db: None, expired: Tokens) -> None:
    answer = api.post("/api/logout/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
    assert answer["WWW-Authenticate"] == REALM
    assert_refused(api.post("/api/logout/", **expired.bearer), "expired")


# The rest


@pytest.mark.parametrize("header", ["Bearer stale", "Bearer", "Bearer a b", "JWT x", "Basic eDp4"])
def test_expired_header_does_not_prevent_a_refresh(
    api: APIClient, tokens: Tokens, refresh: Refresh, header: str
) -> None:
    stale = {"HTTP_AUTHORIZATION": header}
    credentials = {"username": "alice", "password": PASSWORD}
    assert api.post("/api/token/", credentials, **stale).status_code == 200
    assert refresh(tokens.refresh, **stale).status_code == 200
    assert api.post("/api/token/verify/", {"token": tokens.access}, **stale).status_code == 200
    assert api.post("/api/logout/", {"refresh": tokens.refresh}, **stale).status_code == 200


def test_the_key_set(api: APIClient) -> None:
    answer = api.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.json()) == (200, {"keys": []})
    assert api.post("/.well-known/jwks.json").status_code == 405


def test_other_methods(api: APIClient) -> None:
    answer = api.get("/api/token/")
    assert answer.status_code == 405
    assert answer.json().keys() == {"detail", "code"}


def test_costs(
    api: APIClient, tokens: Tokens, refresh: Refresh, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):  # the user, last_login, the session
        api.post("/api/token/", {"username": "alice", "password": PASSWORD})
    with django_assert_num_queries(1):
        assert api.get("/api/protected/", **tokens.bearer).status_code == 200
    with django_assert_num_queries(2):
        refresh(tokens.refresh)
    with django_assert_num_queries(1):
        refresh(tokens.refresh)
    with django_assert_num_queries(1):
        api.post("/api/token/verify/", {"token": tokens.access})
    with django_assert_num_queries(2):
        api.post("/api/logout/", {"refresh": tokens.refresh}, **tokens.bearer)


def own_handler(exc: Exception, context: dict[str, Any]) -> Response:
    return Response({"wrapped": exc.detail}, status=exc.status_code)


def test_a_projects_own_exception_handler(api: APIClient, db: None, settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "EXCEPTION_HANDLER": "tests.test_views.own_handler",
    }
    answer = api.post("/api/token/refresh/", {"refresh": "rubbish"})
    assert answer.json()["wrapped"]["reason"] == "malformed"


@pytest.mark.parametrize("path", ["/api/token/", "/api/browser/login/"])
def test_bodies_are_plain_dicts(path: str, api: APIClient, alice: User) -> None:
    """Of a serializer's dict, djangorestframework-jsonapi shows the declared fields alone."""
    own_page = {"sec-fetch-site": "same-origin"}
    answer = api.post(path, {"username": "alice", "password": PASSWORD}, headers=own_page)
    assert type(answer.data) is dict
    if "refresh" in answer.data:
        answer = api.post("/api/token/refresh/", {"refresh": answer.data["refresh"]})
        assert type(answer.data) is dict
