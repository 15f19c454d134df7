"""Check that the throttles count, and that all processes share the counts."""

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
    """Report E003: the cache does not exist. Report E004: a rate is invalid."""
    found: list[CheckMessage] = []
    alias = usable_settings().THROTTLE_CACHE
    if alias not in settings.CACHES:
        found.append(
            Error(
                "DRF_RATCHET['THROTTLE_CACHE'] is not an entry of CACHES.",
                hint="Name one of: " + ", ".join(sorted(map(repr, settings.CACHES))) + ".",
                id="ratchet.E003",
            )
        )
    found += [
        Error(
            f"The rate of {scope!r} in REST_FRAMEWORK['DEFAULT_THROTTLE_RATES'] is invalid.",
            hint="Write a number, a slash and s, min, hour or day: '20/hour', '5/10min'.",
            id="ratchet.E004",
        )
        for scope, rate in _rates().items()
        if rate is not None and not _is_readable(rate)
    ]
    return found


@register(Tags.security, deploy=True)
def check_rates_are_on(**kwargs: Any) -> list[CheckMessage]:
    """Report W007: a throttle is switched off."""
    off = [scope for scope, rate in _rates().items() if rate is None]
    if not off:
        return []
    return [
        Warning(
            f"Throttles are switched off: {', '.join(off)}.",
            hint="Attackers can try passwords without limit. Remove the None from "
            "REST_FRAMEWORK['DEFAULT_THROTTLE_RATES'], or set a rate there: '20/hour'.",
            id="ratchet.W007",
        )
    ]


@register(Tags.security)
def check_cache_counts(**kwargs: Any) -> list[CheckMessage]:
    """Report E015: the cache cannot count. Report W006: each process counts separately."""
    backend = _backend_that_counts()
    if backend is None or counts_atomically(backend):
        return _per_process(backend) if _is_served() else []
    return [
        Error(
            f"Attempts to sign in are counted in the cache {usable_settings().THROTTLE_CACHE!r}, a "
            f"{backend.__name__}, which cannot count: it lets more attempts pass than the rates "
            "allow.",
            hint="DummyCache stores nothing. Caches in files and in a table read and write in two "
            "steps, and delete entries when they are full. Set THROTTLE_CACHE to a cache on "
            "Valkey, Redis or Memcached, or to a LocMemCache if there is only one process.",
            id="ratchet.E015",
        )
    ]


@register(Tags.security, deploy=True)
def check_cache(**kwargs: Any) -> list[CheckMessage]:
    """Report W006 with ``--deploy`` where ``check_cache_counts`` does not."""
    return [] if _is_served() else _per_process(_backend_that_counts())


def _is_served() -> bool:
    """Return whether several processes are likely: neither DEBUG nor a test environment."""
    return not settings.DEBUG and not hasattr(mail, "outbox")


def _per_process(backend: type[BaseCache] | None) -> list[CheckMessage]:
    if backend is None or not is_per_process(backend) or not counts_atomically(backend):
        return []
    return [
        Warning(
            f"Attempts to sign in are counted in the cache {usable_settings().THROTTLE_CACHE!r}, a "
            f"{backend.__name__}, which other processes do not see.",
            hint="With N workers an attacker can try N times as many passwords, and a restart "
            "resets the counts. Set THROTTLE_CACHE to a cache on Valkey, Redis or Memcached. If "
            "there is only one process, silence 'ratchet.W006'.",
            id="ratchet.W006",
        )
    ]


@register(Tags.security)
def check_scopes(**kwargs: Any) -> list[CheckMessage]:
    """Report W023: a throttle of the project shares a scope with drf-ratchet."""
    from rest_framework.settings import api_settings

    from drf_ratchet.throttling import RATES, CountingThrottle

    try:
        classes: Any = tuple(api_settings.DEFAULT_THROTTLE_CLASSES)
    except ImportError:
        return []  # DRF reports it at the first use
    return [
        Warning(
            f"{one.__module__}.{one.__qualname__} has the scope {one.scope!r}, which drf-ratchet "
            "also uses: one rate applies to both.",
            hint=f"Give it a scope of its own. {one.scope!r} in DEFAULT_THROTTLE_RATES is the rate "
            "of drf-ratchet's limit. DRF does not know drf-ratchet's default rates.",
            id="ratchet.W023",
        )
        for one in classes
        if getattr(one, "scope", None) in RATES and not issubclass(one, CountingThrottle)
    ]


def _backend_that_counts() -> type[BaseCache] | None:
    """Return the class of the cache that counts; None if it is unknown or all rates are off."""
    if all(rate is None for rate in _rates().values()):
        return None
    return cache_backend(usable_settings().THROTTLE_CACHE)


def cache_backend(alias: str) -> type[BaseCache] | None:
    """Return the class of a cache; None if it cannot be imported.

    Args:
        alias: its name in ``CACHES``.
    """
    try:
        backend = import_string(settings.CACHES[alias]["BACKEND"])
    except (KeyError, ImportError):
        return None  # E003 reports it, or Django does at the first use
    return backend if isinstance(backend, type) and issubclass(backend, BaseCache) else None


def is_per_process(backend: type[BaseCache]) -> bool:
    """Return whether a cache is private to its process."""
    return issubclass(backend, (LocMemCache, DummyCache))


def _rates() -> dict[str, Any]:
    from rest_framework.settings import api_settings

    from drf_ratchet.throttling import RATES

    given = api_settings.DEFAULT_THROTTLE_RATES or {}
    return {scope: given.get(scope, rate) for scope, rate in RATES.items()}


def _is_readable(rate: object) -> bool:
    from drf_ratchet.throttling import parse_rate

    try:
        limit, _ = parse_rate(rate)
    except ImproperlyConfigured:
        return False
    return limit >= 0
