"""Do the throttles count, and in one place for all processes?"""

from typing import Any

from django.conf import settings
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from drf_ratchet.checks.settings import usable_settings


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
            hint="Write a number, a slash and s, min, hour or day: '20/hour'.",
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


@register(Tags.security, deploy=True)
def check_cache(**kwargs: Any) -> list[CheckMessage]:
    """W006: each process counts by itself. W013: parallel attempts overwrite each other."""
    alias = usable_settings().THROTTLE_CACHE
    backend = cache_backend(alias)
    if backend is None:
        return []
    if is_per_process(backend):
        return [
            Warning(
                f"Throttles count in the cache {alias!r}, a {backend.__name__}, which other "
                "processes do not see.",
                hint="With N workers N times as many passwords can be tried, and a restart starts "
                "at zero; DummyCache counts nothing. Let THROTTLE_CACHE name a cache on Valkey, "
                "Redis or Memcached. If there is one process only, silence 'ratchet.W006'.",
                id="ratchet.W006",
            )
        ]
    if not counts_atomically(backend):
        return [
            Warning(
                f"Throttles count in the cache {alias!r}, a {backend.__name__}, whose incr() reads "
                "and writes in two steps.",
                hint="Parallel attempts slip through. Let THROTTLE_CACHE name a cache on Valkey, "
                "Redis or Memcached.",
                id="ratchet.W013",
            )
        ]
    return []


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


def counts_atomically(backend: type[BaseCache]) -> bool:
    """Whether it has an ``incr`` of its own; Django's files and tables use the base class's."""
    return backend.incr is not BaseCache.incr


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
