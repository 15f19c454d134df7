"""Check ``USER_ID_FIELD``, the field by which a token identifies its user."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from drf_ratchet.checks.settings import usable_settings
from drf_ratchet.conf import NAME

HINT = "Name a field that is unique and not null, or remove the setting to use the primary key."


@register(Tags.security)
def check_user_id(**kwargs: Any) -> list[CheckMessage]:
    """Report E014: ``USER_ID_FIELD`` is not a unique, non-null field of the user model."""
    chosen = usable_settings()
    if chosen.USER == "claims" or chosen.USER_ID_FIELD == "pk":
        return []
    # Imported late: a service without users does not install the app's models.
    from drf_ratchet.sessions.subject import field_named

    try:
        model = get_user_model()
        field = field_named(model, chosen.USER_ID_FIELD)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=HINT, id="ratchet.E014")]
    if not _is_unique(model, field):
        fault = "is not unique: a token could identify two users"
    elif field.null:
        fault = "may be null: a token could not identify its user"
    else:
        return []
    return [
        Error(
            f"{NAME}['USER_ID_FIELD']: {model._meta.label}.{field.name} {fault}.",
            hint=HINT,
            id="ratchet.E014",
        )
    ]


def _is_unique(model: Any, field: Any) -> bool:
    alone = [constraint.fields for constraint in model._meta.total_unique_constraints]
    return field.unique or (field.name,) in alone
