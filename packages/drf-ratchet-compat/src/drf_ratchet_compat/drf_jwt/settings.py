"""``JWT_AUTH``, read as it is: every key of both generations, and three of ours.

``JWT_GENERATION``: whose bodies and sentences, "1.19" or "1.11". ``JWT_LEGACY_KEYS``: what verifies
the tokens that the old package made; None for its own keys, ``()`` for none any more.
``JWT_AUTH_TOKEN_CLASSES``: which no release had, and a tutorial names.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from drf_ratchet.caches import forget_on_change
from drf_ratchet_compat.drf_jwt.demands import DEMANDS
from drf_ratchet_compat.drf_jwt.generations import DEFAULT_GENERATION, GENERATIONS, Generation

NAME = "JWT_AUTH"
_UTILS = f"{__package__}.utils"

DEFAULTS: dict[str, Any] = {
    # None stands for SECRET_KEY.
    "JWT_SECRET_KEY": None,
    "JWT_GET_USER_SECRET_KEY": None,
    "JWT_PRIVATE_KEY": None,
    "JWT_PUBLIC_KEY": None,
    "JWT_ALGORITHM": "HS256",
    "JWT_INSIST_ON_KID": False,
    "JWT_TOKEN_ID": "include",
    "JWT_AUDIENCE": None,
    "JWT_ISSUER": None,
    "JWT_ENCODE_HANDLER": f"{_UTILS}.jwt_encode_payload",
    "JWT_DECODE_HANDLER": f"{_UTILS}.jwt_decode_token",
    "JWT_PAYLOAD_GET_USERNAME_HANDLER": f"{_UTILS}.jwt_get_username_from_payload_handler",
    "JWT_PAYLOAD_GET_USER_ID_HANDLER": f"{_UTILS}.jwt_get_user_id_from_payload_handler",
    "JWT_PAYLOAD_INCLUDE_USER_ID": True,
    "JWT_VERIFY": True,
    "JWT_VERIFY_EXPIRATION": True,
    "JWT_LEEWAY": 0,
    "JWT_EXPIRATION_DELTA": timedelta(seconds=300),
    "JWT_REFRESH_EXPIRATION_DELTA": timedelta(days=7),
    "JWT_AUTH_COOKIE": None,
    "JWT_AUTH_COOKIE_DOMAIN": None,
    "JWT_AUTH_COOKIE_PATH": "/",
    "JWT_AUTH_COOKIE_SECURE": True,
    "JWT_AUTH_COOKIE_SAMESITE": "Lax",
    "JWT_IMPERSONATION_COOKIE": None,
    "JWT_DELETE_STALE_BLACKLISTED_TOKENS": False,
    "JWT_AUTH_TOKEN_CLASSES": (f"{__package__}.tokens.AccessToken",),
    "JWT_GENERATION": DEFAULT_GENERATION,
    "JWT_LEGACY_KEYS": None,
    **GENERATIONS[DEFAULT_GENERATION].defaults,
}

#: Settings that may be the dotted path of what they are.
IMPORT_STRINGS = (
    "JWT_ENCODE_HANDLER",
    "JWT_DECODE_HANDLER",
    "JWT_PAYLOAD_HANDLER",
    "JWT_PAYLOAD_GET_USER_ID_HANDLER",
    "JWT_PAYLOAD_GET_USERNAME_HANDLER",
    "JWT_RESPONSE_PAYLOAD_HANDLER",
    "JWT_GET_USER_SECRET_KEY",
)


class JWTSettings:
    """The settings in force, as attributes. Follows ``setting_changed``. Its repr shows none.

    Raises:
        ImproperlyConfigured: on the first attribute, where a value cannot be honoured.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise AttributeError(f"Invalid API setting: '{name}'")
        given = checked_jwt_auth()
        if name in given:
            value = given[name]
        elif name in self.generation.defaults:
            value = self.generation.defaults[name]
        else:
            value = DEFAULTS[name]
        if name == "JWT_SECRET_KEY" and value is None:
            value = django_settings.SECRET_KEY
        if name in IMPORT_STRINGS and isinstance(value, str):
            value = import_string(value)
        vars(self)[name] = value
        return value

    @property
    def generation(self) -> Generation:
        """The one that ``JWT_GENERATION`` names."""
        return GENERATIONS[checked_jwt_auth().get("JWT_GENERATION", DEFAULT_GENERATION)]

    def for_generation(self, name: str, generation: Generation) -> Any:
        """A setting where a class is of one generation: what is not set has that one's default."""
        if name in checked_jwt_auth() or name not in generation.defaults:
            return getattr(self, name)
        value = generation.defaults[name]
        return import_string(value) if name in IMPORT_STRINGS else value

    @property
    def leeway(self) -> float:
        """``JWT_LEEWAY`` in seconds."""
        return seconds(self.JWT_LEEWAY)

    @property
    def refresh_window(self) -> float:
        """``JWT_REFRESH_EXPIRATION_DELTA`` in seconds."""
        return seconds(self.JWT_REFRESH_EXPIRATION_DELTA)

    @property
    def audiences(self) -> tuple[str, ...]:
        """``JWT_AUDIENCE`` as a tuple."""
        given = self.JWT_AUDIENCE
        return () if given is None else (given,) if isinstance(given, str) else tuple(given)

    @property
    def algorithms(self) -> list[str]:
        """``JWT_ALGORITHM`` as a list; the first one signed."""
        given = self.JWT_ALGORITHM
        return [given] if isinstance(given, str) else list(given)

    def reload(self) -> None:
        """Forget what was read."""
        vars(self).clear()
        checked_jwt_auth.cache_clear()

    def __repr__(self) -> str:
        return "<JWTSettings>"


def given_jwt_auth() -> Any:
    """``JWT_AUTH`` as the project wrote it."""
    return getattr(django_settings, NAME, None) or {}


@lru_cache(maxsize=1)
def checked_jwt_auth() -> Mapping[str, Any]:
    """``JWT_AUTH`` as the project wrote it.

    Raises:
        ImproperlyConfigured: a value cannot be honoured; the text says what to write.
    """
    # The values stay out of this function: Django's error page shows its local variables.
    problems = [f"{text} {hint}" for text, hint in bad_values(given_jwt_auth())]
    if problems:
        raise ImproperlyConfigured(" ".join(problems))
    checked: Mapping[str, Any] = given_jwt_auth()
    return checked


def bad_values(given: Any) -> Iterator[tuple[str, str]]:
    """Each value that cannot be honoured, as (problem, hint). Values are not shown."""
    if not isinstance(given, Mapping):
        yield f"{NAME} is not a dict.", "Write JWT_AUTH = {...}."
        return
    for name, demand in DEMANDS.items():
        if name in given and not demand.holds(given[name]):
            yield f"{NAME}[{name!r}] must be {demand.text}.", demand.instead


def seconds(span: timedelta | float) -> float:
    """A span of time as a number."""
    return span.total_seconds() if isinstance(span, timedelta) else float(span)


api_settings = JWTSettings()


forget_on_change(api_settings.reload, NAME, "SECRET_KEY")
