"""The keys of the old package's tokens: ``JWT_LEGACY_KEYS``, by default those of ``JWT_AUTH``."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import (
    MultipleObjectsReturned,
    ObjectDoesNotExist,
    ValidationError,
)
from django.utils.encoding import force_bytes

from drf_ratchet.caches import forget_on_change
from drf_ratchet_compat.drf_jwt.key_material import is_pem, is_symmetric, named_keys
from drf_ratchet_compat.drf_jwt.settings import NAME, api_settings
from drf_ratchet_compat.old_tokens import OldKey, old_key, unverified_claims
from ratchet_tokens import codec
from ratchet_tokens.errors import Reason, TokenRefused

#: What a project's handler and a query raise for claims that anybody may have made up.
_NOBODY = (
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    OverflowError,
    RecursionError,
    ObjectDoesNotExist,
    MultipleObjectsReturned,
    ValidationError,
)


def keys_for(token: str) -> list[OldKey]:
    """The keys that an old token may be signed with.

    Args:
        token: as the client sent it, nothing of it verified.

    Raises:
        TokenRefused: malformed.
    """
    keys = [*configured(), *_of_the_user(token)]
    if api_settings.JWT_INSIST_ON_KID and any(key.kid for key in keys):
        return keys if codec.kid_of(token) else []
    return keys


@lru_cache(maxsize=1)
def configured() -> tuple[OldKey, ...]:
    """The keys that are the same for every token. One that fits no algorithm is left out."""
    return tuple(_configured())


def _configured() -> Iterator[OldKey]:
    legacy = api_settings.JWT_LEGACY_KEYS
    for alg in api_settings.algorithms:
        if legacy is not None:
            fitting = [key for key in named_keys(legacy) if is_pem(key[1]) != is_symmetric(alg)]
        elif is_symmetric(alg):
            per_user = api_settings.JWT_GET_USER_SECRET_KEY
            fitting = [] if per_user else named_keys(api_settings.JWT_SECRET_KEY)
        else:
            public = api_settings.JWT_PUBLIC_KEY
            # A private key verifies too.
            fitting = named_keys(api_settings.JWT_PRIVATE_KEY if public is None else public)
        for kid, text in fitting:
            yield from _usable(text, alg, kid)


def _of_the_user(token: str) -> Iterator[OldKey]:
    """``JWT_GET_USER_SECRET_KEY``: the key of whoever the token says it is of."""
    find: Any = api_settings.JWT_GET_USER_SECRET_KEY
    if find is None or api_settings.JWT_LEGACY_KEYS is not None:
        return
    user = named_user(unverified_claims(token))
    if user is None:
        return
    for kid, text in _own_keys(find, user):
        for alg in filter(is_symmetric, api_settings.algorithms):
            yield from _usable(text, alg, kid)


def _own_keys(find: Any, user: Any) -> list[tuple[str | None, str | bytes]]:
    """None for a user who has no key: then no token of theirs is good."""
    try:
        return named_keys(find(user))
    except _NOBODY:
        return []


def own_secret(user: Any) -> bytes | None:
    """Return the key that ``JWT_GET_USER_SECRET_KEY`` has for a user, for the fingerprint.

    Args:
        user: an instance of the user model.

    Returns:
        The key, empty if the user has none; None without that setting.
    """
    find: Any = api_settings.JWT_GET_USER_SECRET_KEY
    if find is None:
        return None
    return b"\n".join(force_bytes(text) for _, text in _own_keys(find, user))


def name_in(payload: Mapping[str, Any]) -> Any:
    """The name in a payload, by ``JWT_PAYLOAD_GET_USERNAME_HANDLER``; None where that finds none.

    Args:
        payload: what a token says, verified or not: a handler may rely on what is not there.
    """
    try:
        return api_settings.JWT_PAYLOAD_GET_USERNAME_HANDLER(payload)
    except _NOBODY:
        return None


def named_user(payload: Mapping[str, Any]) -> Any:
    """The user that a payload names, None for nobody.

    One whose ``user_id`` is another's is nobody: the name has gone to somebody else since.

    Args:
        payload: what a token says, verified or not.
    """
    name = name_in(payload)
    if not isinstance(name, (str, int)) or isinstance(name, bool) or name == "":
        return None
    try:
        if "\0" in str(name):
            return None  # PostgreSQL would fail to look for it
        manager: Any = get_user_model()._default_manager
        user = manager.get_by_natural_key(name)
        number = payload.get("user_id")
        return user if number is None or str(number) == str(user.pk) else None
    except _NOBODY:
        return None


def secret_key(payload: dict[str, Any] | None = None) -> Any:
    """What the old package signed with: ``JWT_SECRET_KEY``, or the user's own.

    Args:
        payload: names the user.

    Raises:
        TokenRefused: nobody has that name.
    """
    find: Any = api_settings.JWT_GET_USER_SECRET_KEY
    if find is None:
        return api_settings.JWT_SECRET_KEY
    user = named_user(payload or {})
    if user is None:
        raise TokenRefused(Reason.SESSION_ENDED)
    return find(user)


def _usable(text: str | bytes, alg: str, kid: str | None) -> Iterator[OldKey]:
    try:
        yield old_key(text, alg, kid)
    except ValueError:
        return


forget_on_change(configured.cache_clear, NAME, "SECRET_KEY")
