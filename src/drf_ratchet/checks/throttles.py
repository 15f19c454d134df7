"""Do the throttles count, and in one place for all processes?"""

from typing import Any

from django.conf import settings
from django.core import mail
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from drf_ratchet.checks.settings import usable_settings
from drf_ratchet.counters import counts_atomically


@register(Tags.security)
def check_rates(**kwargs: Any) -> list[CheckMessage]:
    """E003: the cache is not there. E004: a rate cannot be read."""
    found: list[CheckMessage] = []
    alias = usable_settings().THROTTLE_CACHE
    if alias not in settings.CACHES:
        found.append(
            Error(
                "DRF_RATCHET['THROTTLE_CACHE'] names no entry of CACHES.",
                hint="Name one of: " + ", ".join(sorted(map(repr, settings.CACHES))) + ".",
                id="ratchet.E003",
            )
        )
    found += [
        Error(
            f"The rate of {scope!r} in REST_FRAMEWORK['DEFAULT_THROTTLE_RATES'] cannot be read.",
            hint="Write a number, a slash and s, min, hour or day: '20/hour', '5/10min'.",
            id="ratchet.E004",
        )
        for scope, rate in _rates().items()
        if rate is not None and not _is_readable(rate)
    ]
    return found


@register(Tags.security, deploy=True)
def check_rates_are_on(**kwargs: Any) -> list[CheckMessage]:
    """W007: a throttle is switched off."""
    off = [scope for scope, rate in _rates().items() if rate is None]
    if not off:
        return []
    return [
        Warning(
            f"Throttles are switched off: {', '.join(off)}.",
            hint="Passwords can be tried without limit. Take the None out of "
            "REST_FRAMEWORK['DEFAULT_THROTTLE_RATES'], or set a rate there: '20/hour'.",
            id="ratchet.W007",
        )
    ]


@register(Tags.security)
def check_cache_counts(**kwargs: Any) -> list[CheckMessage]:
    """E015: the cache cannot count. W006: each process counts by itself."""
    backend = _backend_that_counts()
    if backend is None or counts_atomically(backend):
        return _per_process(backend) if _is_served() else []
    return [
        Error(
            f"Attempts to sign in are counted in the cache {usable_settings().THROTTLE_CACHE!r}, a "
            f"{backend.__name__}, which cannot count: more pass than the rates allow.",
            hint="DummyCache keeps nothing; caches in files and in a table read and write in two "
            "steps, and drop what does not fit. Let THROTTLE_CACHE name a cache on Valkey, Redis "
            "or Memcached; a LocMemCache where there is one process.",
            id="ratchet.E015",
        )
    ]


@register(Tags.security, deploy=True)
def check_cache(**kwargs: Any) -> list[CheckMessage]:
    """W006, where a plain check leaves it out."""
    return [] if _is_served() else _per_process(_backend_that_counts())


def _is_served() -> bool:
    """Whether several processes are likely: not under DEBUG, nor in Django's test environment."""
    return not settings.DEBUG and not hasattr(mail, "outbox")


def _per_process(backend: type[BaseCache] | None) -> list[CheckMessage]:
    if backend is None or not is_per_process(backend) or not counts_atomically(backend):
        return []
    return [
        Warning(
            f"Attempts to sign in are counted in the cache {usable_settings().THROTTLE_CACHE!r}, a "
            f"{backend.__name__}, which other processes do not see.",
            hint="With N workers N times as many passwords can be tried, and a restart starts at "
            "zero. Let THROTTLE_CACHE name a cache on Valkey, Redis or Memcached. If there is one "
            "process only, silence 'ratchet.W006'.",
            id="ratchet.W006",
        )
    ]


@register(Tags.security)
def check_scopes(**kwargs: Any) -> list[CheckMessage]:
    """W023: a throttle of the project's own shares a scope with ours."""
    from rest_framework.settings import api_settings

    from drf_ratchet.throttling import RATES, CountingThrottle

    try:
        classes: Any = tuple(api_settings.DEFAULT_THROTTLE_CLASSES)
    except ImportError:
        return []  # DRF says it at the first use
    return [
        Warning(
            f"{one.__module__}.{one.__qualname__} has the scope {one.scope!r}, by which "
            "drf-ratchet counts as well: one rate is for both.",
            hint=f"Give it a scope of its own. {one.scope!r} in DEFAULT_THROTTLE_RATES is the rate "
            "of drf-ratchet's limit; DRF does not know the default that drf-ratchet has.",
            id="ratchet.W023",
        )
        for one in classes
        if getattr(one, "scope", None) in RATES and not issubclass(one, CountingThrottle)
    ]


def _backend_that_counts() -> type[BaseCache] | None:
    """The class of the cache; None if it cannot be had, or nothing is to be counted."""
    if all(rate is None for rate in _rates().values()):
        return None
    return cache_backend(usable_settings().THROTTLE_CACHE)


def cache_backend(alias: str) -> type[BaseCache] | None:
    """The class of a cache; None if it cannot be had."""
    try:
        backend = import_string(settings.CACHES[alias]["BACKEND"])
    except (KeyError, ImportError):
        return None  # E003, or Django says it at the first use
    return backend if isinstance(backend, type) and issubclass(backend, BaseCache) else None


def is_per_process(backend: type[BaseCache]) -> bool:
    """Whether other processes do not see what is written there."""
    return issubclass(backend, (LocMemCache, DummyCache))


def _rates() -> dict[str, Any]:
    from rest_framework.settings import api_settings

    from drf_ratchet.throttling import RATES

    given: Any = api_settings.DEFAULT_THROTTLE_RATES or {}
    return {scope: given.get(scope, rate) for scope, rate in RATES.items()}


def _is_readable(rate: Any) -> bool:
    from drf_ratchet.throttling import parse_rate

    try:
        limit, _ = parse_rate(rate)
    except ImproperlyConfigured:
        return False
    return limit >= 0
