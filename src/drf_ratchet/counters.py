"""Count attempts in a cache. One attempt is counted in all of its spans at once, or in none.

A span of time is counted in six parts. The part that is ending counts in full. So the rate holds
for every span of that length, and not only for those that begin with a part.

There are three implementations. In each, concurrent attempts get different counts:

- Valkey and Redis run a script: one round trip for any number of counts.
- ``LocMemCache`` belongs to one process. Its counts are kept beside its entries, where they are not
  culled.
- Other caches have ``add`` and ``incr``: a few round trips for each count.
"""

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from drf_ratchet.security_log import warn_once

_PARTS = 6


@dataclass(frozen=True, slots=True)
class Span:
    """A rate limit: how many attempts a span of time may have that ends now.

    Args:
        name: the beginning of the cache's keys, which says what is limited and for whom.
        limit: maximum number of attempts.
        seconds: the span's length.
        now: the current time in seconds since 1970.
    """

    name: str
    limit: int
    seconds: float
    now: float

    @property
    def part(self) -> int:
        """Return the number of the current part."""
        return int(self.now * _PARTS / self.seconds)

    @property
    def keys(self) -> list[str]:
        """Return the cache keys of the span's parts, newest first."""
        newest = self.part
        return [f"{self.name}:{newest - back}" for back in range(_PARTS + 1)]

    @property
    def timeout(self) -> int:
        """Return the seconds to cache a part. It must not expire while it counts."""
        return int(self.seconds * 2) + 60

    def wait(self, counts: Sequence[int]) -> float:
        """Return the seconds until one more attempt is allowed.

        Args:
            counts: the counts of the span's parts, newest first.
        """
        length, total = self.seconds / _PARTS, sum(counts)
        for back in reversed(range(len(counts))):
            total -= counts[back]
            if total < self.limit:
                return (self.part - back + 1 + _PARTS) * length - self.now
        return self.seconds  # a limit of zero


class Full(NamedTuple):
    """A span that allows no further attempt.

    Args:
        span: the span.
        counts: the counts of its parts, newest first.
    """

    span: Span
    counts: list[int]


class Counts(Protocol):
    """A cache in which attempts are counted."""

    def take(self, spans: Sequence[Span], looked_at: Sequence[Span] = ()) -> Full | None:
        """Count one attempt in all spans if all allow it. Else count none and return a full span.

        Args:
            spans: the spans that count the attempt. The first full one is returned.
            looked_at: spans that must not be full either, but do not count the attempt.
        """

    def change(self, taken_back: Sequence[Span], added: Sequence[Span] = ()) -> None:
        """Subtract one from some spans, and add one to others, even if those are full.

        Args:
            taken_back: the spans to subtract from.
            added: the spans to add to.
        """


def counts_in(cache: BaseCache) -> Counts:
    """Return the implementation that counts in a cache.

    Args:
        cache: one of Django's ``caches``.
    """
    if isinstance(cache, LocMemCache):
        return _InProcess(cache)
    client = _client_of(cache)
    return _ByCommands(cache) if client is None else _ByScript(cache, client)


# In the memory of this process


class _InProcess:
    """Counts kept beside the entries of a ``LocMemCache``.

    The cache keeps 300 entries and culls the rest. Among them, a hundred attempts for other names
    would push a count out.
    """

    #: Maximum number of counts, so that an attacker from many networks cannot fill the memory.
    MOST = 100_000
    _lock = threading.Lock()

    def __init__(self, cache: Any) -> None:
        # Django's dict of expiry times is emptied by clear() and is not culled.
        self._kept: dict[str, tuple[int, float]] = cache._expire_info.setdefault("ratchet", {})
        self._prefix = cache.make_key("")

    def take(self, spans: Sequence[Span], looked_at: Sequence[Span] = ()) -> Full | None:
        with self._lock:
            for span in (*spans, *looked_at):
                counts = [self._read(key) for key in span.keys]
                if sum(counts) >= span.limit:
                    return Full(span, counts)
            for span in spans:
                self._add(span, 1)
        return None

    def change(self, taken_back: Sequence[Span], added: Sequence[Span] = ()) -> None:
        with self._lock:
            for span in taken_back:
                self._add(span, -1)
            for span in added:
                self._add(span, 1)

    def _read(self, key: str) -> int:
        count, expires_at = self._kept.get(self._prefix + key, (0, 0.0))
        return count if expires_at > time.time() else 0

    def _add(self, span: Span, number: int) -> None:
        key = span.keys[0]
        count = max(0, self._read(key) + number)
        self._kept[self._prefix + key] = count, time.time() + span.timeout
        if len(self._kept) > self.MOST:
            self._make_room()

    def _make_room(self) -> None:
        """Delete expired counts; if there are none, the oldest tenth."""
        now = time.time()
        expired = [key for key, (_, expires_at) in self._kept.items() if expires_at <= now]
        for key in expired or list(self._kept)[: self.MOST // 10]:
            del self._kept[key]


# In Valkey or Redis, by a script


class _Script:
    def __init__(self, text: str) -> None:
        self.text = text
        # The hash names the script to the server (EVALSHA) and protects nothing.
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


#: KEYS: the parts of each span, newest first, seven each. ARGV: for each span its limit, its
#: timeout, and 1 to count it or 0 to check it only. Returns 0, or the number and the counts of the
#: first full span.
_TAKE = _Script("""
local spans = #ARGV / 3
for i = 0, spans - 1 do
  local total, counts = 0, {i + 1}
  for _, count in ipairs(redis.call('MGET', unpack(KEYS, i * 7 + 1, i * 7 + 7))) do
    count = tonumber(count or 0) or 0
    total = total + count
    counts[#counts + 1] = count
  end
  if total >= tonumber(ARGV[i * 3 + 1]) then return counts end
end
for i = 0, spans - 1 do
  local key = KEYS[i * 7 + 1]
  if ARGV[i * 3 + 3] == '1' and redis.call('INCR', key) == 1 then
    redis.call('EXPIRE', key, ARGV[i * 3 + 2])
  end
end
return {0}
""")

#: KEYS: the newest part of each span. ARGV: for each its timeout, and 1 or -1. Nothing is
#: subtracted from a count that has expired.
_CHANGE = _Script("""
for i, key in ipairs(KEYS) do
  if ARGV[i * 2] == '1' then
    if redis.call('INCR', key) == 1 then redis.call('EXPIRE', key, ARGV[i * 2 - 1]) end
  elseif (tonumber(redis.call('GET', key) or 0) or 0) > 0 then
    redis.call('DECR', key)
  end
end
return 1
""")


class _ByScript:
    def __init__(self, cache: BaseCache, client: Any) -> None:
        self._cache, self._client = cache, client

    def take(self, spans: Sequence[Span], looked_at: Sequence[Span] = ()) -> Full | None:
        every = [*spans, *looked_at]
        values = [
            value
            for number, span in enumerate(every)
            for value in (span.limit, span.timeout, int(number < len(spans)))
        ]
        answer = self._run(_TAKE, [key for span in every for key in span.keys], values)
        if answer is None:
            return _ByCommands(self._cache).take(spans, looked_at)
        full, *counts = map(int, answer)
        return Full(every[full - 1], counts) if full else None

    def change(self, taken_back: Sequence[Span], added: Sequence[Span] = ()) -> None:
        every = [*taken_back, *added]
        values = [
            value
            for number, span in enumerate(every)
            for value in (span.timeout, -1 if number < len(taken_back) else 1)
        ]
        if self._run(_CHANGE, [span.keys[0] for span in every], values) is None:
            _ByCommands(self._cache).change(taken_back, added)

    def _run(self, script: _Script, keys: list[str], values: list[int]) -> Any:
        """Return the result of a script; None if the server refuses to run scripts.

        Raises:
            RuntimeError: there is no result, as from a client that ignores errors.
        """
        arguments = (len(keys), *(str(self._cache.make_key(key)) for key in keys), *values)
        try:
            answer = self._evaluated(script, arguments)
        except Exception as error:
            # Only an error response of the server. A connection error is raised.
            if not _is_a("ResponseError", error):
                raise
            warn_once(
                "The cache refuses to run a script (%s). Each attempt takes several commands "
                "instead. Allow its user the commands EVALSHA and EVAL.",
                type(error).__name__,
            )
            return None
        if answer is None:
            raise RuntimeError("The cache did not answer.")
        return answer

    def _evaluated(self, script: _Script, arguments: Sequence[Any]) -> Any:
        try:
            return self._client.evalsha(script.sha, *arguments)
        except Exception as error:
            if not _is_a("NoScriptError", error):
                raise
            return self._client.eval(script.text, *arguments)


def _client_of(cache: object) -> Any:
    """Return a cache's client of Valkey or Redis; None if it has none.

    Django's own cache, django-redis and django-valkey each give access to one.
    """
    for name in ("_cache", "client"):
        get_client = getattr(getattr(cache, name, None), "get_client", None)
        try:
            client = get_client and get_client(write=True)
        except (NotImplementedError, TypeError):  # the client depends on the key: several servers
            return None
        if hasattr(client, "evalsha"):
            return client
    return None


def _is_a(name: str, error: Exception) -> bool:
    """Return whether an error's class has this name, in any library: redis, valkey, or a fork."""
    return any(kind.__name__ == name for kind in type(error).__mro__)


# In any other cache, by its own commands


def counts_atomically(backend: type[BaseCache]) -> bool:
    """Return whether a cache class has an ``incr`` of its own.

    That of the base class reads and writes in two steps. Django's caches in files and in tables use
    it, and so does ``DummyCache``, which keeps nothing.

    Args:
        backend: the class of a cache.
    """
    return backend.incr is not BaseCache.incr


class _ByCommands:
    def __init__(self, cache: BaseCache) -> None:
        self._cache = cache
        if not counts_atomically(type(cache)):
            warn_once(
                "Attempts are counted in a %s, which cannot count atomically: more pass than the "
                "rates allow. "
                "Let DRF_RATCHET['THROTTLE_CACHE'] name a cache on Valkey, Redis or Memcached.",
                type(cache).__name__,
            )

    def take(self, spans: Sequence[Span], looked_at: Sequence[Span] = ()) -> Full | None:
        for number, span in enumerate(spans, start=1):
            mine, *earlier = self._add(span, 1), *self._read(span.keys[1:])
            if mine + sum(earlier) > span.limit:
                # A refused attempt must not use up the allowance of others.
                self.change(spans[:number])
                return Full(span, [mine - 1, *earlier])
        for span in looked_at:
            counts = self._read(span.keys)
            if sum(counts) >= span.limit:
                self.change(spans)
                return Full(span, counts)
        return None

    def change(self, taken_back: Sequence[Span], added: Sequence[Span] = ()) -> None:
        for span in taken_back:
            self._add(span, -1)
        for span in added:
            self._add(span, 1)

    def _read(self, keys: Sequence[str]) -> list[int]:
        found = self._cache.get_many(keys)
        return [int(found.get(key, 0)) for key in keys]

    def _add(self, span: Span, number: int) -> int:
        """Add to the newest part in one atomic step, and return its count."""
        key = span.keys[0]
        # add() succeeds for one of several concurrent callers; the others use incr(). Nothing is
        # subtracted from a count that has expired.
        first = max(number, 0)
        if self._cache.add(key, first, timeout=span.timeout):
            return first
        count: object = self._cache.incr(key, number)
        if type(count) is not int:
            # A client that ignores errors returns None or False.
            raise RuntimeError("The cache did not answer.")
        return count
