"""End a user's sessions when the user changes.

A new password ends all of them, except the one that ``keep_session`` names. So do deactivation and
deletion. ``QuerySet.update()`` sends no signal. What it changes takes effect at the next refresh,
and with ``FRESHNESS = "immediate"`` at the next request.

A password upgrade is not a new password. Django rehashes the password at sign-in when a hasher's
work factor increases, and this changes the session auth hash. The active sessions then get the new
fingerprint. Otherwise each Django release that raises the work factor would log everybody out.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db import transaction
from django.db.models.signals import ModelSignal, class_prepared, post_save, pre_delete, pre_save

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import end_many_with_transaction
from drf_ratchet.sessions.fingerprint import (
    covers_more,
    fingerprint_of,
    is_unchanged,
    join_fingerprints,
)
from drf_ratchet.sessions.subject import is_active
from ratchet_tokens.claims import session_id
from ratchet_tokens.errors import TokenRefused

#: Functions that return the session that the current request belongs to, given the user whose
#: password it changes, or None. That session stays active, as with ``keep_session``. Code that
#: does not call ``keep_session``, such as django-allauth's, is covered by a function here.
kept_by_request: list[Callable[[Any], UUID | None]] = []

_kept: ContextVar[UUID | None] = ContextVar("drf_ratchet_kept_session", default=None)


@contextmanager
def keep_session(auth: Any) -> Iterator[None]:
    """Keep one session active through a password change: that of the device that changes it.

    ``with keep_session(request.auth): form.save()`` does what Django's ``update_session_auth_hash``
    does for its own sessions: all others end. It opens a transaction, so the new password and the
    session's new fingerprint commit together.

    Args:
        auth: ``request.auth`` of the request that changes the password. If no token of this package
            authenticated it, all sessions end.
    """
    token = _kept.set(_session_in(auth))
    try:
        with transaction.atomic(using=write_database()):
            yield
    finally:
        _kept.reset(token)


def _session_in(auth: object) -> UUID | None:
    """Return the session that ``request.auth`` names; None if it holds no token's claims."""
    if not isinstance(auth, Mapping):
        return None
    try:
        return session_id(auth)
    except TokenRefused:
        return None


def watch() -> None:
    """Connect to the signals of the user model and of each model that shares a row with it."""
    for model in apps.get_models():
        _watch(model)
    class_prepared.connect(_watch, dispatch_uid="drf_ratchet.watch")


def _watch(sender: Any, **kwargs: Any) -> None:
    # Connect by sender: a receiver for all models would slow every save and deletion.
    user_model = get_user_model()
    if not _shares_a_row(sender, user_model):
        return
    receivers: list[tuple[ModelSignal, Any]] = [(pre_save, _before_save), (post_save, _on_save)]
    # When Django deletes a child it deletes the parent too, with signals of its own; or it keeps
    # the parent.
    if sender._meta.concrete_model is user_model._meta.concrete_model:
        receivers.append((pre_delete, _on_delete))
    for signal, receiver in receivers:
        uid = f"drf_ratchet.{receiver.__name__}"
        signal.connect(receiver, sender=sender, dispatch_uid=uid)


def _shares_a_row(model: Any, user_model: Any) -> bool:
    """Return whether a model is the user model, or a proxy, child or parent of it."""
    user, other = user_model._meta.concrete_model, model._meta.concrete_model
    return issubclass(other, user) or issubclass(user, other)


def _user_of(instance: Any, using: str) -> Any:
    """Return the saved instance as the user model has it; None if it is no user."""
    user_model = get_user_model()
    if isinstance(instance, user_model):
        return instance
    # An instance of a parent may lack fields, or be no user. If the user model is a proxy, the
    # instance may be of the model behind it.
    link = user_model._meta.get_ancestor_link(instance._meta.concrete_model)
    key = {link.name if link else "pk": instance.pk}
    return user_model._base_manager.using(using).filter(**key).first()


def _on_save(instance: Any, created: bool, update_fields: Any, using: str, **kwargs: Any) -> None:
    # The most frequent save of users is Django's own, of last_login. It ends no session.
    if created or (update_fields is not None and set(update_fields) <= {"last_login"}):
        return
    if (
        update_fields is not None
        and {"password", "is_active"}.isdisjoint(update_fields)
        and not covers_more(instance)
    ):
        return
    if not ratchet_settings().USER_CHANGES_END_SESSIONS:
        return
    user = _user_of(instance, using)
    if user is None:
        return
    found = store.active_sessions(user)
    if not is_active(user):
        end_many_with_transaction(found, user, EndReason.USER_INACTIVE)
        return
    other = [one for one in store.active_fingerprints(user) if not is_unchanged(user, one)]
    if not other:
        return
    found = found.filter(fingerprint__in=other)
    kept = _kept.get()
    if kept is not None:
        store.restamp(found.filter(pk=kept), fingerprint_of(user))
    end_many_with_transaction(found, user, EndReason.PASSWORD_CHANGED)


def _on_delete(instance: object, **kwargs: Any) -> None:
    # Copy the user: Django clears its primary key after the deletion, and the signals need it.
    user = copy(instance)
    end_many_with_transaction(store.active_sessions(user), user, EndReason.USER_DELETED)


def _before_save(instance: Any, update_fields: Any, using: str, **kwargs: Any) -> None:
    """Let both hashes of a password match while Django saves an upgrade.

    The row of the user and the sessions cannot change at the same moment. A refresh in between must
    not mistake the upgrade for a new password.
    """
    if update_fields is None or "password" in update_fields:
        _keep_sessions_of_request(instance)
    if not _looks_like_upgrade(instance, update_fields):
        return
    before = _user_of(instance, using)
    stored = type(instance)._base_manager.using(using).filter(pk=instance.pk)
    for password in stored.values_list("password", flat=True):
        if before is not None and _needed_upgrade(password):
            before, after = copy(before), copy(before)
            before.password, after.password = password, instance.password
            stamp = join_fingerprints(fingerprint_of(before), fingerprint_of(after))
            # Only sessions opened under the password that is rehashed, not under an earlier one.
            same = [one for one in store.active_fingerprints(before) if is_unchanged(before, one)]
            store.restamp(store.active_sessions(before).filter(fingerprint__in=same), stamp)


def _keep_sessions_of_request(user: Any) -> None:
    """Let a session that ``kept_by_request`` names match the password that is about to be saved.

    No transaction is open, so a refresh may come between the save and what follows it.
    """
    if user.pk is None or not isinstance(user, get_user_model()):
        return
    for kept in filter(None, (of_request(user) for of_request in kept_by_request)):
        found, new = store.active_sessions(user).filter(pk=kept), fingerprint_of(user)
        for stored in list(found.values_list("fingerprint", flat=True)):
            *_, current = stored.split(",")
            if current != new:
                store.restamp(found, join_fingerprints(current, new))


def _looks_like_upgrade(user: Any, update_fields: Any) -> bool:
    """Return whether ``AbstractBaseUser.check_password`` is saving: no raw password, one field."""
    return (
        update_fields is not None
        and set(update_fields) == {"password"}
        and vars(user).get("_password", "") is None
    )


def _needed_upgrade(encoded: str) -> bool:
    """Return whether Django's ``check_password`` would rehash the stored password."""
    preferred = get_hasher("default")
    try:
        hasher = identify_hasher(encoded)
    except ValueError:
        return False
    return hasher.algorithm != preferred.algorithm or preferred.must_update(encoded)
