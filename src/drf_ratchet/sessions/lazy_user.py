"""A user that is known by id, and read from the database only if somebody looks."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.signals import setting_changed
from django.db.models.base import ModelState

from drf_ratchet.conf import NAME, ratchet_settings
from drf_ratchet.exceptions import TokenNotValid
from drf_ratchet.sessions.database import write_database
from drf_ratchet.tenants import chosen_tenant
from drf_ratchet.tokens.errors import Reason, TokenRefused

#: Another schema of the same database. In another database nothing is looked up.
_ANOTHER_TENANT = (
    "The user of a request was first looked at while another tenant was chosen, where the same key "
    "is somebody else's. Look at request.user before you choose another schema, or authenticate "
    "this view with freshness = 'immediate'."
)


def lazy_user(subject: str) -> Any:
    """A real instance of the user model, with nothing but its id.

    The first look at any other field loads them all in one query, through the default manager.
    Saving it untouched writes nothing. ``__init__`` runs when it is loaded, not before, since a
    user model may read fields there.

    Args:
        subject: the ``sub`` claim.

    Raises:
        TokenRefused: malformed, if no user can have this id.
    """
    model, attribute, to_python = _identity()
    try:
        value = to_python(subject)
    except ValidationError:
        raise TokenRefused(Reason.MALFORMED) from None
    user: Any = model.__new__(model)
    state = ModelState()
    state.adding, state.db = False, write_database()
    vars(user).update({"_state": state, attribute: value})
    # Django's deferred fields load themselves by this method, one query each. On the instance it
    # stands in front of the class's until the first load takes it away.
    user.refresh_from_db = partial(_load, user, attribute, chosen_tenant())
    return user


@lru_cache(maxsize=1)
def _identity() -> tuple[Any, str, Callable[[str], Any]]:
    """The user model, the attribute that ``sub`` holds, and what makes its value of a string."""
    model = get_user_model()
    name = ratchet_settings().USER_ID_FIELD
    field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return model, field.attname, field.to_python


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in (NAME, "AUTH_USER_MODEL"):
        _identity.cache_clear()


setting_changed.connect(_forget, dispatch_uid="drf_ratchet.sessions.lazy_user")


def _load(
    user: Any,
    id_field: str,
    chosen: object,
    using: str | None = None,
    fields: Sequence[str] | None = None,
    from_queryset: Any = None,
) -> None:
    """Load every field that is not set yet, or, with no fields named, all of them."""
    model = type(user)
    if chosen_tenant() != chosen and write_database() == user._state.db:
        raise RuntimeError(_ANOTHER_TENANT)
    found = from_queryset
    if found is None:
        found = model._default_manager.using(using or user._state.db)
    loaded = found.filter(**{id_field: vars(user)[id_field]}).first()
    if loaded is None:
        raise TokenNotValid(Reason.USER_INACTIVE)  # a 401, wherever in a view it comes up
    own = {name: value for name, value in vars(user).items() if name != "refresh_from_db"}
    vars(user).clear()
    vars(user).update(vars(loaded) if fields is None else {**vars(loaded), **own})
