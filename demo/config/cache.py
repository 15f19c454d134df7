"""Configure the cache in which the throttles count: Valkey, or the memory of each process."""

from typing import Any


def cache(url: str) -> dict[str, Any]:
    """Return one entry of Django's `CACHES`.

    Args:
        url: the URL of a Valkey or Redis server. If empty, each worker counts in its own memory.
    """
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        # redis-py works with Valkey but does not accept its URL scheme.
        "LOCATION": url.replace("valkey://", "redis://", 1).replace("valkeys://", "rediss://", 1),
        "KEY_PREFIX": "blog",
    }
