"""Find the account that a sign-in names, to count its attempts before it is authenticated."""

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


def account_fields(view: object, data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the body fields that may name the account; none if the sign-in names no account.

    Args:
        view: the view that signs in.
        data: the parsed body.
    """
    model = get_user_model()
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
    # If a sign-in has only one text field, it is a secret, for example of a link. Of two fields the
    # first is the name.
    if named is not None or len(texts) > 1:
        yield from (name for name in texts if "password" not in name)


def _serializer_of(view: Any) -> Any:
    """Return the serializer of a view; None if it has none."""
    try:
        return view.get_serializer()
    except Exception:
        # No GenericAPIView, or one without serializer_class; or a project's own method that cannot
        # be called yet. The view itself reports what is wrong.
        return None


#: The field's messages are those that the serializer would give.
_TEXT = serializers.CharField(max_length=MAX_CREDENTIAL_LENGTH, allow_blank=True)


def text_of(field_name: str, value: object) -> str:
    """Return an account's name as text that is short enough for ``fold``.

    Args:
        field_name: the name of the body field.
        value: the value that the client sent.

    Raises:
        ValidationError: the value is not a text, or it is too long.
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
    """Return an account's name as the database stores it, if its collation matches other spellings.

    The collations of MariaDB and MySQL treat letters of several scripts as equal, and ignore
    others. ``fold`` cannot know them all.

    Args:
        name: the name that the client sent.
    """
    users = get_user_model()._default_manager
    if name.isascii() or connections[router.db_for_read(users.model)].vendor != "mysql":
        return name
    try:
        return str(users.get_by_natural_key(name).get_username())
    except (ObjectDoesNotExist, MultipleObjectsReturned, ValidationError, ValueError):
        return name


def fold(name: str) -> str:
    """Return an account's name as databases compare it, or more loosely.

    All spellings that reach one account get the same count. ``UPPER`` and ``LOWER`` of PostgreSQL,
    SQLite and Python do not change the result.

    Args:
        name: at most 4,096 characters.
    """
    # Uppercase first: PostgreSQL's UPPER turns the dotless i into I, and casefold() does not.
    capital = unicodedata.normalize("NFKD", name).upper()
    folded = unicodedata.normalize("NFKD", capital.casefold())
    changed = {ord(letter): _changed(letter) for letter in set(folded)}
    return folded.translate(changed).strip()


@lru_cache(maxsize=4096)
def _changed(letter: str) -> str | None:
    """Return the replacement of a letter in a folded name; None to remove it."""
    category = unicodedata.category(letter)
    # A database may use a newer Unicode than this Python, in which these letters have capitals.
    if category == "Cn" or letter in _NEW_CAPITALS:
        return "\N{REPLACEMENT CHARACTER}"
    return None if category in _UNSEEN else letter


#: Categories of combining marks, format and control characters.
_UNSEEN = frozenset({"Mn", "Me", "Cf", "Cc"})
#: Small letters whose capitals were added in Unicode 16.
_NEW_CAPITALS = frozenset("\u019b\u0264")
