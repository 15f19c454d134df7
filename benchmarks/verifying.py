"""How long does it take to verify an access token, the first time and again?

    python benchmarks/verifying.py

It needs the packages of requirements/bench.txt and drf-ratchet itself, prints a table and writes
benchmarks/results/verifying.json.

The method. One token for each algorithm, with the claims of the demo's. "First time" forgets what
was verified before each call. "Again" decodes the bytes of a header each time, so that Python has
not hashed the string before. HS256 is set beside PyJWT's ``decode`` with its defaults; the others
beside the bare ``verify`` of cryptography over the same bytes, which reads no header, no claims
and no time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import timing
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwk
from joserfc.util import urlsafe_b64decode
from report import Claim, parser, publish

from ratchet_tokens import codec
from ratchet_tokens.claims import Kind, access_claims
from ratchet_tokens.keys import Key, KeySet
from ratchet_tokens.verified_cache import checked_tokens

TARGETS = {"HS256": 0.6, "Ed25519": 1.4, "ES256": 1.4, "RS256": 2.0}


def main(argv: list[str]) -> int:
    made = parser("Time the verification of a token.", "verifying", 25)
    made.add_argument("--number", type=int, default=500, help="first times in a round")
    options = made.parse_args(argv)
    asked: dict[str, Callable[[], object]] = {}
    for alg in TARGETS:
        asked |= contestants(alg)
    again = {name: call for name, call in asked.items() if name.endswith(", again")}
    first = {name: call for name, call in asked.items() if name not in again}
    times: timing.Times = {}
    # So short that many more are needed to be seen beside a clock.
    for some, number in ((again, options.number * 20), (first, options.number)):
        times |= timing.in_turns(some, options.rounds, number, "verifying", time.process_time)
    claims = [_again(times, alg) for alg in TARGETS]
    claims += [
        Claim(
            f"verify, first time, {alg}, over {_peer(alg)}",
            _peer(alg),
            timing.ratio(times, f"{alg}, first time", f"{alg}, {_peer(alg)}"),
            target,
        )
        for alg, target in TARGETS.items()
    ]
    measured = timing.measured(times, 1e6)
    return publish(options, "Verifying", claims, measured, "µs")


def contestants(alg: str) -> dict[str, Callable[[], object]]:
    """What is measured of one algorithm."""
    key = _key(alg)
    keys, now = KeySet(key), int(time.time())
    claims = access_claims(
        subject="1",
        session=uuid4(),
        issued_at=now,
        expires_at=now + 3600,
        auth_time=now,
        extra={"user_id": 1, "email": "alice@example.com", "username": "alice", "role": "user"},
    )
    token = codec.sign(claims, key, Kind.ACCESS)

    def first_time() -> None:
        checked_tokens.clear()
        codec.verify(token, keys, Kind.ACCESS)

    raw = token.encode()

    def again() -> None:
        codec.verify(raw.decode("latin-1"), keys, Kind.ACCESS)

    return {
        f"{alg}, again": again,
        f"{alg}, first time": first_time,
        f"{alg}, {_peer(alg)}": _bare(alg, key, token),
    }


def _again(times: timing.Times, alg: str) -> Claim:
    spread = timing.spread([each * 1e6 for each in times[f"{alg}, again"]])
    return Claim(f"verify, a token seen before, {alg}, µs", "", spread, 2.0)


def _peer(alg: str) -> str:
    return "PyJWT" if alg == "HS256" else "bare cryptography"


def _key(alg: str) -> Key:
    makers: dict[str, Callable[[], Any]] = {
        "HS256": lambda: jwk.OctKey.generate_key(256),
        "Ed25519": lambda: jwk.OKPKey.generate_key("Ed25519"),
        "ES256": lambda: jwk.ECKey.generate_key("P-256"),
        "RS256": lambda: jwk.RSAKey.generate_key(2048),
    }
    return Key(makers[alg](), alg, kid="0123456789abcdef")


def _bare(alg: str, key: Key, token: str) -> Callable[[], object]:
    head, _, last = token.rpartition(".")
    message, signature = head.encode(), urlsafe_b64decode(last.encode())
    raw: Any = key.jose.raw_value
    if alg == "HS256":
        return lambda: jwt.decode(token, raw, algorithms=["HS256"])
    public = raw.public_key()
    if alg == "Ed25519":
        return lambda: public.verify(signature, message)
    if alg == "RS256":
        return lambda: public.verify(signature, message, padding.PKCS1v15(), SHA256())
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    der = encode_dss_signature(r, s)
    return lambda: public.verify(der, message, ec.ECDSA(SHA256()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
