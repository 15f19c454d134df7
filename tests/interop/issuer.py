"""A server that signs with one algorithm after the other, and what a client makes of its tokens."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from django.core.management import call_command
from django.test import override_settings

from tests.fixtures import payload
from tests.races.clients import protected, refresh, send, sign_in
from tests.races.databases import demo_database
from tests.races.server import serving

#: Seconds that a key is published before it signs here. The one process looks every second.
DELAY = 1.0
JWKS_PATH = "/.well-known/jwks.json"

Shown = tuple[bool, bool]


class Client(Protocol):
    """Somebody else's package."""

    def verifies(self, token: str, jwk: dict[str, Any]) -> bool:
        """Whether it accepts a token: by the published keys, or by the secret that ``jwk`` is."""

    def signs(self, claims: dict[str, Any], jwk: dict[str, Any]) -> str | None:
        """A token of its own making with that private key; None if it cannot."""


@dataclass
class Issuer:
    """The demo, and the directory of its keys."""

    address: str
    directory: Path

    @property
    def jwks(self) -> dict[str, Any]:
        """What is published."""
        return send(self.address, JWKS_PATH, method="GET").body

    def keys(self, *arguments: str) -> None:
        """``manage.py ratchet keys …``."""
        options = {"KEY_PUBLISH_DELAY": timedelta(seconds=DELAY), "KEYS": str(self.directory)}
        with override_settings(DRF_RATCHET=options):
            call_command("ratchet", "keys", *arguments, verbosity=0, stdout=_Nowhere())

    def rotate(self, alg: str, over: str | None) -> None:
        """Make the next key, once one whose tokens nobody uses any more is deleted."""
        if over:
            # As `retire --force` does, without reading every key again: RSA's take their time.
            self._file(over).unlink()
        self.keys("rotate", "--alg", alg)

    def jwk(self, kid: str) -> dict[str, Any]:
        """A key of the directory with its private half."""
        jwk: dict[str, Any] = json.loads(self._file(kid).read_text())
        return jwk

    def _file(self, kid: str) -> Path:
        every = self.directory.glob("*.json")
        return next(file for file in every if json.loads(file.read_text())["kid"] == kid)

    def next_token(self, token: str, after: str | None) -> tuple[str, str, dict[str, Any]]:
        """Refresh until another key signs.

        Args:
            token: a refresh token.
            after: the kid that signed until now.

        Returns:
            An access token, the next refresh token, and the private key that signed the first.
        """
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            pair = refresh(self.address, token).body
            token = pair["refresh"]
            if (kid := kid_of(pair["access"])) != after:
                return pair["access"], token, self.jwk(kid)
            time.sleep(0.2)
        raise AssertionError("the server goes on with the old key")


class _Nowhere:
    def write(self, text: str) -> None: ...


@contextmanager
def issuer(folder: Path, alg: str) -> Iterator[Issuer]:
    """Serve the demo from one process, with a directory that holds one key."""
    directory = folder / "keys"
    made = Issuer("", directory)
    directory.mkdir(mode=0o700)
    made.keys("new", "--alg", alg)
    options = {"KEYS": str(directory), "KEY_PUBLISH_DELAY": DELAY, "JWKS_MAX_AGE": 0}
    with (
        demo_database(folder) as url,
        serving(url, folder / "log", workers=1, RACE_OPTIONS=json.dumps(options)) as server,
    ):
        made.address = server.address
        yield made


def shown(server: Issuer, client: Client, algorithms: list[str]) -> dict[str, Shown]:
    """Rotate through all the algorithms under the eyes of one client.

    Each key's token is verified when the key is new, and again when the next one has taken over.

    Args:
        server: one that signs with the first of them.
        client: whose key set is kept the whole time.
        algorithms: in order.

    Returns:
        For each: whether the client verified the server's tokens, before the rotation and after
        it, and whether the server took one that the client signed.
    """
    found: dict[str, Shown] = {}
    token, kid = sign_in(server.address)["refresh"], None
    before: tuple[str, dict[str, Any]] | None = None
    for number, alg in enumerate(algorithms):
        access, token, jwk = server.next_token(token, kid)
        assert (jwk["alg"], header_of(access)["alg"]) == (alg, alg)
        published = {key["kid"]: key for key in server.jwks["keys"]}
        if jwk["kty"] == "oct":
            assert jwk["kid"] not in published
        else:
            assert not published[jwk["kid"]].keys() & {"d", "p", "q", "priv", "k"}
        verified = client.verifies(access, jwk)
        signed = client.signs(payload(access), jwk)
        found[alg] = verified, bool(signed) and protected(server.address, signed).status == 200
        if before:
            # The one before the rotation is good until it expires, to us and to the client.
            old, old_jwk = before
            assert protected(server.address, old).status == 200
            assert client.verifies(old, old_jwk) is found[old_jwk["alg"]][0]
        over = before and before[1]["kid"]
        before, kid = (access, jwk), jwk["kid"]
        if number + 1 < len(algorithms):
            server.rotate(algorithms[number + 1], over)
    return found


def header_of(token: str) -> dict[str, Any]:
    """Its header, unverified."""
    # A payload stands second, a header first.
    return payload(f".{token}")


def kid_of(token: str) -> str:
    """Its header's kid."""
    kid: str = header_of(token)["kid"]
    return kid
