"""End one session when the other ends: receivers of the signals of Django, allauth and ours."""

import time
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.account.signals import user_logged_in
from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_delete, pre_delete
from django.http import HttpRequest

from drf_ratchet import signals
from drf_ratchet.allauth import exchanging, links
from drf_ratchet.allauth._internals import current_request, forget_previous_user, is_app_client
from drf_ratchet.allauth.models import LinkedSession
from drf_ratchet.allauth.second_factor import demand_second_factor
from drf_ratchet.ids import first_uuid7
from drf_ratchet.models import Session
from drf_ratchet.sessions import sign_in_policy, store, user_changes
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import end_with_transaction

_BATCH = 500


def connect() -> None:
    """Connect all receivers. A second call changes nothing."""
    for signal, receiver, sender in (
        (signals.session_ended, _on_session_ended, Session),
        (signals.sessions_cut_off, _on_sessions_cut_off, Session),
        (pre_delete, _on_link_deleted, LinkedSession),
        (user_logged_in, _on_sign_in, None),
        (user_logged_out, _on_logout, None),
    ):
        uid = f"drf_ratchet.allauth.{receiver.__name__}"
        signal.connect(receiver, sender=sender, dispatch_uid=uid)
    if apps.is_installed("allauth.usersessions"):
        from allauth.usersessions.models import UserSession

        uid = "drf_ratchet.allauth._on_user_session_deleted"
        post_delete.connect(_on_user_session_deleted, sender=UserSession, dispatch_uid=uid)
    if demand_second_factor not in sign_in_policy.further_policies:
        sign_in_policy.further_policies.append(demand_second_factor)
    if _session_of_request not in user_changes.kept_by_request:
        user_changes.kept_by_request.append(_session_of_request)


def _on_session_ended(session: Session, **kwargs: Any) -> None:
    """Delete the Django session of a session that ended, whatever ended it."""
    links.every_link().filter(session_id=session.pk).delete()


def _on_sessions_cut_off(before: datetime, **kwargs: Any) -> None:
    """Delete the Django sessions of all sessions that end. They send no ``session_ended``."""
    found = links.every_link().filter(session_id__lt=first_uuid7(before))
    while ids := list(found.values_list("pk", flat=True)[:_BATCH]):
        links.every_link().filter(pk__in=ids).delete()


def _on_link_deleted(instance: LinkedSession, **kwargs: Any) -> None:
    links.delete_django_session(instance)


def _on_sign_in(request: HttpRequest, **kwargs: Any) -> None:
    """Mark a Django session that allauth has signed in for a browser, for ``session/exchange/``."""
    if not is_app_client(request):
        request.session[exchanging.SIGNED_IN_AT] = time.time()


def _on_logout(request: HttpRequest | None, **kwargs: Any) -> None:
    """End our session before Django deletes the session that is linked to it."""
    sid = links.sid_of(getattr(request, "session", None))
    if request is None or sid is None:
        return
    session = store.get(sid)
    if session is not None:
        # A project may use ATOMIC_REQUESTS, under which allauth's views run.
        end_with_transaction(session, EndReason.LOGOUT)
    if is_app_client(request):
        forget_previous_user(request)


def _on_user_session_deleted(instance: Any, **kwargs: Any) -> None:
    """End our session when allauth's ``usersessions`` ends a session, or its user is deleted."""
    session = links.session_of_key(instance.session_key)
    if session is not None:
        end_with_transaction(session, EndReason.REVOKED)


def _session_of_request(user: Any) -> UUID | None:
    """Return our session of a user who changes their password in one of allauth's endpoints."""
    session = getattr(current_request(), "session", None)
    sid = links.sid_of(session)
    if session is None or sid is None:
        return None
    return sid if session.get(SESSION_KEY) == user._meta.pk.value_to_string(user) else None
