"""The settings: one dict, ``DRF_RATCHET``, read through one typed object."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from drf_ratchet.caches import forget_on_change, imply_change
from drf_ratchet.other_settings import INSTEAD
from ratchet_tokens.claims import REGISTERED_CLAIMS

NAME = "DRF_RATCHET"
#: Minimum characters of a service's secret. Rate limits count guesses for each network only.
SHORTEST_SECRET = 32
FRESHNESS_CHOICES = ("immediate", "bounded", "expiry")
USER_CHOICES = ("model", "claims")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RatchetSettings:
    """The settings. Each attribute is a key of ``DRF_RATCHET``, and each default is safe."""

    #: How long an access token is valid.
    ACCESS_TOKEN_LIFETIME: timedelta = timedelta(minutes=5)
    #: How long a session lives without a refresh.
    REFRESH_TOKEN_LIFETIME: timedelta = timedelta(days=7)
    #: How long a session lives in total, however often it is refreshed. None: no limit.
    SESSION_LIFETIME: timedelta | None = timedelta(days=30)
    #: Whether each refresh issues a new refresh token. It applies to sessions opened from now on.
    ROTATE_REFRESH_TOKENS: bool = True
    #: How long the previous refresh token can be used again. Zero: not at all.
    ROTATION_GRACE: timedelta = timedelta(seconds=10)
    #: How many generations a token may be ahead of its session, if the database has lost writes.
    CATCH_UP_LIMIT: int = 10
    #: How long before ``nbf`` and after ``exp`` a token is accepted, for clocks that differ.
    LEEWAY: timedelta = timedelta(0)
    #: The schemes that precede the token in the Authorization header.
    AUTH_HEADER_TYPES: Sequence[str] = ("Bearer",)
    #: The field of the user model that ``sub`` contains.
    USER_ID_FIELD: str = "pk"
    #: A second claim that repeats ``sub`` in access tokens, for clients that read another name.
    USER_ID_CLAIM: str = "sub"
    #: The ``iss`` that access tokens carry and must carry. None: no ``iss``. A callable gets the
    #: request, or None outside of one, and returns the tenant's issuer. With a callable, refresh
    #: tokens carry it too.
    ISSUER: str | Callable[[Any], str] | None = None
    #: The ``aud`` of access tokens. A token must contain at least one of them.
    AUDIENCE: str | Sequence[str] | None = None
    #: The keys of access tokens: a directory of JWK or PEM files, a file, the text of a key, or a
    #: list of those. None: a key derived from ``SECRET_KEY``. Refresh tokens never use them.
    KEYS: str | Path | Mapping[str, Any] | Sequence[str | Path | Mapping[str, Any]] | None = None
    #: How long a new key is published before it signs. It must be longer than verifiers cache the
    #: key set.
    KEY_PUBLISH_DELAY: timedelta = timedelta(minutes=15)
    #: How long verifiers may cache the published key set.
    JWKS_MAX_AGE: timedelta = timedelta(minutes=5)
    #: The ``client_id`` of access tokens. With ISSUER and AUDIENCE they conform to RFC 9068. None:
    #: no claim.
    CLIENT_ID: str | None = None
    #: The project's own claims: a callable ``(user, *, session, request) -> dict``, or its path.
    CLAIMS: str | Callable[..., Mapping[str, Any]] | None = None
    #: The serializer of every endpoint that takes a password, or its path: a subclass of
    #: ``TokenObtainPairSerializer``. ``step-up/`` uses its ``authenticate``. None: that class
    #: itself.
    SIGN_IN_SERIALIZER: str | type[Any] | None = None
    #: A further condition to sign in, for active users: a callable ``(user, *, request, amr,
    #: session, **kwargs) -> bool``, or its path. It is called whenever a session is opened or
    #: refreshed. None: every active user may sign in.
    SIGN_IN_POLICY: str | Callable[..., bool] | None = None
    #: How soon the ending of a session takes effect: "immediate" (one query per request), "bounded"
    #: (within FEED_INTERVAL) or "expiry" (when the access token expires).
    FRESHNESS: str = "immediate"
    #: With "bounded": maximum age of the list of ended sessions.
    FEED_INTERVAL: timedelta = timedelta(seconds=1)
    #: With "bounded": maximum age of that list while the database does not answer.
    FEED_MAX_AGE: timedelta = timedelta(seconds=30)
    #: With "bounded": maximum number of ended sessions that a process keeps for each issuer, at
    #: about 90 bytes each: enough for 1,000 endings a second. The oldest are dropped first. Tokens
    #: issued before them are then checked by query.
    FEED_MAX: int = 500_000
    #: The cache that counts attempts. Several processes need one that they share.
    THROTTLE_CACHE: str = "default"
    #: Whether sign-in continues, without rate limits, while that cache is down.
    THROTTLE_FAILS_OPEN: bool = False
    #: Whether cookies are sent over TLS only, with the prefix ``__Host-``. False for development
    #: only.
    COOKIE_SECURE: bool = True
    #: The prefix of the cookies' names. Projects on one host need different ones.
    COOKIE_NAME: str = "ratchet"
    #: How long a refresh by cookie can be retried after its response was lost, by the key in the
    #: cookie beside it. A thief who copies the cookies has both. Zero: within ROTATION_GRACE only.
    COOKIE_RETRY_WINDOW: timedelta = timedelta(hours=1)
    #: Whether browsers get the access token in a cookie too, for pages that the server renders.
    ACCESS_TOKEN_COOKIE: bool = False
    #: Maximum number of active sessions of a user; a further sign-in ends the oldest. None: any
    #: number.
    MAX_SESSIONS_PER_USER: int | None = None
    #: Whether a new password, and a deactivation, end the user's sessions. False only for a project
    #: that has to keep another package's behavior: inactive users are refused in any case.
    USER_CHANGES_END_SESSIONS: bool = True
    #: The services that may introspect tokens and revoke sessions: name to secret. (Django's error
    #: reports hide settings with "secret" in their name.)
    SERVICE_SECRETS: Mapping[str, str] = field(default_factory=dict)
    #: The services that may also introspect refresh tokens and tokens from cookies, by their names
    #: in ``SERVICE_SECRETS``. The others can introspect access tokens from headers only.
    SERVICES_THAT_SEE_ALL_TOKENS: Sequence[str] = ()
    #: ``request.user``: "model" for an instance of the user model, or "claims" for the token's
    #: claims, in a service that has no users of its own.
    USER: str = "model"
    #: With USER = "claims": the arguments of ``ratchet_tokens.verifier.Verifier``. None: tokens are
    #: verified with KEYS, and ended sessions are not detected.
    VERIFIER: Mapping[str, Any] | None = None
    #: With USER = "claims": the claim that is true for staff. None: no user is staff.
    STAFF_CLAIM: str | None = None
    #: With USER = "claims": the claim that is true for superusers. None: no user is one.
    SUPERUSER_CLAIM: str | None = None

    def __repr__(self) -> str:
        # Any value may be a secret in the wrong place.
        return "<RatchetSettings>"

    @property
    def audiences(self) -> tuple[str, ...]:
        """Return ``AUDIENCE`` as a tuple."""
        if self.AUDIENCE is None:
            return ()
        return (self.AUDIENCE,) if isinstance(self.AUDIENCE, str) else tuple(self.AUDIENCE)

    @property
    def keys(self) -> tuple[str | Path | Mapping[str, Any], ...]:
        """Return ``KEYS`` as a tuple; empty if it is None."""
        if self.KEYS is None:
            return ()
        return (self.KEYS,) if _is_key_source(self.KEYS) else tuple(self.KEYS)  # type: ignore[arg-type, return-value]

    @property
    def key_places(self) -> tuple[str, ...]:
        """Return the name of each of ``keys`` for messages, because its value may be a secret."""
        place = f"{NAME}['KEYS']"
        if _is_key_source(self.KEYS):
            return (place,)
        return tuple(f"{place}[{index}]" for index in range(len(self.keys)))

    @property
    def claims(self) -> Callable[..., Mapping[str, Any]] | None:
        """Return ``CLAIMS`` as the callable it names."""
        named: Callable[..., Mapping[str, Any]] | None = _imported("CLAIMS", self.CLAIMS)
        return named

    @property
    def sign_in_serializer(self) -> type[Any] | None:
        """Return ``SIGN_IN_SERIALIZER`` as the class it names."""
        named: type[Any] | None = _imported("SIGN_IN_SERIALIZER", self.SIGN_IN_SERIALIZER)
        return named

    @property
    def sign_in_policy(self) -> Callable[..., bool] | None:
        """Return ``SIGN_IN_POLICY`` as the callable it names."""
        named: Callable[..., bool] | None = _imported("SIGN_IN_POLICY", self.SIGN_IN_POLICY)
        return named


def _imported(name: str, value: object) -> Any:
    if not isinstance(value, str):
        return value
    problem = why_unimportable(value)
    if problem:
        # The import's own error would repeat the value.
        raise ImproperlyConfigured(f"{NAME}[{name!r}] {problem}.")
    return import_string(value)


@lru_cache(maxsize=1)
def ratchet_settings() -> RatchetSettings:
    """Return the settings in use.

    Raises:
        ImproperlyConfigured: a key is unknown or a value is invalid. The text names each one and
            says what to write. ``manage.py check`` reports the same before anything runs.
    """
    # Keep values out of this function's local variables: Django's error page shows them.
    made = _resolved()
    if isinstance(made, str):
        raise ImproperlyConfigured(made)
    return made


def _resolved() -> RatchetSettings | str:
    given = given_settings()
    problems = [f"{text} {hint}" for text, hint in (*unknown_keys(given), *bad_values(given))]
    return " ".join(problems) if problems else RatchetSettings(**given)


def given_settings() -> Any:
    """Return ``DRF_RATCHET`` as the project wrote it, over its defaults, before it is checked."""
    own = getattr(django_settings, NAME, {})
    if not isinstance(own, dict):
        return own
    underneath = (item for source in _underneath.values() for item in source().items())
    return {**dict(underneath), **own}


def put_underneath(setting: str, source: Callable[[], Mapping[str, Any]]) -> None:
    """Let another setting of the project give defaults for keys that ``DRF_RATCHET`` does not have.

    Args:
        setting: the name of the Django setting. When it changes, ours are read again.
        source: returns a dict of our settings. ``ratchet_settings`` raises what it raises.
    """
    _underneath[setting] = source
    imply_change(setting, of=NAME)
    ratchet_settings.cache_clear()


_underneath: dict[str, Callable[[], Mapping[str, Any]]] = {}


forget_on_change(ratchet_settings.cache_clear, NAME)


def unknown_keys(given: object) -> Iterator[tuple[str, str]]:
    """Yield each key that is no setting, as (problem, hint).

    The hint says what to use instead of another package's setting, or names the nearest known one.

    Args:
        given: the result of ``given_settings``.
    """
    if not isinstance(given, Mapping):
        return
    known = [field.name for field in fields(RatchetSettings)]
    for name in given:
        if name not in known:
            yield f"{NAME} has no setting {_shown(name)}.", _instead(name, known)


def bad_values(given: object) -> Iterator[tuple[str, str]]:
    """Yield each invalid value, as (problem, hint). The value itself is not shown.

    Args:
        given: the result of ``given_settings``.
    """
    # Django's error reports hide secrets only in dicts, and not in other mappings.
    if not isinstance(given, dict):
        yield f"{NAME} is not a dict.", "Write DRF_RATCHET = {...}."
        return
    for name, (demand, holds) in _DEMANDS.items():
        if name in given and not holds(given[name]):
            yield f"{NAME}[{name!r}] must be {demand}.", f"The default is {_default(name)!r}."
    claims = given.get("CLAIMS")
    if isinstance(claims, str) and claims:
        problem = why_unimportable(claims)
        if problem:
            yield f"{NAME}['CLAIMS'] {problem}.", "Write 'app.module.function'."


def _shown(name: object) -> str:
    # A key that does not look like a setting may be a value in the wrong place.
    looks_like_one = not isinstance(name, str) or re.fullmatch(r"\w{0,40}", name)
    return repr(name) if looks_like_one and len(repr(name)) < 60 else "of that name"


def _instead(name: object, known: Sequence[str]) -> str:
    instead = INSTEAD.get(name) if isinstance(name, str) else None
    if instead:
        return instead
    near = difflib.get_close_matches(str(name).upper(), known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."


def why_unimportable(path: str) -> str:
    """Return why a dotted path does not lead to a callable; "" if it does.

    The text does not repeat the message of a module's error.

    Args:
        path: the value of a setting.
    """
    try:
        named = import_string(path)
    except ModuleNotFoundError as error:
        return f"cannot be imported{_missing(error.name or '')}"
    except Exception as error:  # any error of a project's module; its text may contain a secret
        return f"cannot be imported: {type(error).__name__}"
    return "" if callable(named) else "is not callable"


def _missing(module: str) -> str:
    # A secret in the wrong place is longer, or contains other characters.
    is_name = len(module) <= 40 and all(map(str.isidentifier, module.split(".")))
    return f": No module named {module!r}" if is_name else ": its module is not there"


def _default(name: str) -> Any:
    return getattr(RatchetSettings(), name)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_names(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(map(_is_name, value))


def _is_service(name: Any, secret: Any) -> bool:
    # Basic credentials end the name at a colon, and a log line must stay one line.
    return (
        _is_name(name)
        and all("!" <= letter <= "~" and letter != ":" for letter in name)
        and isinstance(secret, str)
        and len(secret) >= SHORTEST_SECRET
    )


def _is_key_source(value: object) -> bool:
    return _is_name(value) or isinstance(value, (Path, Mapping))


def _is_positive(value: object) -> bool:
    # Tokens contain whole seconds, and databases do not count far beyond a century.
    return isinstance(value, timedelta) and timedelta(seconds=1) <= value <= timedelta(days=36500)


def _is_not_negative(value: object) -> bool:
    return isinstance(value, timedelta) and value >= timedelta(0)


_A_LIFETIME = "a timedelta of at least one second and at most 36500 days"

_DEMANDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "ACCESS_TOKEN_LIFETIME": (_A_LIFETIME, _is_positive),
    "REFRESH_TOKEN_LIFETIME": (_A_LIFETIME, _is_positive),
    "SESSION_LIFETIME": (f"{_A_LIFETIME}, or None", lambda v: v is None or _is_positive(v)),
    "ROTATE_REFRESH_TOKENS": ("True or False", lambda v: isinstance(v, bool)),
    "ROTATION_GRACE": ("a timedelta, not negative", _is_not_negative),
    "CATCH_UP_LIMIT": ("a whole number, not negative", lambda v: type(v) is int and v >= 0),
    "LEEWAY": ("a timedelta, not negative", _is_not_negative),
    "AUTH_HEADER_TYPES": (
        "a list or tuple of words without spaces",
        lambda v: _is_names(v) and all(word.split() == [word] and word.isascii() for word in v),
    ),
    "USER_ID_FIELD": ("the name of a field of the user model", _is_name),
    "USER_ID_CLAIM": (
        "the name of a claim that is not registered, or 'sub'",
        lambda v: _is_name(v) and v not in REGISTERED_CLAIMS - {"sub"},
    ),
    "ISSUER": (
        "a string, a callable of the request, or None",
        lambda v: v is None or _is_name(v) or callable(v),
    ),
    "AUDIENCE": (
        "a string, a list of strings, or None",
        lambda v: v is None or _is_name(v) or _is_names(v),
    ),
    "KEYS": (
        "the path of a directory or a file, the text of a key, a list of those, or None",
        lambda v: (
            v is None
            or _is_key_source(v)
            or (isinstance(v, (list, tuple)) and len(v) > 0 and all(map(_is_key_source, v)))
        ),
    ),
    "KEY_PUBLISH_DELAY": ("a timedelta, not negative", _is_not_negative),
    "JWKS_MAX_AGE": ("a timedelta, not negative", _is_not_negative),
    "CLIENT_ID": ("a string, or None", lambda v: v is None or _is_name(v)),
    "CLAIMS": (
        "a callable, the dotted path of one, or None",
        lambda v: v is None or _is_name(v) or callable(v),
    ),
    "SIGN_IN_SERIALIZER": (
        "the dotted path of a subclass of TokenObtainPairSerializer, the class itself, or None",
        lambda v: v is None or _is_name(v) or isinstance(v, type),
    ),
    "SIGN_IN_POLICY": (
        "a callable, the dotted path of one, or None",
        lambda v: v is None or _is_name(v) or callable(v),
    ),
    "FRESHNESS": (f"one of {FRESHNESS_CHOICES}", lambda v: v in FRESHNESS_CHOICES),
    "FEED_INTERVAL": ("a timedelta, not negative", _is_not_negative),
    "FEED_MAX_AGE": ("a timedelta, not negative", _is_not_negative),
    "FEED_MAX": ("a whole number, not negative", lambda v: type(v) is int and v >= 0),
    "THROTTLE_CACHE": ("the name of a cache in CACHES", _is_name),
    "THROTTLE_FAILS_OPEN": ("True or False", lambda v: isinstance(v, bool)),
    "COOKIE_SECURE": ("True or False", lambda v: isinstance(v, bool)),
    "COOKIE_NAME": (
        "letters, digits, hyphens and underscores",
        lambda v: _is_name(v) and v.isascii() and v.replace("-", "").replace("_", "").isalnum(),
    ),
    "COOKIE_RETRY_WINDOW": ("a timedelta, not negative", _is_not_negative),
    "ACCESS_TOKEN_COOKIE": ("True or False", lambda v: isinstance(v, bool)),
    "USER_CHANGES_END_SESSIONS": ("True or False", lambda v: isinstance(v, bool)),
    "MAX_SESSIONS_PER_USER": (
        "a whole number of at least 1, or None",
        lambda v: v is None or (type(v) is int and v >= 1),
    ),
    "SERVICE_SECRETS": (
        "a dict of names (visible ASCII, no colon) to secrets of at least 32 characters",
        lambda v: isinstance(v, Mapping) and all(_is_service(*item) for item in v.items()),
    ),
    "SERVICES_THAT_SEE_ALL_TOKENS": (
        "a list or tuple of names of services",
        lambda v: isinstance(v, (list, tuple)) and all(map(_is_name, v)),
    ),
    "USER": (f"one of {USER_CHOICES}", lambda v: v in USER_CHOICES),
    "VERIFIER": (
        "a dict of the arguments of Verifier, or None",
        lambda v: v is None or (isinstance(v, dict) and len(v) > 0 and all(map(_is_name, v))),
    ),
    "STAFF_CLAIM": ("the name of a claim, or None", lambda v: v is None or _is_name(v)),
    "SUPERUSER_CLAIM": ("the name of a claim, or None", lambda v: v is None or _is_name(v)),
}
