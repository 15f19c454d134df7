"""What does a sign-in cost beyond the check of the password?

    python benchmarks/signing_in.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, starts a PostgreSQL of its
own, prints a table and writes benchmarks/results/signing_in.json.

The method. By turns: Django's ``authenticate()`` alone; the same and then ``open_session``, which
writes the row and signs both tokens; and whole sign-ins by HTTP through the WSGI handler. "Beyond
authenticate()" is said of both. The first is what the package adds to a login that a project has
already. The second holds also what every request costs (the bare view beside it) and what Django
does at a login (the signal ``user_logged_in``, at which it writes ``last_login``).

The password is hashed with a single iteration of MD5, or the hash, which takes a quarter of a
second by design, would drown all else. The rate limits of a sign-in are off, as the peers have
none.
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
OPENED = "authenticate() and open_session()"


def main(argv: list[str]) -> int:
    made = parser("Time a sign-in, here and with the peers.", "signing_in", 15)
    made.add_argument("--number", type=int, default=50, help="sign-ins of each in a round")
    options = made.parse_args(argv)
    with inprocess.project() as url:
        from django.contrib.auth import authenticate, get_user_model
        from django.test import override_settings

        from drf_ratchet.sessions import open_session

        hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        with override_settings(PASSWORD_HASHERS=hashers):
            user = get_user_model()._default_manager.get(username=USERNAME)
            user.set_password(PASSWORD)
            user.save()
            credentials = {"username": USERNAME, "password": PASSWORD}
            asked = {
                ALONE: lambda: authenticate(None, **credentials),
                OPENED: lambda: open_session(authenticate(None, **credentials)),
                OURS: lambda: inprocess.post("/api/token/", credentials),
                SIMPLEJWT: lambda: inprocess.post("/simplejwt/token/", credentials),
                "a bare view": inprocess.get("/bare/"),
            }
            times = timing.in_turns(asked, options.rounds, options.number, "signing in", slices=5)
            trips = {name: inprocess.queries_in(asked[name]) for name in asked}
        server = database.version(url)
    claims = [
        Claim("open_session() beyond authenticate(), ms", ALONE, _more(times, OPENED), 1.0),
        Claim("sign-in request beyond authenticate(), ms", ALONE, _more(times, OURS), 1.0),
    ]
    details = {"round_trips": trips}
    return publish(options, "Sign-in", claims, timing.measured(times), "ms", details, server)


def _more(times: timing.Times, name: str) -> dict[str, float]:
    pairs = zip(times[name], times[ALONE], strict=True)
    return timing.spread([(one - alone) * 1000 for one, alone in pairs])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
