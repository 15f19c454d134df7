"""``SIMPLE_JWT`` as defaults under ``DRF_RATCHET``: every key is honoured, or refused by name."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from drf_ratchet_compat.simplejwt.keys import legacy_keys, signing_jwks
from drf_ratchet_compat.simplejwt.settings import (
    DEFAULTS,
    NAME,
    REMOVED_SETTINGS,
    api_settings,
)
from ratchet_tokens.algorithms import ALGORITHMS
from ratchet_tokens.claims import REGISTERED_CLAIMS

OLD_NAME = "rest_framework_simplejwt"


def defaults() -> dict[str, Any]:
    """What ``SIMPLE_JWT`` means in our words.

    Raises:
        ImproperlyConfigured: it asks for what cannot be done; the text names each key.
    """
    refused = [f"{text} {hint}" for text, hint in refusals(api_settings.user_settings)]
    if refused:
        raise ImproperlyConfigured(" ".join(refused))
    found: dict[str, Any] = {
        "ACCESS_TOKEN_LIFETIME": api_settings.ACCESS_TOKEN_LIFETIME,
        "REFRESH_TOKEN_LIFETIME": api_settings.REFRESH_TOKEN_LIFETIME,
        # simplejwt knows no end but the last refresh token's.
        "SESSION_LIFETIME": None,
        "ROTATE_REFRESH_TOKENS": rotates(),
        "LEEWAY": as_timedelta(api_settings.LEEWAY),
        "AUTH_HEADER_TYPES": header_types(),
        "USER_ID_CLAIM": api_settings.USER_ID_CLAIM,
        "ISSUER": api_settings.ISSUER,
        "AUDIENCE": _names(api_settings.AUDIENCE),
    }
    if "USER_ID_FIELD" in api_settings.user_settings:
        found["USER_ID_FIELD"] = api_settings.USER_ID_FIELD
    if "USER_AUTHENTICATION_RULE" in api_settings.user_settings:
        # For our own endpoints beside simplejwt's.
        found["SIGN_IN_POLICY"] = lambda user, **kwargs: api_settings.USER_AUTHENTICATION_RULE(user)
    keys = signing_jwks()
    legacy_keys()  # what cannot be read is said now, and not at somebody's first refresh
    return {**found, "KEYS": keys} if keys else found


def rotates() -> bool:
    """Whether new sessions rotate.

    Without ``BLACKLIST_AFTER_ROTATION`` simplejwt's old refresh tokens stay good, and there are
    clients that never look at the new ones: their sessions hold.
    """
    return bool(api_settings.ROTATE_REFRESH_TOKENS and api_settings.BLACKLIST_AFTER_ROTATION)


def header_types() -> tuple[str, ...]:
    """``AUTH_HEADER_TYPES`` as a tuple."""
    types = api_settings.AUTH_HEADER_TYPES
    return tuple(types) if isinstance(types, (list, tuple)) else (types,)


def as_timedelta(leeway: Any) -> timedelta:
    """``LEEWAY``: seconds, a timedelta, or None for none."""
    return leeway if isinstance(leeway, timedelta) else timedelta(seconds=leeway or 0)


def refusals(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each key that cannot be honoured, as (problem, what to do). No value is shown."""
    for name in REMOVED_SETTINGS:
        if name in given:
            yield f"{NAME}[{name!r}] was removed from simplejwt.", "Take it out."
    for name, (is_refused, text, hint) in _REFUSED.items():
        if name in given and is_refused(given[name]):
            yield f"{NAME}[{name!r}]{text}", hint


def unknown(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each key that simplejwt has not, as (problem, hint). simplejwt says nothing of them."""
    for name in given:
        if name not in DEFAULTS and name not in REMOVED_SETTINGS:
            near = difflib.get_close_matches(str(name).upper(), DEFAULTS, n=1, cutoff=0.5)
            yield (
                f"{NAME} has no setting {name!r}.",
                f"Did you mean {near[0]!r}?" if near else "Take it out.",
            )


def left_behind(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each value that still names something of simplejwt, as (problem, hint)."""
    for name, value in given.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        if any(isinstance(one, str) and one.startswith(f"{OLD_NAME}.") for one in values):
            yield (
                f"{NAME}[{name!r}] names something of {OLD_NAME}.",
                f"Write drf_ratchet_compat.simplejwt in place of {OLD_NAME}.",
            )


def _names(audience: Any) -> Any:
    return audience if audience is None or isinstance(audience, str) else list(audience)


def _is_no_claim(name: Any) -> bool:
    return not isinstance(name, str) or name in REGISTERED_CLAIMS - {"sub"}


_REFUSED: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "ALGORITHM": (
        lambda v: v not in ALGORITHMS,
        " is no algorithm that drf-ratchet signs with.",
        f"Use one of {', '.join(ALGORITHMS)}.",
    ),
    "JWK_URL": (
        bool,
        " is not supported: it is for tokens of another issuer.",
        "For tokens of another server with drf-ratchet set DRF_RATCHET's USER and VERIFIER "
        "(docs/services.md); for those of anybody else stay with simplejwt.",
    ),
    "CHECK_USER_IS_ACTIVE": (
        lambda v: not v,
        " is False, and drf-ratchet lets no inactive user in.",
        "Take it out. Who should get in is active; what they may do is for permissions.",
    ),
    "USER_ID_CLAIM": (
        _is_no_claim,
        " is a name that drf-ratchet writes something else under.",
        "Any other will do, 'sub' too.",
    ),
    "TOKEN_TYPE_CLAIM": (
        lambda v: v is not None and v != "token_type" and _is_no_claim(v),
        " is a name that drf-ratchet writes something else under.",
        "Any other will do.",
    ),
    "JTI_CLAIM": (
        lambda v: v is not None and v != "jti" and _is_no_claim(v),
        " is a name that drf-ratchet writes something else under.",
        "Any other will do.",
    ),
}
