"""Counts of attempts in a cache: all that one attempt counts for, or none of them, at once.

A span of time is counted in six parts. The part that is ending counts in full, so that a rate holds
for every span of its length and not only for those that begin on the clock.

There are three ways to count, and each gives every attempt a number of its own:

- Valkey and Redis run a script: one round trip, however many counts there are.
- ``LocMemCache`` belongs to one process. Its counts are kept beside its entries, where they are
  not culled.
- Other caches have ``add`` and ``incr``, a few round trips for each count.
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
    """How often something may happen within a span of time that ends now.

    Args:
        name: what and whose it is; the start of the cache's keys.
        limit: how often.
        seconds: the span's length.
        now: seconds since 1970.
    """

    name: str
    limit: int
    seconds: float
    now: float

    @property
    def part(self) -> int:
        """The number of the part that is now."""
        return int(self.now * _PARTS / self.seconds)

    @property
    def keys(self) -> list[str]:
        """The keys of its parts, the newest first."""
        newest = self.part
        return [f"{self.name}:{newest - back}" for back in range(_PARTS + 1)]

    @property
    def timeout(self) -> int:
        """Seconds that a part is kept: longer than it counts, so that it never goes too early."""
        return int(self.seconds * 2) + 60

    def wait(self, counts: Sequence[int]) -> float:
        """Return the seconds until one more is allowed.

        Args:
            counts: those of its parts, the newest first.
        """
        length, total = self.seconds / _PARTS, sum(counts)
        for back in reversed(range(len(counts))):
            total -= counts[back]
            if total < self.limit:
                return (self.part - back + 1 + _PARTS) * length - self.now
        return self.seconds  # a limit of zero


class Full(NamedTuple):
    """A span in which no more is allowed.

    Args:
        span: which.
        counts: those of its parts, the newest first.
    """

    span: Span
    counts: list[int]


class Counts(Protocol):
    """A place to count in."""

    def take(self, spans: Sequence[Span], looked_at: Sequence[Span] = ()) -> Full | None:
        """Count one attempt in each span if all of them allow it; else in none, and return which.

        Args:
            spans: those that count it. The first that is full is returned.
            looked_at: spans that must not be full either, and do not count it.
        """

    def change(self, taken_back: Sequence[Span], added: Sequence[Span] = ()) -> None:
        """Count one less in some spans, and one more in others whatever they allow."""


def counts_in(cache: BaseCache) -> Counts:
    """Return the way to count in a cache.

    Args:
        cache: one of Django's ``caches``.
    """
    if isinstance(cache, LocMemCache):
        return _InProcess(cache)
    client = _client_of(cache)
    return _ByCommands(cache) if client is None else _ByScript(cache, client)


# In the memory of this process


class _InProcess:
    """Counts beside the entries of a ``LocMemCache``.

    Among its entries a hundred attempts for other names would push a count out: it holds 300, and
    culls the rest.
    """

    #: Counts that are kept; an attacker with many networks is not to fill the memory.
    MOST = 100_000
    _lock = threading.Lock()

    def __init__(self, cache: Any) -> None:
        # Django's dict of when each entry expires goes with clear() and is not culled.
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
        """Forget what has expired; if that is not enough, the oldest tenth."""
        now = time.time()
        expired = [key for key, (_, expires_at) in self._kept.items() if expires_at <= now]
        for key in expired or list(self._kept)[: self.MOST // 10]:
            del self._kept[key]


# In Valkey or Redis, by a script


class _Script:
    def __init__(self, text: str) -> None:
        self.text = text
        # It names the script to the server (EVALSHA) and protects nothing.
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


#: KEYS: seven for each span, the newest part first. ARGV: for each span its limit, its timeout, and
#: 1 if it counts or 0 if it is only looked at. Returns 0, or the number and the counts of the first
#: span that is full.
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

#: KEYS: the newest part of each span. ARGV: for each its timeout, and 1 or -1. What is taken back
#: from a count that is gone is gone already.
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
        """Return what a script answers; None where the server does not let us run one.

        Raises:
            RuntimeError: there is no answer, as from a client that passes over its errors.
        """
        arguments = (len(keys), *(str(self._cache.make_key(key)) for key in keys), *values)
        try:
            answer = self._evaluated(script, arguments)
        except Exception as error:
            # One that the server answers, as opposed to a server that does not.
            if not _is_a("ResponseError", error):
                raise
            warn_once(
                "The cache refuses to run a script (%s): each attempt takes several commands.",
                type(error).__name__,
            )
            return None
        if answer is None:
            raise RuntimeError("The cache has not answered.")
        return answer

    def _evaluated(self, script: _Script, arguments: Sequence[Any]) -> Any:
        try:
            return self._client.evalsha(script.sha, *arguments)
        except Exception as error:
            if not _is_a("NoScriptError", error):
                raise
            return self._client.eval(script.text, *arguments)


def _client_of(cache: Any) -> Any:
    """Return the client of Valkey or Redis under a cache; None where there is none.

    Django's own cache, django-redis and django-valkey each have one that they hand out.
    """
    for name in ("_cache", "client"):
        get_client = getattr(getattr(cache, name, None), "get_client", None)
        try:
            client = get_client and get_client(write=True)
        except (NotImplementedError, TypeError):  # one of several servers, by the key
            return None
        if hasattr(client, "evalsha"):
            return client
    return None


def _is_a(name: str, error: Exception) -> bool:
    """Whether an error is of that kind, in whichever library: redis, valkey, or a fork of them."""
    return any(kind.__name__ == name for kind in type(error).__mro__)


# In any other cache, by its own commands


def counts_atomically(backend: type[BaseCache]) -> bool:
    """Whether a cache has an ``incr`` of its own.

    The base class's reads and writes in two steps. Django's files and tables use it, and
    ``DummyCache``, which keeps nothing.
    """
    return backend.incr is not BaseCache.incr


class _ByCommands:
    def __init__(self, cache: BaseCache) -> None:
        self._cache = cache
        if not counts_atomically(type(cache)):
            warn_once(
                "Attempts are counted in a %s, which cannot count: more pass than the rates allow. "
                "Let DRF_RATCHET['THROTTLE_CACHE'] name a cache on Valkey, Redis or Memcached.",
                type(cache).__name__,
            )

    def take(self, spans: Sequence[Span], looked_at: Sequence[Span] = ()) -> Full | None:
        for number, span in enumerate(spans, start=1):
            mine, *earlier = self._add(span, 1), *self._read(span.keys[1:])
            if mine + sum(earlier) > span.limit:
                # An attempt that is refused must not use up what others are allowed.
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
        """Return the count of the newest part after adding to it in one atomic step."""
        key = span.keys[0]
        # add() is true for one of many at once, and the others count on. What is taken back from
        # a count that is gone is gone already.
        first = max(number, 0)
        if self._cache.add(key, first, timeout=span.timeout):
            return first
        count: object = self._cache.incr(key, number)
        if type(count) is not int:
            # From a client that passes over its errors: None, or False.
            raise RuntimeError("The cache has not answered.")
        return count
