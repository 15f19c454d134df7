"""What happens to a user, and what it means for their sessions.

A new password ends them all, unless ``keep_session`` says which may stay; so do deactivation and
deletion. ``QuerySet.update()`` sends no signal: what it changes is seen at the next refresh, and
with ``FRESHNESS = "immediate"`` at the next request.

A password rehashed by a newer hasher is no new password. Django rehashes at sign-in when a
hasher's work factor goes up, and the session auth hash changes with it; the living sessions are
stamped anew, or each upgrade of Django would log everybody out.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db import transaction
from django.db.models.signals import post_save, pre_delete, pre_save

from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import past_conflicts, write_database
from drf_ratchet.sessions.ending import end_with_transaction
from drf_ratchet.sessions.endings import EndReason
from drf_ratchet.sessions.fingerprint import either, fingerprint_of, is_unchanged
from drf_ratchet.sessions.subject import is_active
from drf_ratchet.tokens.claims import session_id

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
        (pre_save, _before_save),
        (post_save, _on_save),
        (pre_delete, _on_delete),
    ):
        uid = f"drf_ratchet.{receiver.__name__}"
        signal.connect(receiver, sender=user_model, dispatch_uid=uid)


def _on_save(instance: Any, created: bool, update_fields: Any, **kwargs: Any) -> None:
    # Django's own last_login is the most frequent save of all, and none of ours.
    if created or (
        update_fields is not None and {"password", "is_active"}.isdisjoint(update_fields)
    ):
        return
    for session in store.living(instance):
        if not is_active(instance):
            end_with_transaction(session, EndReason.USER_INACTIVE)
        elif is_unchanged(instance, session.fingerprint):
            continue
        elif session.pk == _kept.get():
            store.rows().filter(pk=session.pk).update(fingerprint=fingerprint_of(instance))
        else:
            end_with_transaction(session, EndReason.PASSWORD_CHANGED)


def _on_delete(instance: Any, **kwargs: Any) -> None:
    for session in store.living(instance):
        end_with_transaction(session, EndReason.USER_DELETED)


def _before_save(instance: Any, update_fields: Any, using: str, **kwargs: Any) -> None:
    """Before an upgrade is saved, let both hashes of the password count.

    The user's row and the sessions' cannot change in the same moment; a refresh in between must
    not take the new hash for a new password.
    """
    if not _looks_like_upgrade(instance, update_fields):
        return
    stored = type(instance)._base_manager.using(using).filter(pk=instance.pk)
    for password in stored.values_list("password", flat=True):
        if _needed_upgrade(password):
            before = copy(instance)
            before.password = password
            stamp = either(fingerprint_of(before), fingerprint_of(instance))
            for session in store.living(instance):
                # Only sessions of the password that is rehashed: not those of an earlier one.
                if is_unchanged(before, session.fingerprint):
                    row = store.rows().filter(pk=session.pk)
                    past_conflicts(partial(row.update, fingerprint=stamp))


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
