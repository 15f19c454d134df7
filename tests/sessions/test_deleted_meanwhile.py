"""A user is deleted, or their session ended, in the middle of a request: a 401, and no row left.

Each is done by the project's own code, at the moment where it runs: after ``authenticate()``,
before the row is written, between the row and its tokens, and in the receivers of both signals.
With a transaction around it the database looks at foreign keys only at its end.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, transaction
from django.test import RequestFactory, override_settings
from rest_framework.test import APIClient

from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_all_sessions, open_session
from drf_ratchet.signals import session_opened
from ratchet_tokens.errors import TokenRefused
from tests.fixtures import PASSWORD, Tokens
from tests.test_views import assert_refused

OWN_PAGE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
NO_ACCOUNT = {
    "detail": "No active account was found with these credentials.",
    "code": "no_active_account",
}
Happens = Callable[[Any], Any]

#: What happens to the user.
WHAT: dict[str, Happens] = {
    "deleted": lambda user: user.delete(),
    "deleted by a query": lambda user: User.objects.filter(pk=user.pk).delete(),
    "deactivated": lambda user: _save(user, is_active=False),
    "signed out": end_all_sessions,
}


def _save(user: User, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(user, name, value)
    user.save()


@contextmanager
def receiving(signal: Any, happens: Happens) -> Iterator[None]:
    def receiver(**sent: Any) -> None:
        happens(sent["user"] if "user" in sent else sent["session"].user)

    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


def _after_authenticate(monkeypatch: pytest.MonkeyPatch, happens: Happens) -> Any:
    def authenticated(*args: Any, **credentials: Any) -> Any:
        user = authenticate(*args, **credentials)
        if user is not None:
            happens(user)
        return user

    monkeypatch.setattr("drf_ratchet.serializers.authenticate", authenticated)
    return ExitStack()


def _in_policy(monkeypatch: pytest.MonkeyPatch, happens: Happens) -> Any:
    def policy(user: Any, **_: Any) -> bool:
        happens(user)
        return True

    return override_settings(DRF_RATCHET={"SIGN_IN_POLICY": policy, "COOKIE_SECURE": False})


def _in_claims(monkeypatch: pytest.MonkeyPatch, happens: Happens) -> Any:
    def claims(user: Any, **_: Any) -> dict[str, Any]:
        happens(user)
        return {}

    return override_settings(DRF_RATCHET={"CLAIMS": claims, "COOKIE_SECURE": False})


#: When it happens.
WHEN: dict[str, Callable[[pytest.MonkeyPatch, Happens], Any]] = {
    "after authenticate()": _after_authenticate,
    "in the policy": _in_policy,
    "in the claims": _in_claims,
    "in user_logged_in": lambda _, happens: receiving(user_logged_in, happens),
    "in session_opened": lambda _, happens: receiving(session_opened, happens),
}

EACH = pytest.mark.parametrize(
    ("what", "when"),
    [
        (what, when)
        for what in WHAT
        for when in WHEN
        # There is no session yet to be signed out of.
        if not (what == "signed out" and when in ("after authenticate()", "in the policy"))
    ],
)


def check_sign_in(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, what: str, when: str, url: str
) -> None:
    with WHEN[when](monkeypatch, WHAT[what]):
        answer = api.post(url, {"username": "alice", "password": PASSWORD}, **OWN_PAGE)

    assert (answer.status_code, answer.json()) == (401, NO_ACCOUNT)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert not any("token" in name for name in answer.cookies)


@EACH
@pytest.mark.parametrize("url", ["/api/token/", "/api/browser/login/"])
@pytest.mark.django_db(transaction=True)
def test_a_sign_in(
    what: str,
    when: str,
    url: str,
    api: APIClient,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_sign_in(api, monkeypatch, what, when, url)
    assert not Session.objects.filter(ended_at=None).exists()
    if when != "in session_opened":
        assert not Session.objects.exists()


@EACH
@pytest.mark.django_db
def test_a_sign_in_within_a_test_case(
    what: str, when: str, api: APIClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in ``TestCase``, where a foreign key is looked at only when the test is over."""
    check_sign_in(api, monkeypatch, what, when, "/api/token/")


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_of_the_projects_own_within_a_transaction(alice: User) -> None:
    User.objects.filter(pk=alice.pk).delete()
    request = RequestFactory().post("/")
    with pytest.raises(NoActiveAccount), transaction.atomic():
        open_session(alice, request=request)
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_an_instance_that_was_deleted(alice: User) -> None:
    alice.delete()
    with pytest.raises(NoActiveAccount):
        open_session(alice)
    with pytest.raises(NoActiveAccount):
        open_session(None)


@pytest.mark.django_db
def test_what_a_receiver_does_to_other_sessions_is_no_matter(
    api: APIClient, tokens: Tokens, django_assert_num_queries: Any
) -> None:
    """The new one is looked at again: one query more, and only then."""

    def keep_one(**sent: Any) -> None:
        others = Session.objects.exclude(pk=sent["session"].pk)
        others.update(user_agent="elsewhere")

    session_opened.connect(keep_one)
    try:
        with django_assert_num_queries(5):
            answer = api.post("/api/token/", {"username": "alice", "password": PASSWORD})
    finally:
        session_opened.disconnect(keep_one)
    assert answer.status_code == 200


@pytest.mark.parametrize("error", [LookupError, ObjectDoesNotExist, DatabaseError])
@pytest.mark.django_db(transaction=True)
def test_an_error_of_the_projects_stays_one(error: type[Exception], alice: User) -> None:
    def claims(user: Any, **_: Any) -> Any:
        raise error("of the project")

    with override_settings(DRF_RATCHET={"CLAIMS": claims}), pytest.raises(error, match="project"):
        open_session(alice)
    assert not Session.objects.exists()


# Refreshing, and the rest


def _no_groups(user: Any) -> None:
    """What ``user.profile`` raises where the profile went with its user."""
    User.objects.filter(pk=user.pk).delete()
    raise Group.DoesNotExist


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (WHAT["deleted"], "user_inactive"),
        (WHAT["deleted by a query"], "user_inactive"),
        (WHAT["deactivated"], "user_inactive"),
        (WHAT["signed out"], "session_ended"),
        (_no_groups, "user_inactive"),
    ],
    ids=[*WHAT, "without what belongs to them"],
)
@pytest.mark.parametrize("url", ["/api/token/refresh/", "/api/step-up/"])
@pytest.mark.django_db(transaction=True)
def test_a_refresh(
    happens: Happens,
    reason: str,
    url: str,
    api: APIClient,
    tokens: Tokens,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    happened: list[Any] = []

    def once(user: Any) -> None:
        if not happened:
            happened.append(user)
            happens(user)

    body = {"refresh": tokens.refresh, "password": PASSWORD}
    with _in_claims(monkeypatch, once):
        answer = api.post(url, body, **tokens.bearer)
    assert_refused(answer, reason)
    assert happened


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("get", "/api/sessions/", 200),
        ("delete", "/api/sessions/{}/", 404),
        ("post", "/api/logout/all/", 200),
        ("post", "/api/step-up/", 401),
        ("post", "/api/logout/", 200),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_the_user_is_deleted_once_the_request_is_signed_in(
    method: str,
    url: str,
    status: int,
    api: APIClient,
    tokens: Tokens,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from drf_ratchet.authentication import JWTAuthentication

    signed_in = JWTAuthentication.get_user

    def get_user(self: Any, claims: Any) -> Any:
        user = signed_in(self, claims)
        User.objects.filter(pk=user.pk).delete()
        return user

    monkeypatch.setattr(JWTAuthentication, "get_user", get_user)
    body = {"refresh": tokens.refresh, "password": PASSWORD} if "step" in url else {}
    answer = getattr(api, method)(url.format(tokens.session.pk), body, **tokens.bearer)
    assert answer.status_code == status, answer.content
    if status == 200 and method == "get":
        assert answer.json() == []


@pytest.mark.django_db(transaction=True)
def test_a_token_of_a_deleted_user_is_refused(api: APIClient, tokens: Tokens, alice: User) -> None:
    from drf_ratchet.sessions import refresh_session

    alice.delete()
    with pytest.raises(TokenRefused):
        refresh_session(tokens.refresh)
