"""People who work in the admin, and sessions for them to see."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from drf_ratchet.models import Session
from drf_ratchet.sessions import open_session

SESSIONS = "/admin/drf_ratchet/session/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def admin() -> Any:
    """A browser in which a superuser is signed in."""
    return client_of(User.objects.create_superuser("root"))


@pytest.fixture
def staff() -> Callable[..., Client]:
    """A browser of somebody with these permissions alone, for sessions."""

    def staff(*permissions: str, name: str = "staff") -> Client:
        user = User.objects.create_user(name, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return client_of(user)

    return staff


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make_session(user: User, *, user_agent: str = FIREFOX, ip: str | None = "192.0.2.1") -> Session:
    session = open_session(user).session
    Session.objects.filter(pk=session.pk).update(user_agent=user_agent, ip=ip)
    session.refresh_from_db()
    return session


def page_of(session: Session) -> str:
    return f"{SESSIONS}{session.pk}/change/"


def act(client: Client, action: str, sessions: list[Any], **more: Any) -> Any:
    """Choose an action for these sessions, or ids, of the list."""
    selected = [str(getattr(session, "pk", session)) for session in sessions]
    body = {"action": action, "_selected_action": selected, "index": "0", **more}
    return client.post(SESSIONS, body, follow=True)
