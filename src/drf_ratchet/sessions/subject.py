"""The subject of tokens: a user's ``sub``, taken from the field ``USER_ID_FIELD``."""

from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured

from drf_ratchet.caches import forget_on_change
from drf_ratchet.conf import NAME, ratchet_settings


@lru_cache(maxsize=1)
def id_field() -> Any:
    """Return the field of the user model that ``USER_ID_FIELD`` names.

    Raises:
        ImproperlyConfigured: the user model has no such field.
    """
    return field_named(get_user_model(), ratchet_settings().USER_ID_FIELD)


def field_named(model: Any, name: str) -> Any:
    """Return the field of a user model that a value of ``USER_ID_FIELD`` names.

    Args:
        model: the user model.
        name: the name of a field, or "pk".

    Raises:
        ImproperlyConfigured: there is no such field, or it is not a column.
    """
    try:
        field = model._meta.pk if name == "pk" else model._meta.get_field(name)
        if field.concrete and not field.many_to_many:
            return field
    except FieldDoesNotExist:
        pass
    raise ImproperlyConfigured(f"{NAME}['USER_ID_FIELD'] names no column of {model._meta.label}.")


def subject_of(user: Any) -> str:
    """Return the user's id as the ``sub`` claim has it; "" if the field is null.

    Args:
        user: a saved instance of the user model.
    """
    field = id_field()
    empty = field.value_from_object(user) is None
    return "" if empty else str(field.value_to_string(user))


def is_active(user: Any) -> bool:
    """Return whether a user is active; True for a model without ``is_active``, as ``ModelBackend``.

    Args:
        user: an instance of the user model.
    """
    return bool(getattr(user, "is_active", True))


forget_on_change(id_field.cache_clear, NAME, "AUTH_USER_MODEL")
