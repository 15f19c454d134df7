"""What a project would notice: of its settings as they are, what differs here and why."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from drf_ratchet.conf import RatchetSettings, ratchet_settings
from drf_ratchet_compat.adopt.packages import OldPackage
from ratchet_tokens.algorithms import ALGORITHMS

LONG = timedelta(hours=1)
#: Bytes that an HMAC's key must have at least (RFC 7518 section 3.2).
_KEY_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}


class Effect(StrEnum):
    """How much a finding asks of its reader."""

    SAME = "same"
    DIFFERS = "differs"
    REFUSED = "refused"
    BY_HAND = "by hand"


class Finding(NamedTuple):
    """One thing to know before moving.

    Args:
        effect: how much it matters.
        subject: a setting or a thing of the project.
        text: what happens, and why.
    """

    effect: Effect
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Given:
    """The old package's settings as they are in force.

    Args:
        values: what the project has set.
        defaults: what it has not.
    """

    values: Mapping[str, Any]
    defaults: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name, self.defaults.get(name))

    def has(self, name: str) -> bool:
        """Whether the project has set it."""
        return name in self.values


class Rule(NamedTuple):
    """When a finding applies, and what it says.

    Args:
        effect: the finding's.
        subject: the finding's, mostly the name of a setting.
        applies: whether it does.
        text: what it says; ``{session}`` stands for how long our sessions live.
    """

    effect: Effect
    subject: str
    applies: Callable[[Given], bool]
    text: str


def given(package: OldPackage, defaults: Mapping[str, Any]) -> Given:
    """The settings of a package.

    Args:
        package: which one.
        defaults: its own.
    """
    own = getattr(settings, package.setting, None)
    return Given(own if isinstance(own, Mapping) else {}, defaults)


def apply(rules: tuple[Rule, ...], old: Given) -> Iterator[Finding]:
    """The findings that apply.

    Args:
        rules: the table.
        old: what is set. A value of a type that nobody expects applies to nothing.
    """
    for rule in rules:
        try:
            if rule.applies(old):
                text = rule.text.format(session=in_words(ours().SESSION_LIFETIME))
                yield Finding(rule.effect, rule.subject, text)
        except TypeError:
            continue


def ours() -> RatchetSettings:
    """Our settings; the defaults where they are not right yet."""
    try:
        return ratchet_settings()
    except ImproperlyConfigured:
        return RatchetSettings()


def in_words(span: timedelta | None) -> str:
    """A time span as one says it.

    Args:
        span: None for no end.
    """
    if span is None:
        return "for ever"
    seconds = int(span.total_seconds())
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % unit == 0 and seconds >= unit:
            number = seconds // unit
            return f"{number} {name}{'s'[: number != 1]}"
    return str(span)


def longer(span: Any, limit: timedelta | None) -> bool:
    """Whether one time span is longer than another.

    Args:
        span: anything; what is no span is not longer.
        limit: None for no end.
    """
    return isinstance(span, timedelta) and limit is not None and span > limit


def is_short(key: Any, algorithm: Any) -> bool:
    """Whether a secret has fewer bytes than its algorithm needs.

    Args:
        key: the secret; what is no text is not short.
        algorithm: as RFC 7518 calls it.
    """
    raw = key.encode() if isinstance(key, str) else key
    return isinstance(raw, bytes) and len(raw) < _KEY_BYTES.get(algorithm, 0)


def is_asymmetric(algorithm: Any) -> bool:
    """Whether an algorithm has a public key, and is one of ours.

    Args:
        algorithm: as RFC 7518 calls it.
    """
    return algorithm not in _KEY_BYTES and is_known(algorithm)


def is_known(algorithm: Any) -> bool:
    """Whether old tokens of an algorithm can be verified.

    Args:
        algorithm: as RFC 7518 calls it.
    """
    return isinstance(algorithm, str) and algorithm in ALGORITHMS


def shows_own_secret(key: Any) -> bool:
    """Whether a key is another one than Django's ``SECRET_KEY``.

    Args:
        key: as set, or None for not set.
    """
    return bool(key) and key != settings.SECRET_KEY


def atomic_requests(old: Given) -> bool:
    """Whether a database has ``ATOMIC_REQUESTS``."""
    return any(config.get("ATOMIC_REQUESTS") for config in settings.DATABASES.values())
