"""The verifier itself: its arguments, its tokens, its thread and its children."""

import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import Reason
from ratchet_tokens.verifier import Verifier
from token_tests import forge
from verifier_tests.conftest import MakeVerifier
from verifier_tests.issuer import JWKS, SERVICE, Issuer
from verifier_tests.test_keys import is_refused, reason, wait_for

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

URL = "https://blog.example"
NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"issuer": None}, "jwks_url"),
        ({"issuer": "blog"}, "https://"),
        ({"issuer": "http://blog.example"}, "https://"),
        ({"issuer": URL, "jwks_url": "http://blog.example/k"}, "https://"),
        ({"issuer": URL, "feed_url": "http://blog.example/f", "auth": SERVICE}, "https://"),
        ({"issuer": URL, "feed_url": f"{URL}/f"}, "auth="),
        *(
            ({"issuer": URL, "feed_url": f"{URL}/f", "auth": value}, "auth is not")
            for value in ("ab", ("a",), ("a", ""), ("a", b"b"), ("a", "b", "c"), {"a": "b"})
        ),
        *(
            ({"issuer": URL, "algorithms": value}, "algorithms")
            for value in ("ES256", [], ["HS256"])
        ),
        *(({"issuer": URL, "leeway": value}, "leeway") for value in (-1, None, "1", True, NAN)),
        *(({"issuer": URL, "keys_interval": value}, "keys_i") for value in (0, -1, INFINITY)),
        ({"issuer": URL, "feed_interval": 0}, "feed_interval"),
        ({"issuer": URL, "feed_max_age": 0}, "feed_max_age"),
        ({"issuer": URL, "keys_max_age": 0}, "keys_max_age"),
        ({"issuer": URL, "timeout": 0}, "timeout"),
    ],
)
def test_arguments(arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        Verifier(**arguments)
    assert SERVICE[1] not in str(refused.value)


def test_only_access_tokens_for_us(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    verifier = verifier_of(audience=["orders", "shop"])
    ours = issuer.token(aud=["blog", "orders"])
    key = issuer.keys[0]

    assert verifier.verify(ours)
    assert reason(verifier, issuer.token(aud="blog")) is Reason.WRONG_AUDIENCE
    assert reason(verifier, issuer.token()) is Reason.WRONG_AUDIENCE
    assert reason(verifier, issuer.token(aud="orders", iss=f"{issuer.url}/")) is Reason.WRONG_ISSUER
    assert reason(verifier, issuer.token(aud="orders", iss=None)) is Reason.WRONG_ISSUER
    assert reason(verifier, issuer.token(aud="orders", exp=1)) is Reason.EXPIRED
    for kind in (Kind.REFRESH, Kind.COOKIE_ACCESS, Kind.COOKIE_REFRESH):
        token = codec.sign(forge.claims(kind, iss=issuer.url), key, kind)
        assert reason(verifier, token) is Reason.WRONG_TYPE
    for nothing in (None, "", 7, b"x", "x" * 20_000, "a.b.c", "é.é.é"):
        assert reason(verifier, nothing) is Reason.MALFORMED


def test_an_issuer_without_a_name(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    verifier = verifier_of(issuer=None, jwks_url=issuer.url + JWKS, with_feed=True)
    issuer.document = {"iss": None}

    assert verifier.verify(issuer.token(iss=None))


def test_an_issuer_with_a_slash(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    verifier = verifier_of(issuer=f"{issuer.url}/")

    assert verifier.verify(issuer.token(iss=f"{issuer.url}/"))


def test_the_thread_ends(issuer: Issuer) -> None:
    before = threading.active_count()
    with Verifier(issuer.url) as verifier:
        assert verifier.verify(issuer.token())
        assert "ratchet_tokens.verifier" in [thread.name for thread in threading.enumerate()]
    wait_for(lambda: threading.active_count() <= before)
    assert verifier.verify(issuer.token())  # without a thread, with what it knows


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_thread_of_its_own(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    """As gunicorn's workers with --preload; here even while the parent holds every lock."""
    verifier = verifier_of(live=True, with_feed=True, feed_interval=0.02)
    token = issuer.token()
    verifier.verify(token)
    assert verifier._feed
    heard, say = os.pipe()
    with verifier._lock, verifier._keys.limit._lock, verifier._feed.limit._lock:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                if verifier.verify(token)["sub"] == "1" and verifier._thread is not None:
                    os.write(say, b"x")
                    # Its own thread reads that the session has ended.
                    wait_for(lambda: is_refused(verifier, token))
                    status = 0
            finally:
                os._exit(status)
        os.close(say)
        os.read(heard, 1)  # or nothing, when the child is gone
        issuer.ended = [forge.SESSION]
    os.close(heard)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_imports_no_django_and_no_framework() -> None:
    """Also where they are not installed."""
    program = (
        "import sys\n"
        "names = ('django', 'rest_framework', 'fastapi', 'starlette')\n"
        "sys.modules.update(dict.fromkeys(names))\n"
        "import ratchet_tokens.verifier, ratchet_tokens.verifier.asgi\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
