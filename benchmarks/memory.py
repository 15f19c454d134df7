"""What does a process keep in memory: the verified tokens and the feed?

    python benchmarks/memory.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/memory.json.

The method. ``tracemalloc`` before and after: the memory of verified tokens is filled beyond its
limit with tokens of the usual length, and with claims that take the most memory for their length
(a list of empty objects); the feed is filled to FEED_MAX, half a million endings within the last
five minutes.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import database
import inprocess
from report import Claim, exactly, parser, publish

MEGABYTE = 1_000_000


def main(argv: list[str]) -> int:
    options = parser("Measure what a process keeps.", "memory", 1).parse_args(argv)
    usual = {"user_id": 1, "email": "alice@example.com", "username": "alice", "role": "user"}
    worst = {"waste": [{} for _ in range(3000)]}
    held = {
        "verified tokens, usual claims": _grown_by(lambda: _verify_many(usual)),
        "verified tokens, the worst claims": _grown_by(lambda: _verify_many(worst)),
    }
    with inprocess.project() as url:
        from drf_ratchet.conf import ratchet_settings

        limit = ratchet_settings().FEED_MAX
        _end_many(limit)
        held[f"the feed, {limit:,} endings"] = _grown_by(_read_feed)
        server = database.version(url)
    targets = (10.0, 60.0, 60.0)
    claims = [
        Claim(f"memory of a process: {name}, MB", "", exactly(size), target)
        for (name, size), target in zip(held.items(), targets, strict=True)
    ]
    return publish(options, "Memory of a process", claims, postgresql=server)


def _grown_by(fill: Callable[[], object]) -> float:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    fill()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return round(size / MEGABYTE, 2)


def _verify_many(extra: dict[str, Any]) -> None:
    from ratchet_tokens import codec
    from ratchet_tokens.claims import Kind, access_claims
    from ratchet_tokens.keys import Key, KeySet
    from ratchet_tokens.verified_cache import LIMIT, checked_tokens

    checked_tokens.clear()
    keys, now = KeySet(Key.derive("0123456789" * 5, "access")), int(time.time())
    length = 0
    while length < LIMIT * 1.2:
        claims = access_claims(
            subject="1",
            session=uuid4(),
            issued_at=now,
            expires_at=now + 3600,
            auth_time=now,
            extra=extra,
        )
        token = codec.sign(claims, keys.signing, Kind.ACCESS)
        codec.verify(token, keys, Kind.ACCESS)
        length += len(token)


def _end_many(number: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO drf_ratchet_session (
                id, generation, rotates, created_at, auth_time, rotated_at, expires_at, ended_at,
                announced_at, end_reason, fingerprint, idempotency_key_hash, user_agent)
            SELECT gen_random_uuid(), 1, true, now(), now(), now(), now(), now(),
                now() - interval '300 s' * i / %s, 'logout', '', '', ''
                FROM generate_series(1, %s) i
            """,
            [number, number],
        )


def _read_feed() -> None:
    from drf_ratchet.sessions.feed import feed_of

    claims = {"sid": str(uuid4()), "sub": "1", "iat": 0, "exp": 1}
    feed_of(claims).has_ended(claims)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
