"""A password rehashed by a newer hasher is not a password changed.

Django rehashes at sign-in when a hasher's work factor goes up, and saves the user with nothing
but the password in ``update_fields``. The session auth hash changes with it, so the living
sessions are re-stamped; otherwise each upgrade of Django would log everybody out.
"""

from copy import copy
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db.models.signals import post_save, pre_save

from drf_ratchet.models import Session
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.fingerprint import fingerprint_of, fingerprints_of

_OLD = "_ratchet_fingerprints_before_upgrade"


def watch() -> None:
    """Connect to the user model's saves."""
    user_model = get_user_model()
    uid = "drf_ratchet.password_upgrade"
    pre_save.connect(_note_old, sender=user_model, dispatch_uid=uid)
    post_save.connect(_restamp, sender=user_model, dispatch_uid=uid)


def _note_old(instance: Any, update_fields: Any, using: str, **kwargs: Any) -> None:
    if not _looks_like_upgrade(instance, update_fields):
        return
    stored = type(instance)._base_manager.using(using).filter(pk=instance.pk)
    for old in stored.values_list("password", flat=True):
        if _needed_upgrade(old):
            before = copy(instance)
            before.password = old
            setattr(instance, _OLD, list(fingerprints_of(before)))


def _restamp(instance: Any, **kwargs: Any) -> None:
    # Only sessions opened under the password that was rehashed: not those of an earlier one.
    old = instance.__dict__.pop(_OLD, None)
    if old:
        living = Session._base_manager.using(write_database()).filter(
            user_id=instance.pk, ended_at__isnull=True, fingerprint__in=old
        )
        living.update(fingerprint=fingerprint_of(instance))


def _looks_like_upgrade(user: Any, update_fields: Any) -> bool:
    """As ``AbstractBaseUser.check_password`` saves: no raw password left, this field alone."""
    return (
        update_fields is not None
        and set(update_fields) == {"password"}
        and user.__dict__.get("_password", "") is None
    )


def _needed_upgrade(encoded: str) -> bool:
    """Whether Django's ``check_password`` would have rehashed what was stored."""
    preferred = get_hasher("default")
    try:
        hasher = identify_hasher(encoded)
    except ValueError:
        return False
    return hasher.algorithm != preferred.algorithm or preferred.must_update(encoded)
