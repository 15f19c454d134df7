"""What does a sign-in cost beyond the check of the password?

    python benchmarks/signing_in.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/signing_in.json.

The method. Django's ``authenticate()`` alone, then whole sign-ins by HTTP through the WSGI
handler, by turns. The password is hashed with a single iteration of MD5, or the hash, which takes
a quarter of a second by design, would drown all else. The rate limits of a sign-in are off, as
the peers have none.
"""

from __future__ import annotations

import sys

import database
import inprocess
import timing
from authenticated import SIMPLEJWT
from peers import PASSWORD, USERNAME
from report import Claim, parser, publish

ALONE, OURS = "authenticate() alone", "drf-ratchet"


def main(argv: list[str]) -> int:
    made = parser("Time a sign-in, here and with the peers.", "signing_in", 15)
    made.add_argument("--number", type=int, default=50, help="sign-ins of each in a round")
    options = made.parse_args(argv)
    with inprocess.project() as url:
        from django.contrib.auth import authenticate, get_user_model
        from django.test import override_settings

        hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        with override_settings(PASSWORD_HASHERS=hashers):
            user = get_user_model()._default_manager.get(username=USERNAME)
            user.set_password(PASSWORD)
            user.save()
            credentials = {"username": USERNAME, "password": PASSWORD}
            asked = {
                ALONE: lambda: authenticate(None, **credentials),
                OURS: lambda: inprocess.post("/api/token/", credentials),
                SIMPLEJWT: lambda: inprocess.post("/simplejwt/token/", credentials),
                "a bare view": inprocess.get("/bare/"),
            }
            times = timing.in_turns(asked, options.rounds, options.number, "signing in")
            trips = {name: inprocess.queries_in(asked[name]) for name in asked}
        server = database.version(url)
    pairs = zip(times[OURS], times[ALONE], strict=True)
    more = timing.spread([(ours - alone) * 1000 for ours, alone in pairs])
    claims = [Claim("sign-in beyond authenticate(), ms", ALONE, more, 1.0)]
    details = {"round_trips": trips}
    return publish(options, "Sign-in", claims, timing.measured(times), "ms", details, server)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
