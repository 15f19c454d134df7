"""What does it cost to know who asks?

    python benchmarks/authenticated.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/authenticated.json.

The method. One process holds all packages (see ``peers.together``), each with a view of its own
that answers the same few bytes, on the middleware that ``startproject`` writes. Requests go
through the whole of Django's WSGI handler, without a network. In each round each view is asked a
number of times, by turns. Ratios are taken within a round. ``bounded`` reads the feed once a
second; so it is paired with the bare view alone and for longer, or it would read the feed in each
round however short, for a handful of requests. A hundred sessions are in that feed. Connections
are kept for a minute. With ``CONN_HEALTH_CHECKS=1`` in the environment they are also checked for
health when a request first uses one: one more round trip, here and with each peer.
"""

from __future__ import annotations

import sys
import time

import database
import inprocess
import timing
from report import Claim, exactly, parser, publish

BARE, BOUNDED, IMMEDIATE = "a bare view", "drf-ratchet, bounded", "drf-ratchet, immediate"
SIMPLEJWT = "djangorestframework-simplejwt"
NOTHING = "an authenticator that does nothing"


def main(argv: list[str]) -> int:
    made = parser("Time an authenticated request, here and with the peers.", "authenticated", 15)
    made.add_argument("--number", type=int, default=200, help="requests to each in a round")
    options = made.parse_args(argv)
    with inprocess.project() as url:
        asked = inprocess.ways()
        _end_some()
        pair = {name: asked[name] for name in (BARE, NOTHING, BOUNDED)}
        free = timing.in_turns(
            pair, options.rounds, options.number * 8, "no query", time.process_time, slices=32
        )
        all_ways = timing.in_turns(asked, options.rounds, options.number, "all", slices=4)
        queries = {name: inprocess.queries_in(call) for name, call in asked.items()}
        server = database.version(url)
    claims = [
        Claim(
            "authenticated request, bounded, over a bare view",
            BARE,
            timing.ratio(free, BOUNDED, BARE),
            1.10,
        ),
        Claim("queries of it", "", exactly(queries[BOUNDED]), 0),
        Claim(
            "authenticated request, immediate, over simplejwt",
            SIMPLEJWT,
            timing.ratio(all_ways, IMMEDIATE, SIMPLEJWT),
            1.0,
        ),
        Claim("queries of it", "", exactly(queries[IMMEDIATE]), 1),
    ]
    times = timing.measured(all_ways)
    details = {
        "queries": queries,
        "pair": timing.measured(free),
        "an authenticator that does nothing, over a bare view": timing.ratio(free, NOTHING, BARE),
    }
    return publish(options, "Authenticated request", claims, times, "ms", details, server)


def _end_some() -> None:
    """Put a hundred endings into the feed."""
    from django.contrib.auth import get_user_model

    from drf_ratchet.sessions import end_session, open_session

    user = get_user_model()._default_manager.get()
    for _ in range(100):
        end_session(open_session(user).session)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
