"""The bridge's own setting, and simplejwt's settings as defaults under ``DRF_RATCHET``."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from rest_framework_simplejwt.settings import api_settings

from ratchet_tokens.claims import REGISTERED_CLAIMS

NAME = "SIMPLE_JWT_BRIDGE"
#: The app that keeps simplejwt's two tables.
BLACKLIST_APP = "rest_framework_simplejwt.token_blacklist"


class Phase(StrEnum):
    """The phase of the bridge: the value of ``SIMPLE_JWT_BRIDGE["PHASE"]``."""

    #: Beside processes without the bridge: tokens get their claims, simplejwt rotates them.
    MARK = "mark"
    #: The counter decides.
    ENFORCE = "enforce"
    #: The counter decides, and whatever it refuses is in simplejwt's blacklist too: the way back.
    DRAIN = "drain"


_DEFAULTS: dict[str, Any] = {
    "PHASE": Phase.ENFORCE,
    #: A version of simplejwt that was not checked, and is to be used all the same.
    "ACCEPT_VERSION": None,
    #: Whether a session that refreshes too often gets a 429, by DRF's rate "refresh".
    "LIMIT_REFRESHES": False,
}


def bridge_setting(name: str) -> Any:
    """Return a key of ``SIMPLE_JWT_BRIDGE``, or its default.

    Args:
        name: a key of it.
    """
    return getattr(settings, NAME, {}).get(name, _DEFAULTS[name])


def phase() -> Phase:
    """Return the phase in use."""
    return Phase(bridge_setting("PHASE"))


def demand_usable() -> None:
    """Refuse to start with settings that the bridge cannot keep.

    Raises:
        ImproperlyConfigured: the text names each setting and says what to do.
    """
    given, problems = getattr(settings, NAME, {}), []
    if not isinstance(given, dict):
        raise ImproperlyConfigured(f"{NAME} is not a dict. Write {NAME} = {{...}}.")
    problems += [
        f"{NAME} has no setting {str(name)[:40]!r}. Known: {', '.join(_DEFAULTS)}."
        for name in given
        if name not in _DEFAULTS
    ]
    if given.get("PHASE", Phase.ENFORCE) not in list(Phase):
        problems.append(f"{NAME}['PHASE'] must be one of {', '.join(map(repr, map(str, Phase)))}.")
    for name, why in (
        ("JTI_CLAIM", "names the token of each generation"),
        ("TOKEN_TYPE_CLAIM", "tells a refresh token from the access tokens made of it"),
    ):
        if getattr(api_settings, name) is None:
            problems.append(
                f"SIMPLE_JWT[{name!r}] is None, but the bridge {why} by it. Remove the entry."
            )
    if problems:
        raise ImproperlyConfigured(" ".join(problems))


def rotates() -> bool:
    """Return whether a refresh uses up its token.

    Without ``BLACKLIST_AFTER_ROTATION`` simplejwt's old refresh tokens stay valid: the counter
    holds. simplejwt ignores that setting where its blacklist app is missing; the counter does not.
    """
    return bool(api_settings.ROTATE_REFRESH_TOKENS and api_settings.BLACKLIST_AFTER_ROTATION)


def defaults() -> dict[str, Any]:
    """Return the defaults that ``SIMPLE_JWT`` gives to ``DRF_RATCHET``.

    What simplejwt does not have is off: an absolute lifetime, and endings by a change of the user.
    """
    types = api_settings.AUTH_HEADER_TYPES
    found: dict[str, Any] = {
        "ACCESS_TOKEN_LIFETIME": _lifetime(api_settings.ACCESS_TOKEN_LIFETIME),
        "REFRESH_TOKEN_LIFETIME": _lifetime(api_settings.REFRESH_TOKEN_LIFETIME),
        "SESSION_LIFETIME": None,
        "USER_CHANGES_END_SESSIONS": False,
        "ROTATE_REFRESH_TOKENS": rotates(),
        "AUTH_HEADER_TYPES": tuple(types) if isinstance(types, (list, tuple)) else (types,),
    }
    if api_settings.USER_ID_CLAIM not in REGISTERED_CLAIMS:
        found["USER_ID_CLAIM"] = api_settings.USER_ID_CLAIM
    return found


def _lifetime(lifetime: timedelta) -> timedelta:
    return min(max(lifetime, timedelta(seconds=1)), timedelta(days=36500))
