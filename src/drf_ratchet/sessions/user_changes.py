"""What happens to a user, and what it means for their sessions.

A new password ends them all, unless ``keep_session`` says which may stay; so do deactivation and
deletion. ``QuerySet.update()`` sends no signal: what it changes is seen at the next refresh, and
with ``FRESHNESS = "immediate"`` at the next request.

A password rehashed by a newer hasher is no new password. Django rehashes at sign-in when a
hasher's work factor goes up, and the session auth hash changes with it; the living sessions are
re-stamped, or each upgrade of Django would log everybody out.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db import transaction
from django.db.models.signals import post_save, pre_delete, pre_save

from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.ending import end_with_transaction
from drf_ratchet.sessions.endings import EndReason
from drf_ratchet.sessions.fingerprint import fingerprint_of, fingerprints_of
from drf_ratchet.tokens.claims import session_id

_OLD = "_ratchet_fingerprints_before_upgrade"
_kept: ContextVar[UUID | None] = ContextVar("drf_ratchet_kept_session", default=None)


@contextmanager
def keep_session(claims: Mapping[str, Any]) -> Iterator[None]:
    """Let one session outlive a change of password: that of the device that changes it.

    ``with keep_session(request.auth): form.save()`` does what Django's
    ``update_session_auth_hash`` does for its own sessions: the others end. It opens a transaction,
    so that the new password and the session's new stamp are seen together.

    Args:
        claims: ``request.auth`` of the request that changes the password.
    """
    token = _kept.set(session_id(claims))
    try:
        with transaction.atomic(using=write_database()):
            yield
    finally:
        _kept.reset(token)


def watch() -> None:
    """Connect to the user model's signals."""
    user_model = get_user_model()
    for signal, receiver in (
        (pre_save, _note_upgrade),
        (post_save, _on_save),
        (pre_delete, _on_delete),
    ):
        uid = f"drf_ratchet.{receiver.__name__}"
        signal.connect(receiver, sender=user_model, dispatch_uid=uid)


def _on_save(instance: Any, created: bool, update_fields: Any, **kwargs: Any) -> None:
    if created:
        return
    old = vars(instance).pop(_OLD, None)
    if old:
        living = store.rows().filter(user_id=instance.pk, ended_at__isnull=True)
        living.filter(fingerprint__in=old).update(fingerprint=fingerprint_of(instance))
    # Django's own last_login is the most frequent save of all, and none of ours.
    elif update_fields is None or not {"password", "is_active"}.isdisjoint(update_fields):
        _end_what_no_longer_fits(instance)


def _end_what_no_longer_fits(user: Any) -> None:
    if not user.is_active:
        for session in store.living(user):
            end_with_transaction(session, EndReason.USER_INACTIVE)
        return
    current = list(fingerprints_of(user))
    for session in store.living(user).exclude(fingerprint__in=current):
        if session.pk == _kept.get():
            store.rows().filter(pk=session.pk).update(fingerprint=current[0])
        else:
            end_with_transaction(session, EndReason.PASSWORD_CHANGED)


def _on_delete(instance: Any, **kwargs: Any) -> None:
    for session in store.living(instance):
        end_with_transaction(session, EndReason.USER_DELETED)


def _note_upgrade(instance: Any, update_fields: Any, using: str, **kwargs: Any) -> None:
    """Before an upgrade is saved, note which fingerprints the old hash gave."""
    if not _looks_like_upgrade(instance, update_fields):
        return
    stored = type(instance)._base_manager.using(using).filter(pk=instance.pk)
    for old in stored.values_list("password", flat=True):
        if _needed_upgrade(old):
            before = copy(instance)
            before.password = old
            # Only sessions opened under the password that is rehashed: not those of an earlier.
            setattr(instance, _OLD, list(fingerprints_of(before)))


def _looks_like_upgrade(user: Any, update_fields: Any) -> bool:
    """As ``AbstractBaseUser.check_password`` saves: no raw password left, this field alone."""
    return (
        update_fields is not None
        and set(update_fields) == {"password"}
        and vars(user).get("_password", "") is None
    )


def _needed_upgrade(encoded: str) -> bool:
    """Whether Django's ``check_password`` would have rehashed what was stored."""
    preferred = get_hasher("default")
    try:
        hasher = identify_hasher(encoded)
    except ValueError:
        return False
    return hasher.algorithm != preferred.algorithm or preferred.must_update(encoded)
