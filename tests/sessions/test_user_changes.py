"""What happens to a user, and what becomes of their sessions."""

import logging
from base64 import b64encode
from typing import Any

import pytest
from django.contrib.auth.forms import AdminPasswordChangeForm, SetPasswordForm
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.http import QueryDict
from django.urls import path
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from drf_ratchet import signals
from drf_ratchet.authentication import JWTAuthentication
from drf_ratchet.ids import uuid7
from drf_ratchet.models import Session
from drf_ratchet.sessions import keep_session, open_session, refresh_session
from ratchet_tokens.claims import Claims
from ratchet_tokens.errors import Reason, TokenRefused
from tests.fixtures import PASSWORD, payload

NEW = "correct horse battery"


def reasons() -> list[str]:
    return list(Session.objects.order_by("id").values_list("end_reason", flat=True))


def by_set_password(user: User) -> None:
    user.set_password(NEW)
    user.save()


def by_update_fields(user: User) -> None:
    user.set_password(NEW)
    user.save(update_fields=["password"])


def by_reset(user: User) -> None:
    form = SetPasswordForm(user, {"new_password1": NEW, "new_password2": NEW})
    assert form.is_valid(), form.errors
    form.save()


def by_admin(user: User) -> None:
    form = AdminPasswordChangeForm(user, {"password1": NEW, "password2": NEW})
    assert form.is_valid(), form.errors
    form.save()


def by_assignment(user: User) -> None:
    user.password = make_password(NEW)
    user.save()


WAYS = [by_set_password, by_update_fields, by_reset, by_admin, by_assignment]


@pytest.mark.django_db
@pytest.mark.parametrize("change", WAYS)
def test_a_new_password_ends_them(alice: User, change: Any) -> None:
    open_session(alice)
    change(alice)
    assert reasons() == ["password_changed"]
    assert Session.objects.get().announced_at is not None


@pytest.mark.django_db
def test_a_new_password_by_query_is_seen_at_the_refresh(alice: User) -> None:
    token = open_session(alice).refresh
    User.objects.update(password=make_password(NEW))
    with pytest.raises(TokenRefused) as caught:
        refresh_session(token)
    assert caught.value.reason is Reason.PASSWORD_CHANGED
    assert reasons() == ["password_changed"]


@pytest.mark.django_db
@pytest.mark.parametrize("change", WAYS)
def test_the_device_that_changes_it_can_stay(alice: User, change: Any) -> None:
    here, _elsewhere = open_session(alice), open_session(alice)
    with keep_session(Claims(payload(here.access))):
        change(alice)
    assert reasons() == ["", "password_changed"]
    assert refresh_session(here.refresh).session.pk == here.session.pk


class ChangePassword(APIView):
    """As docs/howto/change-password.md has it, for whatever signs a request in."""

    authentication_classes = (BasicAuthentication, SessionAuthentication, JWTAuthentication)
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        with keep_session(request.auth):
            request.user.set_password(NEW)
            request.user.save()
        return Response({})


urlpatterns = [path("password/", ChangePassword.as_view())]


@pytest.mark.django_db
@pytest.mark.urls(__name__)
@pytest.mark.parametrize("signed_in_by", ["basic", "session", "force", "force with auth", "token"])
def test_whatever_signed_in_the_request_that_changes_it(
    alice: User, api: APIClient, signed_in_by: str
) -> None:
    """Where it was no session of ours, none is kept."""
    here, headers = open_session(alice), {}
    if signed_in_by == "basic":
        encoded = b64encode(f"alice:{PASSWORD}".encode()).decode()
        headers["HTTP_AUTHORIZATION"] = f"Basic {encoded}"
    elif signed_in_by == "session":
        api.force_login(alice)
    elif signed_in_by == "token":
        headers["HTTP_AUTHORIZATION"] = f"Bearer {here.access}"
    else:
        api.force_authenticate(alice, "anything" if "auth" in signed_in_by else None)
    assert api.post("/password/", **headers).status_code == 200
    assert reasons() == ["" if signed_in_by == "token" else "password_changed"]
    assert User.objects.get().check_password(NEW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "auth",
    [
        *(None, "", "x", b"x", 7, True, object(), [], ["sid"], {}, {"sid": None}, {"sid": 7}),
        *({"sid": "x"}, {"sid": []}, {"sid": {}}, {"sid": "\0"}, Claims({"sub": "1"}), uuid7()),
        *({"sid": str(uuid7())}, QueryDict("sid=x"), AnonymousUser(), User()),
    ],
)
def test_auth_without_a_session_keeps_no_session(alice: User, auth: Any) -> None:
    open_session(alice)
    with keep_session(auth):
        by_set_password(alice)
    assert reasons() == ["password_changed"]


@pytest.mark.django_db
def test_session_of_another_user_is_not_kept(alice: User) -> None:
    bob = User.objects.create_user("bob")
    open_session(alice)
    with keep_session(Claims(payload(open_session(bob).access))):
        by_set_password(alice)
    assert reasons() == ["password_changed", ""]


@pytest.mark.django_db
def test_other_saves_end_nothing(alice: User, django_assert_num_queries: Any) -> None:
    open_session(alice)
    alice.first_name = "Alice"
    alice.save()
    with django_assert_num_queries(1):
        alice.save(update_fields=["last_login"])
    alice.check_password(PASSWORD)
    assert reasons() == [""]


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [None, ["is_active"]])
def test_deactivation_ends_them(alice: User, fields: Any) -> None:
    open_session(alice)
    alice.is_active = False
    alice.save(update_fields=fields)
    assert reasons() == ["user_inactive"]


@pytest.mark.django_db
@pytest.mark.parametrize("delete", [User.delete, lambda user: User.objects.all().delete()])
def test_deletion_ends_them(alice: User, delete: Any) -> None:
    open_session(alice)
    delete(alice)
    assert reasons() == ["user_deleted"]
    assert Session.objects.get().user_id is None


@pytest.mark.django_db(transaction=True)
def test_rollback_undoes_the_ending(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    open_session(alice)
    sent = []

    def note(session: Session, reason: str, **kwargs: Any) -> None:
        sent.append(reason)

    signals.session_ended.connect(note)
    try:
        with caplog.at_level(logging.INFO, "drf_ratchet.security"):
            with transaction.atomic():
                by_set_password(alice)
                transaction.set_rollback(True)
            assert (reasons(), sent) == ([""], [])
            with transaction.atomic():
                by_set_password(alice)
                assert sent == []
            assert (reasons(), sent) == (["password_changed"], ["password_changed"])
    finally:
        signals.session_ended.disconnect(note)
    session = Session.objects.get()
    assert f"Session {session.pk} of user {alice.pk} ended: password_changed." in caplog.text
