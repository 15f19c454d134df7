"""Findings of the reports, the rules that make them, and the printing of both."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import OutputWrapper
from django.urls import URLPattern, get_resolver

from ratchet_tokens.algorithms import HMAC_BYTES

_WIDTH = 96


class Effect(StrEnum):
    """The effect of a finding: the value is refused, differs, or is the same."""

    REFUSED = "refused"
    DIFFERS = "differs"
    SAME = "same"


class Given:
    """The settings of the old package in use.

    Args:
        name: the Django setting that holds them.
        defaults: the package's defaults.
    """

    def __init__(self, name: str, defaults: Mapping[str, Any]) -> None:
        own = getattr(settings, name, None)
        self._values = {**defaults, **(own if isinstance(own, Mapping) else {})}

    def __getitem__(self, name: str) -> Any:
        return self._values.get(name)


class Rule(NamedTuple):
    """When a finding applies, and its text.

    Args:
        effect: how much it asks of its reader.
        subject: what it is about, mostly the name of a setting.
        applies: whether it does.
        text: what happens, and why.
    """

    effect: Effect
    subject: str
    applies: Callable[[Given], Any]
    text: str


def differences(out: OutputWrapper, rules: Iterable[Rule], given: Given) -> None:
    """Print the rules that apply, the most important ones first.

    Args:
        out: the command's output.
        rules: the rules of a package.
        given: the project's settings. A value of an unexpected type applies to no rule.
    """
    heading(out, "What differs")
    found = [rule for rule in rules if _applies(rule, given)]
    for rule in sorted(found, key=lambda rule: list(Effect).index(rule.effect)):
        item(out, f"[{rule.effect}] {rule.subject}", rule.text)


def _applies(rule: Rule, given: Given) -> bool:
    try:
        return bool(rule.applies(given))
    except TypeError:
        return False


def heading(out: OutputWrapper, text: str) -> None:
    """Print the heading of a section.

    Args:
        out: the command's output.
        text: the heading.
    """
    out.write(f"\n{text}\n{'-' * len(text)}")


def item(out: OutputWrapper, subject: str, text: str) -> None:
    """Print one finding, wrapped.

    Args:
        out: the command's output.
        subject: what it is about.
        text: what is to say about it.
    """
    out.write(
        textwrap.fill(
            f"{subject}: {text}",
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="      ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def section(out: OutputWrapper, title: str, items: Iterable[tuple[str, str]]) -> None:
    """Print a section, unless it is empty.

    Args:
        out: the command's output.
        title: its heading.
        items: its findings, each as (subject, text).
    """
    found = list(items)
    if found:
        heading(out, title)
    for subject, text in found:
        item(out, subject, text)


def served(module: str) -> Iterator[tuple[str, type, str]]:
    """Yield each view that derives from a package's, as (route, class, name of the base).

    Args:
        module: the package's top-level module.

    Raises:
        Exception: the project's URLconf cannot be imported.
    """
    yield from _served(get_resolver().url_patterns, "/", module)


def _served(patterns: Any, prefix: str, module: str) -> Iterator[tuple[str, type, str]]:
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if not isinstance(pattern, URLPattern):
            yield from _served(pattern.url_patterns, route, module)
            continue
        callback: Any = pattern.callback
        view: Any = getattr(callback, "cls", getattr(callback, "view_class", None))
        for base in getattr(view, "__mro__", ()):
            if base.__module__.partition(".")[0] == module:
                yield route, view, base.__name__
                break


def session_lifetime() -> timedelta | None:
    """Return ``DRF_RATCHET["SESSION_LIFETIME"]`` if the project sets it."""
    own = getattr(settings, "DRF_RATCHET", None)
    value = own.get("SESSION_LIFETIME") if isinstance(own, Mapping) else None
    return value if isinstance(value, timedelta) else None


def is_longer(span: Any, limit: timedelta | None) -> bool:
    """Return whether a time span is longer than a limit; False if one of them is none."""
    return isinstance(span, timedelta) and limit is not None and span > limit


def is_short(key: Any, algorithm: Any) -> bool:
    """Return whether a secret is shorter than its algorithm demands (RFC 7518 section 3.2)."""
    raw = key.encode() if isinstance(key, str) else key
    return isinstance(raw, bytes) and len(raw) < HMAC_BYTES.get(algorithm, 0)


def is_own_secret(key: Any) -> bool:
    """Return whether a key is another one than Django's ``SECRET_KEY``."""
    return bool(key) and key != settings.SECRET_KEY
