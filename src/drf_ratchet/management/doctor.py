"""``manage.py ratchet doctor``: examine the parts that sign-in needs in a running system.

The report shows no key, password or address. It names an error by its type only.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.migrations.executor import MigrationExecutor

from drf_ratchet.checks.databases import misrouted
from drf_ratchet.checks.keys import exposed_keys
from drf_ratchet.checks.throttles import cache_backend, is_per_process
from drf_ratchet.clock import database_now
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.counters import counts_atomically
from drf_ratchet.keyring import keyring
from drf_ratchet.models import Session
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.feed import recent_cut_offs, recent_endings, window

#: Seconds by which the two clocks may differ without a warning.
CLOCKS_DIFFER = 2.0

FRESHNESS_MEANS = {
    "immediate": "each request queries the database; a logout takes effect at once",
    "bounded": "a logout takes effect within FEED_INTERVAL",
    "expiry": "a logout takes effect when the access token expires",
}


class Status(StrEnum):
    """The state of one part."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


class Finding(NamedTuple):
    """One line of the report.

    Args:
        part: the part that was examined: "keys", "cache", …
        state: its state.
        text: the observation, without secrets.
    """

    part: str
    state: Status
    text: str


#: Parts that other packages add: a name, and what yields (status, text) without secrets.
PARTS: dict[str, Callable[[], Iterator[tuple[Status, str]]]] = {}


def examine() -> Iterator[Finding]:
    """Yield the findings of all parts. A part that raises is a finding, too."""
    own: dict[str, Callable[[], Iterator[tuple[Status, str]]]] = {
        "keys": _keys,
        "cache": _cache,
        "database": _database,
        "feed": _feed,
        "freshness": _freshness,
    }
    for part, look in {**own, **PARTS}.items():
        try:
            for state, text in look():
                yield Finding(part, state, text)
        except Exception as error:
            # A driver may raise anything, and the text may contain an address or a password.
            yield Finding(part, Status.BROKEN, f"failed with {type(error).__name__}")


def _keys() -> Iterator[tuple[Status, str]]:
    try:
        ring = keyring()
    except ImproperlyConfigured as error:
        yield Status.BROKEN, str(error)
        return
    for kind, keys in (("access", ring.access), ("refresh", ring.refresh)):
        signing = keys.signing
        yield Status.OK, f"{kind} tokens are signed by {signing.kid} ({signing.alg})"
        for key in keys:
            if key is not signing:
                yield Status.OK, f"{kind} tokens signed by {key.kid} ({key.alg}) are still valid"
    for found in exposed_keys(ratchet_settings()):
        yield Status.WARNING, f"{found.problem} {found.hint}"


def _cache() -> Iterator[tuple[Status, str]]:
    alias = ratchet_settings().THROTTLE_CACHE
    backend = cache_backend(alias)
    name = f"{alias!r} ({backend.__name__ if backend else 'unknown'})"
    cache, key = caches[alias], f"ratchet:doctor:{secrets.token_hex(8)}"
    try:
        cache.add(key, 0, timeout=60)
        counted = [cache.incr(key), cache.incr(key), cache.get(key)]
    except Exception as error:
        yield Status.BROKEN, f"{name} cannot count: {type(error).__name__}"
        return
    cache.delete(key)
    if counted != [1, 2, 2]:
        yield Status.BROKEN, f"{name} counts incorrectly"
        return
    yield Status.OK, f"{name} counts"
    if backend is not None and is_per_process(backend):
        yield Status.WARNING, f"{name} is not shared: each process counts separately"
    elif backend is not None and not counts_atomically(backend):
        yield (
            Status.WARNING,
            f"{name} does not count atomically: parallel attempts exceed the rates",
        )
    else:
        yield Status.OK, f"{name} is shared by all processes"


def _database() -> Iterator[tuple[Status, str]]:
    alias = write_database()
    connection = connections[alias]
    connection.ensure_connection()
    yield Status.OK, f"{alias!r} ({connection.display_name}) is reachable"
    for found in misrouted():
        yield Status.BROKEN, f"{found.problem} {found.hint}"
    elsewhere = router.db_for_read(Session)
    if elsewhere != alias:
        yield Status.OK, f"sessions are also read from it, and never from {elsewhere!r}"
    missing = _unapplied(alias)
    if missing:
        yield Status.BROKEN, f"not applied: {', '.join(missing)}; run manage.py migrate"
    else:
        yield Status.OK, "all migrations of drf_ratchet are applied"
    ahead = _seconds_ahead(alias)
    state, text = Status.OK, f"its clock is {abs(ahead):.1f} s {'ahead' if ahead > 0 else 'behind'}"
    if abs(ahead) >= ratchet_settings().ACCESS_TOKEN_LIFETIME.total_seconds():
        state = Status.BROKEN
        text = f"{text}, more than ACCESS_TOKEN_LIFETIME; synchronize the clocks"
    elif abs(ahead) > CLOCKS_DIFFER:
        state, text = Status.WARNING, f"{text}; synchronize the clocks with NTP"
    yield state, text


def _unapplied(alias: str) -> list[str]:
    executor = MigrationExecutor(connections[alias])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes("drf_ratchet"))
    return [str(migration) for migration, _ in plan]


def _seconds_ahead(alias: str) -> float:
    """Return the seconds by which the database's clock is ahead of this process's clock.

    Args:
        alias: the database's alias in ``DATABASES``.
    """
    before = time.time()
    now = database_now(alias)
    after = time.time()
    return now.timestamp() - (before + after) / 2


def _feed() -> Iterator[tuple[Status, str]]:
    settings = ratchet_settings()
    ended, cut = recent_endings().count(), recent_cut_offs().count()
    text = f"{ended} endings and {cut} cut-offs within {window()} (FEED_MAX {settings.FEED_MAX})"
    if ended > settings.FEED_MAX and settings.FRESHNESS == "bounded":
        yield Status.WARNING, f"{text}: more than FEED_MAX, so older tokens cost a query each"
    else:
        yield Status.OK, text


def _freshness() -> Iterator[tuple[Status, str]]:
    chosen = ratchet_settings().FRESHNESS
    state = Status.WARNING if chosen == "expiry" else Status.OK
    yield state, f"{chosen!r}: {FRESHNESS_MEANS[chosen]}"
