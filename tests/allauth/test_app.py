"""allauth's app client: each flow that signs a user in ends in our pair."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session as DjangoSession

from drf_ratchet.allauth.models import LinkedSession
from drf_ratchet.models import Session
from drf_ratchet.sessions import end_sessions_before, open_session, store
from tests.allauth.headless import (
    NEW_PASSWORD,
    App,
    add_recovery_codes,
    add_totp,
    mailed_code,
    mailed_key,
)
from tests.fixtures import PASSWORD, payload

pytestmark = pytest.mark.django_db(transaction=True)

#: What SIGN_IN_POLICY was asked.
asked: list[tuple[str, ...]] = []


def record(user: Any, *, amr: tuple[str, ...], session: Any, **others: Any) -> bool:
    if session is None:
        asked.append(amr)
    return True


def refuse(user: Any, **others: Any) -> bool:
    return False


@pytest.fixture
def amr(policy: Any) -> list[tuple[str, ...]]:
    """What each sign-in says of itself."""
    asked.clear()
    policy(f"{__name__}.record")
    return asked


def demand_signed_in(app: App, user: User) -> None:
    """The pair is ours and works, allauth's session is signed in, and there is one of each."""
    assert app.answer.status_code == 200, app.answer.content
    assert app.answer.json()["meta"]["expires_in"] == 300
    assert app.session.user == user
    assert app.is_in_ours()
    assert app.is_in_allauth()
    assert app.refresh().status_code == 200
    assert Session.objects.count() == LinkedSession.objects.count() == 1
    assert LinkedSession.objects.get().session_key == app.session_token


def test_password(app: App, alice: User, amr: Any) -> None:
    app.password()
    demand_signed_in(app, alice)
    assert amr == [("pwd",)]


def test_wrong_password(app: App, alice: User) -> None:
    app.password("wrong")
    assert app.answer.status_code == 400
    assert not app.tokens
    assert not Session.objects.exists()


def test_sign_up_with_code_by_mail(app: App, db: None, amr: Any) -> None:
    app.post("auth/signup", username="bob", email="bob@example.com", password=PASSWORD)
    assert app.answer.status_code == 401
    assert not app.tokens
    app.post("auth/email/verify", key=mailed_code())
    demand_signed_in(app, User.objects.get(username="bob"))
    assert amr == [()]


def test_sign_up_with_link_by_mail(app: App, settings: Any, db: None) -> None:
    """Opening a link proves the address. It signs nobody in: the user enters the password."""
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = False
    app.post("auth/signup", username="bob", email="bob@example.com", password=PASSWORD)
    app.post("auth/email/verify", key=mailed_key("verify"))
    assert app.answer.status_code == 401
    assert not app.tokens
    app.post("auth/login", username="bob", password=PASSWORD)
    demand_signed_in(app, User.objects.get(username="bob"))


def test_code_by_mail(app: App, alice: User, amr: Any) -> None:
    app.post("auth/code/request", email=alice.email)
    assert app.answer.status_code == 401
    assert not app.tokens
    app.post("auth/code/confirm", code=mailed_code())
    demand_signed_in(app, alice)
    assert amr == [("otp",)]


def test_password_and_totp(app: App, alice: User, amr: Any) -> None:
    add_totp(alice)
    app.password()
    assert app.answer.status_code == 401
    assert not app.tokens
    assert not Session.objects.exists()
    app.totp()
    demand_signed_in(app, alice)
    assert amr == [("pwd", "otp", "mfa")]


def test_password_and_recovery_code(app: App, alice: User, amr: Any) -> None:
    add_totp(alice)
    code = add_recovery_codes(alice)[0]
    app.password()
    app.post("auth/2fa/authenticate", code=code)
    demand_signed_in(app, alice)
    assert amr == [("pwd", "otp", "mfa")]


def test_token_of_provider(app: App, amr: Any, db: None) -> None:
    by_provider(app)
    demand_signed_in(app, User.objects.get(username="carol"))
    assert amr == [()]


def test_token_of_provider_and_totp(app: App, amr: Any, db: None) -> None:
    by_provider(app)
    add_totp(User.objects.get(username="carol"))
    other = App()
    by_provider(other)
    assert other.answer.status_code == 401
    assert not other.tokens
    other.totp()
    assert other.is_in_ours()
    assert amr == [(), ("otp", "mfa")]


def test_token_of_provider_again(app: App, db: None) -> None:
    """allauth logs the user out first. The old session ends, and the app gets a new pair."""
    by_provider(app)
    first, old = app.session, app.tokens
    by_provider(app)
    assert app.tokens != old
    assert app.session.pk != first.pk
    first.refresh_from_db()
    assert first.end_reason == "logout"
    assert app.is_in_ours()
    assert app.is_in_allauth()


def by_provider(app: App) -> None:
    data = {"id": 7, "email": "carol@example.com", "email_verified": True, "username": "carol"}
    token = {"id_token": json.dumps(data)}
    app.post("auth/provider/token", provider="dummy", process="login", token=token)


def test_password_reset_by_link(app: App, alice: User, settings: Any, amr: Any) -> None:
    settings.ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
    before = App()
    before.password()
    app.post("auth/password/request", email=alice.email)
    app.post("auth/password/reset", key=mailed_key("reset"), password=NEW_PASSWORD)
    assert app.is_in_ours()
    assert not before.is_in_ours()
    assert not before.is_in_allauth()
    assert amr[-1] == ("otp",)


def test_password_reset_that_signs_nobody_in(app: App, alice: User) -> None:
    before = App()
    before.password()
    app.post("auth/password/request", email=alice.email)
    app.post("auth/password/reset", key=mailed_key("reset"), password=NEW_PASSWORD)
    assert app.answer.status_code == 401
    assert not app.tokens
    assert not before.is_in_ours()
    assert not DjangoSession.objects.filter(session_key=before.session_token).exists()


def change_password(app: App) -> None:
    app.post("account/password/change", current_password=PASSWORD, new_password=NEW_PASSWORD)


def test_password_change_keeps_this_device(app: App, alice: User) -> None:
    other = App()
    other.password()
    app.password()
    key = app.session_token
    change_password(app)
    assert app.answer.status_code == 200
    assert app.session_token != key
    assert app.is_in_ours()
    assert app.is_in_allauth()
    assert app.refresh().status_code == 200
    assert not other.is_in_ours()
    assert not other.is_in_allauth()
    app.ours("POST", "logout/")
    assert not app.is_in_allauth()


def test_refresh_during_a_password_change(app: App, alice: User) -> None:
    """After the new password is committed, before the sessions of the other devices end."""
    other = App()
    other.password()
    app.password()
    real, statuses = store.active_fingerprints, []

    def read(user: Any) -> list[str]:
        statuses.append(app.refresh().status_code)
        return real(user)

    with patch.object(store, "active_fingerprints", read):
        change_password(app)
    assert statuses == [200]
    assert app.refresh().status_code == 200
    assert app.is_in_allauth()
    assert not other.is_in_ours()


def test_password_changes_twice(app: App, alice: User) -> None:
    app.password()
    for old, new in ((PASSWORD, NEW_PASSWORD), (NEW_PASSWORD, "a-third-ratchet-3")):
        app.post("account/password/change", current_password=old, new_password=new)
        assert app.refresh().status_code == 200
    assert app.is_in_allauth()


def test_password_change_that_logs_out(app: App, alice: User, settings: Any) -> None:
    settings.ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
    app.password()
    change_password(app)
    assert app.answer.status_code == 401
    assert not app.is_in_ours()
    assert not app.is_in_allauth()


def test_logout_in_allauth_ends_ours(app: App, alice: User) -> None:
    app.password()
    app.send("DELETE", "auth/session")
    assert app.session.end_reason == "logout"
    assert not app.is_in_ours()
    assert app.refresh().status_code == 401
    assert not LinkedSession.objects.exists()


def demand_out(app: App) -> None:
    key = app.session_token
    assert not DjangoSession.objects.filter(session_key=key).exists()
    assert not app.is_in_allauth()
    assert app.answer.status_code == 410
    assert not LinkedSession.objects.filter(session_key=key).exists()


def test_logout_in_ours_ends_allauths(app: App, alice: User) -> None:
    app.password()
    app.ours("POST", "logout/")
    demand_out(app)


def test_reuse_ends_allauths(app: App, alice: User, settings: Any) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "ROTATION_GRACE": timedelta(0)}
    app.password()
    old = app.tokens
    app.refresh()
    app.refresh()
    app.tokens = old
    assert app.refresh().status_code == 401
    assert app.session.end_reason == "reuse_detected"
    demand_out(app)


def test_device_list_ends_allauths(app: App, alice: User) -> None:
    other = App()
    other.password()
    app.password()
    assert app.ours("DELETE", f"sessions/{other.claims['sid']}/").status_code == 204
    demand_out(other)
    assert app.is_in_allauth()


def test_session_list_of_allauth_ends_ours(app: App, alice: User) -> None:
    other = App()
    other.password()
    app.password()
    listed = app.get("auth/sessions")["data"]
    assert len(listed) == len(app.ours("GET", "sessions/").json()) == 2
    [ended] = [one["id"] for one in listed if not one["is_current"]]
    app.send("DELETE", "auth/sessions", {"sessions": [ended]})
    assert other.session.end_reason == "revoked"
    assert not other.is_in_ours()
    assert app.is_in_ours()


def test_lists_agree_after_an_ending_of_ours(app: App, alice: User) -> None:
    other = App()
    other.password()
    app.password()
    other.ours("POST", "logout/")
    assert [one["is_current"] for one in app.get("auth/sessions")["data"]] == [True]


def test_deactivation_ends_both(app: App, alice: User) -> None:
    app.password()
    alice.is_active = False
    alice.save()
    assert app.session.end_reason == "user_inactive"
    demand_out(app)


def test_cut_off_ends_both(app: App, alice: User) -> None:
    app.password()
    list(end_sessions_before(datetime.now(UTC) + timedelta(minutes=1)))
    demand_out(app)


def test_idle_session_ends_both(app: App, alice: User) -> None:
    app.password()
    Session.objects.update(expires_at=app.session.created_at)
    assert not app.is_in_allauth()
    assert not DjangoSession.objects.filter(session_key=app.session_token).exists()


def test_pruned_session_takes_the_django_session_along(app: App, alice: User) -> None:
    app.password()
    Session.objects.all().delete()
    demand_out(app)


def test_limit_ends_the_oldest_of_both(app: App, alice: User, settings: Any) -> None:
    settings.DRF_RATCHET = {**settings.DRF_RATCHET, "MAX_SESSIONS_PER_USER": 1}
    other = App()
    other.password()
    app.password()
    demand_out(other)
    assert app.is_in_allauth()


def test_refused_by_policy(app: App, alice: User, policy: Any) -> None:
    policy(f"{__name__}.refuse")
    said = app.password()
    assert app.answer.status_code == 401
    assert said["errors"][0]["code"] == "no_active_account"
    assert not app.tokens
    assert not app.is_in_allauth()
    assert not Session.objects.exists()


def test_inactive_user(app: App, alice: User) -> None:
    User.objects.update(is_active=False)
    app.password()
    assert app.answer.status_code in (400, 401)
    assert not app.tokens


def test_refresh_at_allauth_is_refused_and_uses_nothing_up(app: App, alice: User) -> None:
    app.password()
    said = app.post("tokens/refresh", refresh_token=app.tokens["refresh_token"])
    assert app.answer.status_code == 400
    assert said["errors"][0]["code"] == "refresh_elsewhere"
    assert app.session.generation == 1
    assert app.refresh().status_code == 200


def test_user_logged_in_is_sent_once(app: App, alice: User) -> None:
    sent = []

    def receive(**kwargs: Any) -> None:
        sent.append(kwargs["user"])

    user_logged_in.connect(receive)
    try:
        app.password()
    finally:
        user_logged_in.disconnect(receive)
    assert sent == [alice]


def test_session_stores_the_device(app: App, alice: User) -> None:
    app.http.defaults["HTTP_USER_AGENT"] = "Phone/1"
    app.password()
    assert (app.session.user_agent, app.session.ip) == ("Phone/1", "127.0.0.1")


def test_sessions_of_others_have_no_link(app: App, alice: User) -> None:
    """A session of ours that was opened elsewhere ends as always."""
    grant = open_session(alice)
    app.tokens = {"access_token": grant.access, "refresh_token": grant.refresh or ""}
    assert app.ours("POST", "logout/").status_code == 200


def test_password_of_another_user_keeps_nothing(app: App, alice: User) -> None:
    """An administrator's request changes the password of somebody else."""
    app.password()
    bob = User.objects.create_user("bob", "", PASSWORD)
    session = open_session(bob).session
    bob.set_password(NEW_PASSWORD)
    bob.save()
    session.refresh_from_db()
    assert session.end_reason == "password_changed"
    assert payload(app.tokens["access_token"])["sub"] == str(alice.pk)
    assert app.is_in_ours()
