"""How long does a server take longer to start with drf-ratchet in it?

    python benchmarks/importing.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, prints a table and writes
benchmarks/results/importing.json.

The method. One process sets Django up with django.contrib.auth and DRF and imports what DRF's
views need; another does the same with drf_ratchet as well and imports its URLs. By turns; what
counts is how much more processor time the second one takes, with all it brings along: joserfc and
cryptography are among that. The files are compiled and in the system's cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from report import Claim, parser, publish
from timing import Times, measured, spread

_START = """
import sys, time
began = time.process_time()
from django.conf import settings
apps = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]
settings.configure(
    INSTALLED_APPS=apps + sys.argv[1:],
    SECRET_KEY="0123456789" * 5,
    ROOT_URLCONF="drf_ratchet.urls",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
import django
django.setup()
import django.test.client, rest_framework.authentication, rest_framework.generics
import rest_framework.serializers, rest_framework.throttling, rest_framework.views
import django.contrib.auth.hashers
if sys.argv[1:]:
    import drf_ratchet.urls
print(time.process_time() - began)
"""


# What is set here for other programs must not make each process compile every file anew.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def main(argv: list[str]) -> int:
    options = parser("Import drf-ratchet and see how long it takes.", "importing", 25).parse_args(
        argv
    )
    times: Times = {"Django and DRF": [], "with drf-ratchet": []}
    for turn in range(options.rounds + 1):
        for name, apps in zip(times, ([], ["drf_ratchet"]), strict=True):
            seconds = float(_run(apps).stdout)
            if turn:  # the first one compiles
                times[name].append(seconds)
    without, with_it = times.values()
    more = [(b - a) * 1000 for a, b in zip(without, with_it, strict=True)]
    claim = Claim("import time beyond Django and DRF, ms", "", spread(more), 50.0)
    without_it = _modules([])
    further = {n: s for n, s in _modules(["drf_ratchet"]).items() if n not in without_it}
    details = {"by_package_ms": _by_package(further)}
    return publish(options, "Importing", [claim], measured(times), "ms", details)


def _run(apps: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", _START, *apps],
        cwd=Path(__file__).parent,
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )


def _modules(apps: list[str]) -> dict[str, float]:
    """Seconds within each module, a little more than without being watched."""
    said = _run(apps, "-X", "importtime").stderr
    lines = [line.removeprefix("import time:") for line in said.splitlines()]
    parts = [line.split("|") for line in lines if line.count("|") == 2 and "[us]" not in line]
    return {name.strip(): int(own) / 1e6 for own, _total, name in parts}


def _by_package(modules: Mapping[str, float]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for name, seconds in modules.items():
        package = name.partition(".")[0]
        shares[package] = shares.get(package, 0.0) + seconds * 1000
    return dict(sorted(shares.items(), key=lambda item: -item[1])[:12])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
