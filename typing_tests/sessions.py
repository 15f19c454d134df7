"""Sign-in flows of a project, as its own code calls them."""

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest

from drf_ratchet.sessions import (
    EndReason,
    Grant,
    active_sessions,
    end_all_sessions,
    end_session,
    open_session,
    refresh_session,
)


def sign_in(user: User, request: HttpRequest) -> dict[str, str]:
    grant: Grant = open_session(user, request=request, lifetime=timedelta(hours=10), amr=["pwd"])
    return {"access": grant.access, "refresh": grant.refresh or ""}


def refresh(token: str, request: HttpRequest) -> str:
    return refresh_session(token, request=request, idempotency_key="a key").access


def devices(user: User) -> list[UUID]:
    return [session.pk for session in active_sessions(user)]


def sign_out(user: User) -> int:
    for session in active_sessions(user):
        if not end_session(session, reason=EndReason.REVOKED):
            break
    return end_all_sessions(user)


def mistakes(user: User, request: HttpRequest) -> None:
    open_session(user, request)  # type: ignore[call-arg]
    open_session(user, lifetime=36_000)  # type: ignore[arg-type]
    open_session(user, amr="pwd", reason="x")  # type: ignore[call-arg]
    grant = open_session(user)
    grant.access = "another"  # type: ignore[misc]
    grant.refresh.split(".")  # type: ignore[union-attr]
    refresh_session(None)  # type: ignore[arg-type]
    end_session("an id")  # type: ignore[arg-type]
