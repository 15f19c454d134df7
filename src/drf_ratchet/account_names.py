"""Which account a sign-in is for, told before anybody is signed in: what its attempts count for."""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import (
    MultipleObjectsReturned,
    ObjectDoesNotExist,
    ValidationError,
)
from django.db import connections, router
from rest_framework import serializers

from drf_ratchet.bounds import MAX_CREDENTIAL_LENGTH


def account_fields(view: Any, data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields of the body that may name the account; none where a sign-in names none."""
    model: Any = get_user_model()
    serializer = _serializer_of(view)
    if serializer is None:
        usual = (model.USERNAME_FIELD, getattr(model, "EMAIL_FIELD", "email"))
        yield from (name for name in usual if name in data)
        return
    named = getattr(serializer, "username_field", None)
    if isinstance(named, str):
        yield named
    texts = [
        name
        for name, one in getattr(serializer, "fields", {}).items()
        if isinstance(one, serializers.CharField) and not one.read_only
    ]
    if model.USERNAME_FIELD in texts:
        yield model.USERNAME_FIELD
    # The only text of a sign-in is a secret, as with a link. Of two the first is the name.
    if named is not None or len(texts) > 1:
        yield from (name for name in texts if "password" not in name)


def _serializer_of(view: Any) -> Any:
    """Return the serializer of a view; None where it has none."""
    try:
        return view.get_serializer()
    except Exception:
        # No GenericAPIView, or one without serializer_class; or a project's own method that cannot
        # be called yet. The view will say what is wrong.
        return None


#: Its messages are those that the serializer would give.
_TEXT = serializers.CharField(max_length=MAX_CREDENTIAL_LENGTH, allow_blank=True)


def text_of(field_name: str, value: Any) -> str:
    """Return a name that is text, and short enough to be folded.

    Raises:
        ValidationError: it is neither.
    """
    try:
        if not isinstance(value, str | int | float):
            _TEXT.fail("invalid")
        if isinstance(value, str) and len(value) > MAX_CREDENTIAL_LENGTH:
            _TEXT.fail("max_length", max_length=MAX_CREDENTIAL_LENGTH)
        return str(_TEXT.run_validation(value))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({field_name: error.detail}) from None


def as_stored(name: str) -> str:
    """Return an account's name as the database holds it, where that knows it by more spellings.

    The collations of MariaDB and MySQL equate letters of several scripts, and skip others: more
    than ``fold`` could know.
    """
    users: Any = get_user_model()._default_manager
    if name.isascii() or connections[router.db_for_read(users.model)].vendor != "mysql":
        return name
    try:
        return str(users.get_by_natural_key(name).get_username())
    except (ObjectDoesNotExist, MultipleObjectsReturned, ValidationError, ValueError):
        return name


def fold(name: str) -> str:
    """Return an account's name as databases compare it, or more loosely.

    Whoever may reach one account by two spellings has one count for both: ``UPPER`` and ``LOWER``
    of PostgreSQL and SQLite, and Python's own, change nothing of what this returns.

    Args:
        name: up to 4,096 characters. What is longer is not to be folded.
    """
    # Capitals first: PostgreSQL's UPPER makes an I of the dotless i, and casefold() does not.
    capital = unicodedata.normalize("NFKD", name).upper()
    folded = unicodedata.normalize("NFKD", capital.casefold())
    changed = {ord(letter): _changed(letter) for letter in set(folded)}
    return folded.translate(changed).strip()


@lru_cache(maxsize=4096)
def _changed(letter: str) -> str | None:
    """Return what stands for a letter in a folded name; None for nothing."""
    category = unicodedata.category(letter)
    # A database may know a newer Unicode than this Python, in which these have capitals.
    if category == "Cn" or letter in _NEW_CAPITALS:
        return "\N{REPLACEMENT CHARACTER}"
    return None if category in _UNSEEN else letter


#: Combining marks, format and control characters.
_UNSEEN = frozenset({"Mn", "Me", "Cf", "Cc"})
#: Old small letters, whose capitals came with Unicode 16.
_NEW_CAPITALS = frozenset("\u019b\u0264")
