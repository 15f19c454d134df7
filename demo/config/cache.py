"""The cache, which is where the throttles count: Valkey where there is one."""

from typing import Any


def cache(url: str) -> dict[str, Any]:
    """One entry of Django's `CACHES`.

    Args:
        url: the address of a Valkey or Redis server, or an empty string for the memory of each
            process, which every worker then counts in by itself.
    """
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        # redis-py speaks to Valkey but does not know its name.
        "LOCATION": url.replace("valkey://", "redis://", 1).replace("valkeys://", "rediss://", 1),
        "KEY_PREFIX": "blog",
    }
