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
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db import transaction
from django.db.models.signals import ModelSignal, class_prepared, post_save, pre_delete, pre_save

from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import end_many_with_transaction
from drf_ratchet.sessions.fingerprint import either, fingerprint_of, is_unchanged
from drf_ratchet.sessions.subject import is_active
from ratchet_tokens.claims import session_id
from ratchet_tokens.errors import TokenRefused

_kept: ContextVar[UUID | None] = ContextVar("drf_ratchet_kept_session", default=None)


@contextmanager
def keep_session(auth: Any) -> Iterator[None]:
    """Let one session outlive a change of password: that of the device that changes it.

    ``with keep_session(request.auth): form.save()`` does what Django's
    ``update_session_auth_hash`` does for its own sessions: the others end. It opens a transaction,
    so that the new password and the session's new stamp are seen together.

    Args:
        auth: ``request.auth`` of the request that changes the password. Where something else than
            a token of ours signed it in, no session is kept: all of them end.
    """
    token = _kept.set(_session_in(auth))
    try:
        with transaction.atomic(using=write_database()):
            yield
    finally:
        _kept.reset(token)


def _session_in(auth: Any) -> UUID | None:
    """Return the session that ``request.auth`` names; None if it is not the claims of a token."""
    if not isinstance(auth, Mapping):
        return None
    try:
        return session_id(auth)
    except TokenRefused:
        return None


def watch() -> None:
    """Connect to the signals of the user model, and of each model that shares a row with it."""
    for model in apps.get_models():
        _watch(model)
    class_prepared.connect(_watch, dispatch_uid="drf_ratchet.watch")


def _watch(sender: Any, **kwargs: Any) -> None:
    # By sender, and not all models: a listener makes each model's saves and deletions slower.
    user_model = get_user_model()
    if not _shares_a_row(sender, user_model):
        return
    receivers: list[tuple[ModelSignal, Any]] = [(pre_save, _before_save), (post_save, _on_save)]
    # Of a child Django deletes the parent as well, and says so; or it keeps the parent.
    if sender._meta.concrete_model is user_model._meta.concrete_model:
        receivers.append((pre_delete, _on_delete))
    for signal, receiver in receivers:
        uid = f"drf_ratchet.{receiver.__name__}"
        signal.connect(receiver, sender=sender, dispatch_uid=uid)


def _shares_a_row(model: Any, user_model: Any) -> bool:
    """Return whether a user can be saved through a model: it, a proxy, a child or a parent."""
    user, other = user_model._meta.concrete_model, model._meta.concrete_model
    return issubclass(other, user) or issubclass(user, other)


def _user_of(instance: Any, using: str) -> Any:
    """Return what was saved, as the user model has it; None where it is no user."""
    user_model = get_user_model()
    if isinstance(instance, user_model):
        return instance
    # A parent, which may lack some of the fields, or the user; or what a proxy stands for.
    link = user_model._meta.get_ancestor_link(instance._meta.concrete_model)
    key = {link.name if link else "pk": instance.pk}
    return user_model._base_manager.using(using).filter(**key).first()


def _on_save(instance: Any, created: bool, update_fields: Any, using: str, **kwargs: Any) -> None:
    # Django's own last_login is the most frequent save of all, and none of ours.
    if created or (
        update_fields is not None and {"password", "is_active"}.isdisjoint(update_fields)
    ):
        return
    user = _user_of(instance, using)
    if user is None:
        return
    found = store.living(user)
    if not is_active(user):
        end_many_with_transaction(found, user, EndReason.USER_INACTIVE)
        return
    other = [one for one in store.living_fingerprints(user) if not is_unchanged(user, one)]
    if not other:
        return
    found = found.filter(fingerprint__in=other)
    kept = _kept.get()
    if kept is not None:
        store.restamp(found.filter(pk=kept), fingerprint_of(user))
    end_many_with_transaction(found, user, EndReason.PASSWORD_CHANGED)


def _on_delete(instance: Any, **kwargs: Any) -> None:
    # A copy: Django takes the key from the instance, and the signals tell whose sessions ended.
    user = copy(instance)
    end_many_with_transaction(store.living(user), user, EndReason.USER_DELETED)


def _before_save(instance: Any, update_fields: Any, using: str, **kwargs: Any) -> None:
    """Before an upgrade is saved, let both hashes of the password count.

    The user's row and the sessions' cannot change in the same moment; a refresh in between must
    not take the new hash for a new password.
    """
    if not _looks_like_upgrade(instance, update_fields):
        return
    before = _user_of(instance, using)
    stored = type(instance)._base_manager.using(using).filter(pk=instance.pk)
    for password in stored.values_list("password", flat=True):
        if before is not None and _needed_upgrade(password):
            before, after = copy(before), copy(before)
            before.password, after.password = password, instance.password
            stamp = either(fingerprint_of(before), fingerprint_of(after))
            # Only sessions of the password that is rehashed: not those of an earlier one.
            same = [one for one in store.living_fingerprints(before) if is_unchanged(before, one)]
            store.restamp(store.living(before).filter(fingerprint__in=same), stamp)


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
