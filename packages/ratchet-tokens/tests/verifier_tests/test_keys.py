"""Keys that are fetched: when, how often, and what happens when they cannot be."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc import jwk

from ratchet_tokens.errors import Reason, TokenRefused, Unavailable
from ratchet_tokens.keys import Key
from ratchet_tokens.verifier import Verifier, fetch_limit
from token_tests import forge
from verifier_tests.conftest import Clock, MakeVerifier
from verifier_tests.issuer import JWKS, Issuer, public, redirect, status

pytestmark = [pytest.mark.any_database, pytest.mark.starts]


def new_key(kid: str | None = None) -> Key:
    return Key(jwk.OKPKey.generate_key("Ed25519"), "Ed25519", kid)


def reason(verifier: Verifier, token: object) -> Reason:
    with pytest.raises(TokenRefused) as refused:
        verifier.verify(token)
    return refused.value.reason


def test_valid_token_is_accepted(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    claims = verifier_of(live=True).verify(issuer.token(role="user"))

    assert (claims["sub"], claims["role"]) == ("1", "user")
    with pytest.raises(TypeError):
        claims["sub"] = "2"  # type: ignore[index]


@pytest.mark.parametrize("alg", ["ES256", "ES384", "Ed25519", "RS256", "PS256"])
def test_each_kind_of_key(issuer: Issuer, verifier_of: MakeVerifier, alg: str) -> None:
    issuer.keys = [forge.key_for(alg)]

    assert verifier_of().verify(issuer.token())["sub"] == "1"


def test_nothing_is_asked_on_the_usual_path(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    verifier, token = verifier_of(live=True), issuer.token()

    for _ in range(1000):
        verifier.verify(token)

    assert issuer.requests == {JWKS: 1}


@pytest.mark.parametrize("live", [True, False])
def test_many_threads_at_the_first_token(
    issuer: Issuer, verifier_of: MakeVerifier, live: bool
) -> None:
    verifier, token = verifier_of(live=live), issuer.token()
    barrier = threading.Barrier(16)

    def verify() -> str:
        barrier.wait()
        subject: str = verifier.verify(token)["sub"]
        return subject

    with ThreadPoolExecutor(16) as threads:
        assert {job.result() for job in [threads.submit(verify) for _ in range(16)]} == {"1"}
    assert issuer.requests == {JWKS: 1}


def test_a_storm_of_unknown_keys(
    issuer: Issuer, verifier_of: MakeVerifier, clock: Clock, show: Any
) -> None:
    verifier = verifier_of(keys_interval=10)
    verifier.verify(issuer.token())
    stranger = forge.key_for("HS256")
    storm = [
        forge.forge(stranger, forge.claims(), forge.header(stranger, alg="ES256", kid=f"k{n}"))
        for n in range(10_000)
    ]

    def refused(tokens: list[str]) -> set[Reason]:
        return {reason(verifier, token) for token in tokens}

    fetches = []
    for _ in range(3):
        clock.advance(10)
        before = issuer.requests[JWKS]
        with ThreadPoolExecutor(8) as threads:
            parts = [storm[start::8] for start in range(8)]
            assert set().union(*threads.map(refused, parts)) == {Reason.BAD_SIGNATURE}
        fetches.append(issuer.requests[JWKS] - before)

    assert fetches == [1, 1, 1]
    show(f"verifier: 3 x 10,000 tokens of unknown keys from 8 threads, fetches: {fetches}")


def test_a_storm_while_the_issuer_is_down(
    issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
) -> None:
    verifier = verifier_of(keys_interval=10)
    good, unknown = issuer.token(), issuer.token(new_key())
    verifier.verify(good)
    issuer.misbehaves[JWKS] = status(500)
    clock.advance(10)
    before = issuer.requests[JWKS]

    assert {reason(verifier, unknown) for _ in range(100)} == {Reason.BAD_SIGNATURE}

    assert issuer.requests[JWKS] - before == 1
    assert verifier.verify(good)


def test_a_rotation_is_picked_up(issuer: Issuer, verifier_of: MakeVerifier, clock: Clock) -> None:
    verifier, old = verifier_of(keys_interval=10), issuer.token()
    verifier.verify(old)
    issuer.keys = [new_key(), *issuer.keys]
    new = issuer.token()

    assert reason(verifier, new) is Reason.BAD_SIGNATURE  # not twice within the interval
    clock.advance(10)
    assert verifier.verify(new)
    assert verifier.verify(old)


def test_a_new_key_under_an_old_name(
    issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
) -> None:
    issuer.keys = [new_key("one name")]
    verifier = verifier_of()
    verifier.verify(issuer.token())
    issuer.keys = [new_key("one name")]
    clock.advance(10)
    assert reason(verifier, issuer.token()) is Reason.BAD_SIGNATURE

    verifier._keys.limit.take(verifier._keys.fetch)  # as its thread does after max-age
    assert verifier.verify(issuer.token())


def test_a_bad_signature_of_a_known_key_fetches_nothing(
    issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
) -> None:
    """It costs nothing to make, and no newer keys would make it good."""
    verifier = verifier_of()
    verifier.verify(issuer.token())
    clock.advance(10)
    head, payload, signature = issuer.token().split(".")
    (known,), stranger = issuer.keys, forge.key_for("HS256")
    bad = [
        f"{head}.{payload}.{signature[::-1]}",
        f"{head}.{payload}.x",
        forge.forge(stranger, forge.claims(), forge.header(stranger, alg="HS256", kid=known.kid)),
    ]
    for token in bad:
        assert reason(verifier, token) is Reason.BAD_SIGNATURE
        with pytest.raises(TokenRefused):
            asyncio.run(verifier.verify_async(token))

    assert issuer.requests == {JWKS: 1}


class TestWhileAnotherThreadFetches:
    @pytest.fixture
    def verifier(
        self, issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
    ) -> Iterator[Verifier]:
        """With good keys, and an issuer that hangs while somebody asks it for newer ones."""
        verifier = verifier_of(keys_interval=10, timeout=30)
        verifier.verify(issuer.token())
        clock.advance(10)
        go_on = threading.Event()
        issuer.misbehaves[JWKS] = lambda handler: go_on.wait(20) and None
        first = threading.Thread(target=is_refused, args=[verifier, issuer.token(new_key())])
        first.start()
        wait_for(lambda: issuer.requests[JWKS] == 2)
        yield verifier
        go_on.set()
        first.join()

    def test_a_token_of_an_unknown_key_is_refused_at_once(
        self, issuer: Issuer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fetch_limit, "PATIENCE", 5.0)
        for interval_is_over in (False, True):
            verifier._keys.limit._interval = 0 if interval_is_over else 10
            started = time.monotonic()
            assert reason(verifier, issuer.token(new_key())) is Reason.BAD_SIGNATURE
            assert time.monotonic() - started < 2

        assert verifier.verify(issuer.token())
        assert issuer.requests[JWKS] == 2

    def test_a_flood_of_them_takes_no_thread(
        self, issuer: Issuer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An event loop has few for whatever else blocks, the lookup of names among it."""
        taken: list[object] = []
        monkeypatch.setattr(asyncio, "to_thread", lambda *what: taken.append(what))
        verifier._keys.limit._interval = 0

        async def flood() -> list[Any]:
            tokens = [issuer.token(new_key()) for _ in range(40)]
            asked = [verifier.verify_async(token) for token in tokens]
            return await asyncio.gather(*asked, return_exceptions=True)

        answers = asyncio.run(flood())
        assert {getattr(answer, "reason", answer) for answer in answers} == {Reason.BAD_SIGNATURE}
        assert taken == []


def test_a_key_that_is_withdrawn_is_gone(
    issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
) -> None:
    verifier, old = verifier_of(), issuer.token()
    verifier.verify(old)
    issuer.keys = [new_key()]
    clock.advance(10)
    verifier.verify(issuer.token())

    assert reason(verifier, old) is Reason.BAD_SIGNATURE


def test_the_thread_fetches_when_the_answer_is_too_old(
    issuer: Issuer, verifier_of: MakeVerifier
) -> None:
    issuer.cache_control = "max-age=0"
    verifier = verifier_of(live=True, keys_interval=0.05)
    verifier.verify(issuer.token())
    old, issuer.keys = issuer.token(), [new_key()]

    wait_for(lambda: is_refused(verifier, old))
    assert verifier.verify(issuer.token())


@pytest.mark.parametrize(
    ("cache_control", "due"),
    [
        ("public, max-age=300", 300),
        ("MAX-AGE=60", 60),
        ("max-age=1", 10),  # not more often than the interval
        ("max-age=999999999", 3600),
        ("no-store", 300),
        ("", 300),
        ("s-max-age=20, max-age=eternity", 300),
    ],
)
def test_how_long_a_set_is_kept(
    issuer: Issuer, verifier_of: MakeVerifier, cache_control: str, due: float
) -> None:
    issuer.cache_control = cache_control
    verifier = verifier_of(keys_interval=10)
    verifier.verify(issuer.token())

    assert due - 5 < verifier._keys.due_in <= due


def test_unchanged_keys_are_not_sent_again(
    issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
) -> None:
    verifier, token = verifier_of(keys_max_age=100), issuer.token()
    verifier.verify(token)
    for _ in range(3):
        clock.advance(60)
        reason(verifier, issuer.token(new_key()))
        assert verifier.verify(token)  # a 304 makes them young again

    asked = [headers.get("If-None-Match") for _, headers in issuer.seen]
    assert asked[0] is None
    assert None not in asked[1:]


class TestIssuerDown:
    def test_goes_on_until_the_keys_are_too_old(
        self, issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
    ) -> None:
        verifier, token = verifier_of(), issuer.token()
        verifier.verify(token)
        issuer.stop()

        clock.advance(24 * 3600 - 60)
        assert verifier.verify(token)
        clock.advance(61)
        with pytest.raises(Unavailable):
            verifier.verify(token)

        issuer.start()
        with pytest.raises(Unavailable):
            verifier.verify(token)  # it was asked a moment ago
        clock.advance(10)
        assert verifier.verify(token)

    def test_from_the_beginning(
        self, issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
    ) -> None:
        token, verifier = issuer.token(), verifier_of()
        issuer.stop()
        for _ in range(10):
            with pytest.raises(Unavailable):
                verifier.verify(token)
        issuer.start()
        clock.advance(10)
        assert verifier.verify(token)

    def test_the_thread_survives_it(self, issuer: Issuer, verifier_of: MakeVerifier) -> None:
        issuer.cache_control = "max-age=0"
        verifier, token = verifier_of(live=True, keys_interval=0.02), issuer.token()
        verifier.verify(token)
        issuer.stop()
        wait_for(lambda: verifier._keys._problem._why is not None)
        assert verifier.verify(token)

        issuer.keys = [new_key()]
        issuer.start()
        wait_for(lambda: is_refused(verifier, token))
        assert verifier.verify(issuer.token())

    def test_is_said_once(
        self,
        issuer: Issuer,
        verifier_of: MakeVerifier,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        verifier = verifier_of()
        verifier.verify(issuer.token())
        issuer.misbehaves[JWKS] = status(503)
        for _ in range(5):
            clock.advance(10)
            reason(verifier, issuer.token(new_key()))
        issuer.misbehaves.clear()
        clock.advance(10)
        reason(verifier, issuer.token(new_key()))

        said = [record.levelname for record in caplog.records if record.levelno > logging.DEBUG]
        assert said == ["ERROR", "WARNING"]
        assert f"{issuer.url}{JWKS}: status 503" in caplog.text


class TestStrangeSets:
    """What is not understood is ignored (RFC 7517 section 5); an empty set is no answer."""

    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"{}", b"[]", b"null", b'{"keys": {}}', b'{"keys": []}', b"\xff\xfe"),
            *(b'{"keys": [null, 1, "a", [], {}]}', b"[" * 100_000, b'{"keys": [{"kty": []}]}'),
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_no_set(self, issuer: Issuer, verifier_of: MakeVerifier, body: bytes) -> None:
        issuer.raw_keys = body

        with pytest.raises(Unavailable):
            verifier_of().verify(issuer.token())

    @pytest.mark.parametrize("body", [b"", b'{"keys": []}'])
    def test_known_keys_survive_an_invalid_set(
        self, issuer: Issuer, verifier_of: MakeVerifier, clock: Clock, body: bytes
    ) -> None:
        verifier, token = verifier_of(), issuer.token()
        verifier.verify(token)
        issuer.raw_keys = body
        clock.advance(10)
        reason(verifier, issuer.token(new_key()))

        assert verifier.verify(token)

    @pytest.mark.parametrize("kid", [["a"], {"a": 1}, 7, True, ""], ids=repr)
    @pytest.mark.parametrize("kind", ["ES256", "ML-DSA-44"])
    def test_an_id_that_is_no_text(
        self, issuer: Issuer, verifier_of: MakeVerifier, kind: str, kid: object
    ) -> None:
        (good,) = public(issuer.keys)
        if kind == "ES256":
            odd = {**public([forge.key_for("ES256")])[0], "kid": kid}
        else:
            odd = {"kty": "AKP", "alg": kind, "pub": "A" * 1750, "kid": kid}
        issuer.raw_keys = json.dumps({"keys": [odd, good]}).encode()
        verifier = verifier_of()

        assert verifier.verify(issuer.token())
        assert [key.kid for key in verifier._keys.current()] == [good["kid"]]

    def test_strangers_among_them(self, issuer: Issuer, verifier_of: MakeVerifier) -> None:
        (good,) = public(issuer.keys)
        strangers = [{"kty": "quantum", "kid": "q"}, {**good, "use": "enc", "kid": "e"}, None, good]
        issuer.raw_keys = json.dumps({"keys": [*strangers, good], "more": 1}).encode()

        assert verifier_of().verify(issuer.token())

    @pytest.mark.parametrize("alg", ["HS256", "ES384"])
    def test_a_secret_is_no_key(
        self,
        issuer: Issuer,
        verifier_of: MakeVerifier,
        caplog: pytest.LogCaptureFixture,
        alg: str,
    ) -> None:
        secret = forge.key_for(alg)
        jwk_of_it = {**secret.jose.as_dict(private=True), "alg": alg, "kid": secret.kid}
        body = {"keys": [jwk_of_it, *public(issuer.keys)]}
        issuer.raw_keys = json.dumps(body).encode()
        verifier = verifier_of()

        assert reason(verifier, issuer.token(secret)) is Reason.BAD_SIGNATURE
        assert verifier.verify(issuer.token())
        assert "publishes a secret key" in caplog.text
        assert jwk_of_it.get("k", jwk_of_it.get("d")) not in caplog.text

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            ({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "at least 2048 bits"),
            ({"kty": "OKP", "crv": "Ed25519", "x": "AQ" + "A" * 41}, "small order"),
            ({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, "do not match"),
            ({"kty": "quantum"}, "its kty is not one of"),
            ({"use": "enc"}, "its use is not 'sig'"),
            ({"x": "+/+="}, "instead of base64url"),
            ({"kid": "a\nb"}, "its kid is not a string"),
            ({"exp": 10**400}, "its exp is not a time"),
            (None, "it is not a JSON object"),
        ],
    )
    def test_a_bad_key_is_passed_over_with_a_line_in_the_log(
        self,
        issuer: Issuer,
        verifier_of: MakeVerifier,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
        bad: dict[str, Any] | None,
        why: str,
    ) -> None:
        (good,) = public(issuer.keys)
        odd = None if bad is None else {**(good if "kty" not in bad else {}), **bad}
        issuer.raw_keys = json.dumps({"keys": [odd, good]}).encode()
        verifier = verifier_of()

        assert verifier.verify(issuer.token())
        (line,) = caplog.messages
        assert line.startswith("A key of the issuer's set is ignored. keys[0]: ")
        assert why in line
        for _ in range(3):  # once, and not at every fetch
            clock.advance(10)
            reason(verifier, issuer.token(new_key()))
        assert len(caplog.messages) == 1

    def test_thousands_of_bad_keys_are_few_lines(
        self, issuer: Issuer, verifier_of: MakeVerifier, caplog: pytest.LogCaptureFixture
    ) -> None:
        (good,) = public(issuer.keys)
        body = {"keys": [*({"kty": "EC"} for _ in range(5000)), good]}
        issuer.raw_keys = json.dumps(body).encode()

        assert verifier_of().verify(issuer.token())
        assert len(caplog.messages) == 11
        assert "4990 more keys" in caplog.text

    def test_another_key_of_the_same_id(
        self, issuer: Issuer, verifier_of: MakeVerifier, caplog: pytest.LogCaptureFixture
    ) -> None:
        (good,) = public(issuer.keys)
        other = {**public([forge.key_for("ES256")])[0], "kid": good["kid"]}
        issuer.raw_keys = json.dumps({"keys": [good, other]}).encode()

        assert verifier_of().verify(issuer.token())
        assert "keys[1]: another key has the same kid" in caplog.text

    def test_only_some_algorithms(self, issuer: Issuer, verifier_of: MakeVerifier) -> None:
        issuer.keys = [forge.key_for("ES256"), forge.key_for("RS256")]
        verifier = verifier_of(algorithms=["ES256"])

        assert verifier.verify(issuer.token())
        assert reason(verifier, issuer.token(issuer.keys[1])) is Reason.BAD_SIGNATURE

    def test_redirect_to_another_server_is_refused(
        self, issuer: Issuer, verifier_of: MakeVerifier
    ) -> None:
        other = Issuer()
        other.keys = [new_key()]
        try:
            issuer.misbehaves[JWKS] = redirect(other.url + JWKS)
            with pytest.raises(Unavailable):
                verifier_of().verify(issuer.token(other.keys[0]))
            assert not other.requests
        finally:
            other.stop()


def is_refused(verifier: Verifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except TokenRefused:
        return True
    return False


def wait_for(condition: Any) -> None:
    """For what another thread does: soon, and not at once."""
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("It did not happen within ten seconds.")
