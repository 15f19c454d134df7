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
#: Characters that the secret of a service has at least. Nothing slows down who tries others.
SHORTEST_SECRET = 32
FRESHNESS_CHOICES = ("immediate", "bounded", "expiry")
USER_CHOICES = ("model", "claims")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RatchetSettings:
    """What a project may choose. Each name is a key of ``DRF_RATCHET``; each default is safe."""

    #: How long an access token is good.
    ACCESS_TOKEN_LIFETIME: timedelta = timedelta(minutes=5)
    #: How long a session lives without a refresh.
    REFRESH_TOKEN_LIFETIME: timedelta = timedelta(days=7)
    #: How long a session lives at the most, however often it is refreshed. None: for ever.
    SESSION_LIFETIME: timedelta | None = timedelta(days=30)
    #: Whether sessions opened from now on hand out a new refresh token at each refresh.
    ROTATE_REFRESH_TOKENS: bool = True
    #: How long the refresh token just turned may be used again. Zero: not at all.
    ROTATION_GRACE: timedelta = timedelta(seconds=10)
    #: How many generations a token may be ahead of a database that has lost writes.
    CATCH_UP_LIMIT: int = 10
    #: How far off ``exp`` and ``nbf`` may be.
    LEEWAY: timedelta = timedelta(0)
    #: The words before the token in the Authorization header.
    AUTH_HEADER_TYPES: Sequence[str] = ("Bearer",)
    #: The field of the user model that ``sub`` holds.
    USER_ID_FIELD: str = "pk"
    #: A second claim that repeats ``sub`` in access tokens, for readers who expect another name.
    USER_ID_CLAIM: str = "sub"
    #: The ``iss`` of access tokens, demanded of them as well. None: neither. A callable is given
    #: the request, or None outside of one, and names the tenant, in refresh tokens too.
    ISSUER: str | Callable[[Any], str] | None = None
    #: The ``aud`` of access tokens, of which one must be there to accept one.
    AUDIENCE: str | Sequence[str] | None = None
    #: The keys of access tokens: a directory of JWK or PEM files, a file, the text of a key, or a
    #: list of those. None: a key derived from ``SECRET_KEY``. Refresh tokens never use them.
    KEYS: str | Path | Mapping[str, Any] | Sequence[str | Path | Mapping[str, Any]] | None = None
    #: How long a new key is published before it signs. Longer than verifiers keep the key set.
    KEY_PUBLISH_DELAY: timedelta = timedelta(minutes=15)
    #: How long the published key set may be kept.
    JWKS_MAX_AGE: timedelta = timedelta(minutes=5)
    #: The ``client_id`` of access tokens; with ISSUER and AUDIENCE they are RFC 9068's. None: none.
    CLIENT_ID: str | None = None
    #: The project's own claims: a callable ``(user, *, session, request) -> dict``, or its path.
    CLAIMS: str | Callable[..., Mapping[str, Any]] | None = None
    #: The serializer of every endpoint that takes a password, or its path: a subclass of
    #: ``TokenObtainPairSerializer``. ``step-up/`` checks with its ``authenticate``. None: that
    #: class itself.
    SIGN_IN_SERIALIZER: str | type[Any] | None = None
    #: Who may sign in, beside being active: a callable ``(user, *, request, amr, session, **kwargs)
    #: -> bool``, or its path. It is asked whenever a session is opened or refreshed. None: every
    #: active user may.
    SIGN_IN_POLICY: str | Callable[..., bool] | None = None
    #: How old "still signed in" may be when a request is let through.
    FRESHNESS: str = "immediate"
    #: With "bounded": how old the list of ended sessions may be.
    FEED_INTERVAL: timedelta = timedelta(seconds=1)
    #: With "bounded": how old it may become while the database does not answer.
    FEED_MAX_AGE: timedelta = timedelta(seconds=30)
    #: With "bounded": how many ended sessions a process keeps for each issuer, at about 90 bytes
    #: each: room for 1,000 endings a second. The oldest go first, and tokens that were issued
    #: before them are then checked by query.
    FEED_MAX: int = 500_000
    #: The cache that counts attempts. Where there are several processes, one that they share.
    THROTTLE_CACHE: str = "default"
    #: Whether people can sign in, unlimited, while that cache is down.
    THROTTLE_FAILS_OPEN: bool = False
    #: Whether cookies go over TLS alone, with the prefix ``__Host-``. False for development only.
    COOKIE_SECURE: bool = True
    #: What the names of the cookies begin with; projects on one host need different ones.
    COOKIE_NAME: str = "ratchet"
    #: How long a refresh by cookie whose answer was lost may be retried by its key. Who copies the
    #: cookies has the token and the key. Zero: within ROTATION_GRACE alone.
    COOKIE_RETRY_WINDOW: timedelta = timedelta(hours=1)
    #: Whether browsers get the access token in a cookie too, for pages rendered on the server.
    ACCESS_TOKEN_COOKIE: bool = False
    #: On how many devices a user may be signed in; one more ends the oldest. None: any number.
    MAX_SESSIONS_PER_USER: int | None = None
    #: The services that may ask about tokens and end sessions: name to secret. (Django's error
    #: reports leave out what has "secret" in its name.)
    SERVICE_SECRETS: Mapping[str, str] = field(default_factory=dict)
    #: The services that introspection also tells of refresh tokens and of tokens in cookies, by
    #: their names in ``SERVICE_SECRETS``. The others learn of access tokens in headers alone.
    SERVICES_THAT_SEE_ALL_TOKENS: Sequence[str] = ()
    #: What ``request.user`` is: a row of the user model, or what the token says ("claims"), for a
    #: service that has no users of its own.
    USER: str = "model"
    #: With USER = "claims": the arguments of ``ratchet_tokens.verifier.Verifier``. None: tokens are
    #: verified with KEYS, and sessions are taken on trust.
    VERIFIER: Mapping[str, Any] | None = None
    #: With USER = "claims": the claim that is true for staff. None: nobody is.
    STAFF_CLAIM: str | None = None
    #: With USER = "claims": the claim that is true for superusers. None: nobody is one.
    SUPERUSER_CLAIM: str | None = None

    def __repr__(self) -> str:
        # A value may be a secret, also of a setting that should have none.
        return "<RatchetSettings>"

    @property
    def audiences(self) -> tuple[str, ...]:
        """``AUDIENCE`` as a tuple."""
        if self.AUDIENCE is None:
            return ()
        return (self.AUDIENCE,) if isinstance(self.AUDIENCE, str) else tuple(self.AUDIENCE)

    @property
    def keys(self) -> tuple[str | Path | Mapping[str, Any], ...]:
        """``KEYS`` as a tuple; empty for none."""
        if self.KEYS is None:
            return ()
        return (self.KEYS,) if _is_key_source(self.KEYS) else tuple(self.KEYS)  # type: ignore[arg-type, return-value]

    @property
    def key_places(self) -> tuple[str, ...]:
        """What messages call each of ``keys``, which may be a secret itself."""
        place = f"{NAME}['KEYS']"
        if _is_key_source(self.KEYS):
            return (place,)
        return tuple(f"{place}[{index}]" for index in range(len(self.keys)))

    @property
    def claims(self) -> Callable[..., Mapping[str, Any]] | None:
        """``CLAIMS`` as the callable it names."""
        named: Callable[..., Mapping[str, Any]] | None = _imported("CLAIMS", self.CLAIMS)
        return named

    @property
    def sign_in_serializer(self) -> type[Any] | None:
        """``SIGN_IN_SERIALIZER`` as the class it names."""
        named: type[Any] | None = _imported("SIGN_IN_SERIALIZER", self.SIGN_IN_SERIALIZER)
        return named

    @property
    def sign_in_policy(self) -> Callable[..., bool] | None:
        """``SIGN_IN_POLICY`` as the callable it names."""
        named: Callable[..., bool] | None = _imported("SIGN_IN_POLICY", self.SIGN_IN_POLICY)
        return named


def _imported(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    problem = why_unimportable(value)
    if problem:
        # Not the error of the import: it repeats the value.
        raise ImproperlyConfigured(f"{NAME}[{name!r}] {problem}.")
    return import_string(value)


@lru_cache(maxsize=1)
def ratchet_settings() -> RatchetSettings:
    """The settings in force.

    Raises:
        ImproperlyConfigured: a key is unknown or a value is bad; the text names each and says
            what to write. ``manage.py check`` says the same before anything runs.
    """
    # The values stay out of this function: Django's error page shows its local variables.
    made = _resolved()
    if isinstance(made, str):
        raise ImproperlyConfigured(made)
    return made


def _resolved() -> RatchetSettings | str:
    given = given_settings()
    problems = [f"{text} {hint}" for text, hint in (*unknown_keys(given), *bad_values(given))]
    return " ".join(problems) if problems else RatchetSettings(**given)


def given_settings() -> Any:
    """``DRF_RATCHET`` as the project wrote it, over what was put underneath; not checked yet."""
    own = getattr(django_settings, NAME, {})
    if not isinstance(own, dict):
        return own
    underneath = (item for source in _underneath.values() for item in source().items())
    return {**dict(underneath), **own}


def put_underneath(setting: str, source: Callable[[], Mapping[str, Any]]) -> None:
    """Let another setting of the project give defaults, under what ``DRF_RATCHET`` says.

    Args:
        setting: its name in Django's settings; ours are resolved anew when it changes.
        source: makes a dict of ours out of it. What it raises, ``ratchet_settings`` raises.
    """
    _underneath[setting] = source
    imply_change(setting, of=NAME)
    ratchet_settings.cache_clear()


_underneath: dict[str, Callable[[], Mapping[str, Any]]] = {}


forget_on_change(ratchet_settings.cache_clear, NAME)


def unknown_keys(given: Any) -> Iterator[tuple[str, str]]:
    """Yield each key that is no setting, as (problem, hint).

    The hint says what to use instead of another package's setting, or names the nearest known one.
    """
    if not isinstance(given, Mapping):
        return
    known = [field.name for field in fields(RatchetSettings)]
    for name in given:
        if name not in known:
            yield f"{NAME} has no setting {_shown(name)}.", _instead(name, known)


def bad_values(given: Any) -> Iterator[tuple[str, str]]:
    """Yield each value that cannot be used, as (problem, hint). Values are not shown."""
    # Django's error reports look for secrets in dicts alone, and not in other mappings.
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


def _shown(name: Any) -> str:
    # What does not look like the name of a setting may be a value in the wrong place.
    looks_like_one = not isinstance(name, str) or re.fullmatch(r"\w{0,40}", name)
    return repr(name) if looks_like_one and len(repr(name)) < 60 else "of that name"


def _instead(name: Any, known: Sequence[str]) -> str:
    instead = INSTEAD.get(name) if isinstance(name, str) else None
    if instead:
        return instead
    near = difflib.get_close_matches(str(name).upper(), known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."


def why_unimportable(path: str) -> str:
    """Return why a dotted path names no callable, without what a module says; "" where it does.

    Args:
        path: as a setting has it.
    """
    try:
        named = import_string(path)
    except ModuleNotFoundError as error:
        return f"cannot be imported{_missing(error.name or '')}"
    except Exception as error:  # whatever a project's module raises; its text may hold a secret
        return f"cannot be imported: {type(error).__name__}"
    return "" if callable(named) else "is not callable"


def _missing(module: str) -> str:
    # A secret in the wrong place is longer, or has other characters.
    is_name = len(module) <= 40 and all(map(str.isidentifier, module.split(".")))
    return f": No module named {module!r}" if is_name else ": its module is not there"


def _default(name: str) -> Any:
    return getattr(RatchetSettings(), name)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(map(_is_name, value))


def _is_service(name: Any, secret: Any) -> bool:
    # Basic credentials end the name at a colon, and the log has it on one line.
    return (
        _is_name(name)
        and all("!" <= letter <= "~" and letter != ":" for letter in name)
        and isinstance(secret, str)
        and len(secret) >= SHORTEST_SECRET
    )


def _is_key_source(value: Any) -> bool:
    return _is_name(value) or isinstance(value, (Path, Mapping))


def _is_positive(value: Any) -> bool:
    # Tokens count in whole seconds, and no database counts much further than a century.
    return isinstance(value, timedelta) and timedelta(seconds=1) <= value <= timedelta(days=36500)


def _is_not_negative(value: Any) -> bool:
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
        "the name of a claim, and no other registered one than 'sub'",
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
