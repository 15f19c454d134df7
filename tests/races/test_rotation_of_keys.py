"""Keys are made, rotated and retired while people sign in, refresh and ask: nobody notices."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
from django.db import connection

from ratchet_tokens.verifier import TokenRefused, Unavailable, Verifier
from tests.races.clients import protected, sign_in
from tests.races.databases import DEMO, copy_of, environment_on
from tests.races.server import Server, serving
from tests.races.tabs import PAUSE, Tab

pytestmark = [pytest.mark.any_database, pytest.mark.full, pytest.mark.starts]

WORKERS = 3
TABS = 4
#: Seconds. A process looks at the files every second, and a verifier keeps the set for one more.
LOOKS, KEPT = 1, 1
#: A key's time is written in whole seconds, so that this may be one less; the rest is for the
#: machine, which has other things to do.
DELAY = LOOKS + KEPT + 3
LIFETIME = 4
#: How much of its life a token has left at least when it is used: the way there takes its time.
LEFT = 1.5


class Load:
    """What clients do the whole time, and what was refused to them."""

    def __init__(self, address: str, verifier: Verifier) -> None:
        self.done: Counter[str] = Counter()
        self.refused: list[str] = []
        self.kids: set[str] = set()
        self._address = address
        self._verifier = verifier
        # Its set is fetched when it is too old, and for no other reason.
        uri = f"{address}/.well-known/jwks.json"
        self._pyjwt = jwt.PyJWKClient(uri, lifespan=KEPT, cooldown_duration=3600)
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Until the block ends."""
        threads = [threading.Thread(target=self._run) for _ in range(TABS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _run(self) -> None:
        try:
            self._go_on()
        except Exception as error:  # a thread's own would be lost
            self.refused.append(f"a client ended: {error!r}")

    def _go_on(self) -> None:
        tab = Tab(self._address)
        tokens: deque[tuple[float, str]] = deque()
        while not self._over.is_set():
            if random.random() < 0.1:
                tab.access = sign_in(self._address)["access"]
                self._count("sign-ins", True)
            else:
                answer = tab.refresh(self._address)
                self._count("refreshes", answer.status == 200, answer)
            tokens.append((time.time(), tab.access))
            while time.time() - tokens[0][0] > LIFETIME - 1 - LEFT:  # `exp` is in whole seconds
                tokens.popleft()
            # The newest that there is, and the oldest that is still good.
            for _, token in {tokens[-1], tokens[0]} if tokens else ():
                self._use(token)
            time.sleep(PAUSE)

    def _use(self, token: str) -> None:
        self.kids.add(jwt.get_unverified_header(token)["kid"])
        answer = protected(self._address, token)
        self._count("requests", answer.status == 200, answer)
        try:
            key = self._pyjwt.get_signing_key_from_jwt(token)
            jwt.decode(token, key, algorithms=["EdDSA", "ES256"])
        except jwt.PyJWTError as error:
            self._count("PyJWT's checks", False, error)
        else:
            self._count("PyJWT's checks", True)
        try:
            self._verifier.verify(token)
        except (TokenRefused, Unavailable) as error:
            self._count("the Verifier's checks", False, error)
        else:
            self._count("the Verifier's checks", True)

    def _count(self, what: str, is_good: bool, answer: object = "") -> None:
        self.done[what] += 1
        if not is_good:
            self.refused.append(f"{what}: {answer!r}")


def test_nothing_is_refused_while_keys_rotate(
    demo_template: str, tmp_path: Path, show: Callable[[str], None]
) -> None:
    directory = tmp_path / "keys"
    options = {
        "KEYS": str(directory),
        "KEY_PUBLISH_DELAY": DELAY,
        "JWKS_MAX_AGE": KEPT,
        "ACCESS_TOKEN_LIFETIME": LIFETIME,
    }
    environment = {"RACE_OPTIONS": json.dumps(options)}

    def keys(*arguments: str) -> str:
        """``manage.py ratchet keys …``: what it said first, the kid that it is about."""
        done = subprocess.run(
            [sys.executable, "manage.py", "ratchet", "keys", *arguments],
            cwd=DEMO,
            env={**environment_on("sqlite://"), **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.partition(" ")[0]

    def wait_for(kid: str) -> None:
        """Until it signs."""
        deadline = time.monotonic() + DELAY + 10
        while kid not in load.kids:
            assert time.monotonic() < deadline, load.refused
            time.sleep(0.05)

    first = keys("new", "--alg", "EdDSA")
    log = tmp_path / "server.log"
    with (
        copy_of(demo_template, tmp_path) as url,
        serving(url, log, workers=WORKERS, **environment) as server,
        _verifier(server) as verifier,
    ):
        load = Load(server.address, verifier)
        with load.running():
            made = keys("new", "--alg", "ES256")
            wait_for(made)
            rotated = keys("rotate", "--alg", "EdDSA")
            # Every process has noticed by then, and the last token of the first key is dead.
            time.sleep(LOOKS + LIFETIME)
            keys("retire", first, "--force")
            wait_for(rotated)
    assert not load.refused, (len(load.refused), load.refused[:5])
    assert load.kids == {first, made, rotated}
    assert all(load.done.values()), load.done
    assert "cannot be used" not in server.text()
    counts = ", ".join(f"{number} {what}" for what, number in load.done.items())
    show(
        f"keys made, rotated and retired under load, {connection.vendor}, {WORKERS} processes: "
        f"{counts}; refused: {len(load.refused)}"
    )


def _verifier(server: Server) -> Verifier:
    return Verifier(
        None, jwks_url=f"{server.address}/.well-known/jwks.json", keys_interval=KEPT, leeway=0
    )
