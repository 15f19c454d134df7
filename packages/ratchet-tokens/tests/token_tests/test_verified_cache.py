"""The memory of tokens that were found good: what it saves, and what it must never let through."""

import copy
import os
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ratchet_tokens import codec
from ratchet_tokens.claims import Claims, Kind
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import Key, KeySet
from ratchet_tokens.verified_cache import LIMIT, Checked, CheckedTokens, checked_tokens
from token_tests.forge import claims, key_for

pytestmark = pytest.mark.any_database
KEY = key_for("HS256")
KEYS = KeySet(KEY)


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    checked_tokens.clear()


def token(key: Key = KEY, kind: Kind = Kind.ACCESS, **changes: Any) -> str:
    return codec.sign(claims(kind, **changes), key, kind)


def verify(
    text: object,
    keys: KeySet = KEYS,
    kind: Kind = Kind.ACCESS,
    issuer: str | None = None,
    audience: Collection[str] = (),
    **options: Any,
) -> Claims:
    return codec.verify(text, keys, kind, issuer=issuer, audience=audience, **options)


def refused(text: object, **options: Any) -> Reason:
    with pytest.raises(TokenRefused) as caught:
        verify(text, **options)
    return caught.value.reason


def calls_of(function: Callable[[], object]) -> Counter[str]:
    """What it calls, Python's own functions among that."""
    seen: Counter[str] = Counter()

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            seen[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            seen[argument.__qualname__] += 1

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return seen


class TestWhatItSaves:
    @pytest.mark.parametrize("alg", ["HS256", "Ed25519", "ES256", "RS256", "PS256"])
    def test_no_signature_no_base64_no_json(self, alg: str) -> None:
        keys = KeySet(key_for(alg))
        text = token(keys.signing)
        first = verify(text, keys)

        calls = calls_of(lambda: verify(text, keys))

        assert verify(text, keys) is first
        # verify, the memory, the key set, the clock; and the helpers here.
        assert sum(calls.values()) <= 8, calls
        forbidden = ("Key.verify", "_base64url", "a2b_base64", "loads", "decode", "partition")
        assert not calls.keys() & set(forbidden)
        assert not [name for name in calls if "JSON" in name or "scan" in name]

    def test_the_string_need_not_be_the_same_object(self) -> None:
        text = token()
        assert verify("".join(list(text))) is verify(text)

    def test_a_hit_allocates_nothing_that_stays(self) -> None:
        text = token()
        verify(text)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(1000):
                verify(text)
            assert tracemalloc.get_traced_memory()[0] - before < 2000
        finally:
            tracemalloc.stop()


class TestWhatIsNotRemembered:
    @pytest.mark.parametrize(
        "changes", [{"exp": 1}, {"nbf": 4_000_000_000}, {"iat": 4_000_000_000}, {"sid": 7}]
    )
    def test_refused_tokens(self, changes: dict[str, Any]) -> None:
        refused(token(**changes))
        assert len(checked_tokens) == 0

    def test_forged_ones(self) -> None:
        head, _, signature = token().rpartition(".")
        refused(f"{head}.{signature[::-1]}")
        assert len(checked_tokens) == 0

    @pytest.mark.parametrize("kind", [Kind.REFRESH, Kind.COOKIE_REFRESH])
    def test_refresh_tokens(self, kind: Kind) -> None:
        verify(token(kind=kind), kind=kind)
        assert len(checked_tokens) == 0

    def test_whose_times_were_not_checked(self) -> None:
        text = token(exp=1)
        verify(text, check_times=False)
        assert len(checked_tokens) == 0
        assert refused(text) is Reason.EXPIRED

    def test_for_an_audience_that_may_change(self) -> None:
        text, mine = token(aud="orders"), ["orders"]
        verify(text, audience=mine)
        assert len(checked_tokens) == 0
        mine[0] = "shop"
        assert refused(text, audience=mine) is Reason.WRONG_AUDIENCE

    @pytest.mark.parametrize("odd", [[], {}, None, 7, b"bytes"])
    def test_what_is_no_string(self, odd: object) -> None:
        assert refused(odd) is Reason.MALFORMED

    def test_a_string_that_says_it_is_another(self) -> None:
        """One with an ``__eq__`` of its own could otherwise be taken for any token known."""
        good = token()
        verify(good)

        class Liar(str):
            __slots__ = ()

            def __eq__(self, other: object) -> bool:
                return True

            def __hash__(self) -> int:
                return hash(good)

        assert refused(Liar("a.b.c")) is Reason.MALFORMED


class TestAttacks:
    """Each after the good token was verified, and so is known."""

    def test_every_other_signature(self) -> None:
        text = token()
        verify(text)
        for place in range(len(text)):
            other = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
            refused(other)
        assert verify(text)

    @pytest.mark.parametrize("suffix", [" ", "=", "\n", ".", "\x00"])
    def test_something_added(self, suffix: str) -> None:
        text = token()
        verify(text)
        refused(text + suffix)
        refused(suffix + text)

    def test_the_key_is_gone(self) -> None:
        text = token()
        verify(text)
        assert refused(text, keys=KeySet(key_for("Ed25519"))) is Reason.BAD_SIGNATURE

    def test_another_key_has_its_kid(self) -> None:
        text = token()
        verify(text)
        impostor = Key(key_for("HS512").jose, "HS256", kid=KEY.kid)
        assert refused(text, keys=KeySet(impostor)) is Reason.BAD_SIGNATURE

    def test_it_has_expired(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text = token()
        exp = verify(text)["exp"]
        monkeypatch.setattr(time, "time", lambda: exp - 0.01)
        assert verify(text)
        monkeypatch.setattr(time, "time", lambda: exp + 1)
        assert verify(text, leeway=2)
        monkeypatch.setattr(time, "time", lambda: float(exp))
        assert refused(text) is Reason.EXPIRED
        assert len(checked_tokens) == 0
        assert refused(text) is Reason.EXPIRED

    def test_it_is_not_valid_yet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The clock was set back, say."""
        text = token(nbf=int(time.time()))
        nbf = verify(text)["nbf"]
        monkeypatch.setattr(time, "time", lambda: nbf - 3.0)
        assert refused(text) is Reason.NOT_YET_VALID
        assert verify(text, leeway=5)

    @pytest.mark.parametrize("kind", [one for one in Kind if one is not Kind.ACCESS])
    def test_as_another_kind(self, kind: Kind) -> None:
        text = token()
        verify(text)
        assert refused(text, kind=kind) is Reason.WRONG_TYPE
        assert refused(token(kind=kind)) is Reason.WRONG_TYPE

    def test_for_another_issuer(self) -> None:
        text = token(iss="https://a.example")
        verify(text, issuer="https://a.example")
        assert refused(text, issuer="https://b.example") is Reason.WRONG_ISSUER
        plain = token()
        verify(plain)
        assert refused(plain, issuer="https://a.example") is Reason.WRONG_ISSUER

    def test_for_another_audience(self) -> None:
        text = token(aud=["orders"])
        verify(text, audience=("orders",))
        assert refused(text, audience=("shop",)) is Reason.WRONG_AUDIENCE
        assert refused(text) is Reason.WRONG_AUDIENCE
        plain = token()
        verify(plain)
        assert refused(plain, audience=("orders",)) is Reason.WRONG_AUDIENCE

    def test_who_changes_what_he_was_given(self) -> None:
        text = token(groups=["a", {"b": ["c"]}], role="user")
        given: Any = verify(text)
        for change in (
            lambda: setattr(given, "_claims", {"sub": "2"}),
            lambda: setattr(given, "sub", "2"),
            lambda: delattr(given, "_claims"),
            lambda: given.__setitem__("role", "admin"),
            lambda: given["groups"].append("d"),
            lambda: given["groups"][1].update(b=[]),
            lambda: given["groups"][1]["b"].append("d"),
            lambda: vars(given).update(role="admin"),
        ):
            with pytest.raises((AttributeError, TypeError)):
                change()
        assert copy.copy(given) is given
        assert verify(text) is given
        assert given["role"] == "user"
        assert given["groups"] == ("a", {"b": ("c",)})

    def test_no_token_in_any_repr(self) -> None:
        text = token()
        verify(text)
        known = checked_tokens.get(text)
        assert known is not None
        assert text[-20:] not in f"{checked_tokens!r} {known!r} {known} {known.claims!r}"


class TestBounds:
    @staticmethod
    def entry(until: float = 100.0) -> Checked:
        return Checked(Kind.ACCESS, None, (), KEY, Claims({}), 0.0, until)

    def test_the_oldest_go(self) -> None:
        memory = CheckedTokens(limit=100)
        for number in range(30):
            memory.add(f"{number:010}", self.entry(), 0.0)
        assert len(memory) == 10
        assert memory.get("0000000019") is None
        assert memory.get("0000000020") is not None

    def test_those_that_have_expired_go(self) -> None:
        memory = CheckedTokens()
        for number in range(30):
            memory.add(f"{number:010}", self.entry(until=number), 0.0)
        memory.add("one more", self.entry(), 20.0)
        assert len(memory) == 10

    def test_one_that_is_longer_than_all(self) -> None:
        memory = CheckedTokens(limit=100)
        memory.add("a", self.entry(), 0.0)
        memory.add("b" * 101, self.entry(), 0.0)
        assert len(memory) == 0
        memory.add("c" * 100, self.entry(), 0.0)
        assert len(memory) == 1

    def test_the_same_twice_counts_once(self) -> None:
        memory = CheckedTokens(limit=100)
        for _ in range(5):
            memory.add("a" * 60, self.entry(), 0.0)
        assert len(memory) == 1
        memory.discard("a" * 60)
        memory.discard("a" * 60)
        for number in range(10):
            memory.add(f"{number:010}", self.entry(), 0.0)
        assert len(memory) == 10

    def test_what_is_stated_about_bytes(self) -> None:
        """A full memory of usual tokens: see ``LIMIT``."""
        extra = {"username": "alice", "email": "alice@example.com", "role": "user", "user_id": 1}
        one = token(key_for("Ed25519"), **extra)
        count = LIMIT // len(one)
        keys = KeySet(key_for("HS256"))
        texts = [token(jti=f"{number:022}", **extra) for number in range(count // 10)]
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for text in texts:
                verify("".join(list(text)), keys)
            each = (tracemalloc.get_traced_memory()[0] - before) / len(texts)
        finally:
            tracemalloc.stop()
        assert each * count < 11_000_000

    def test_threads(self) -> None:
        memory = CheckedTokens(limit=1000)
        barrier = threading.Barrier(8)

        def work(worker: int) -> None:
            barrier.wait()
            for number in range(2000):
                memory.add(f"{worker}{number % 300:09}", self.entry(), 0.0)
                memory.get(f"{worker}{number % 200:09}")
                memory.discard(f"{worker}{number % 7:09}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert len(memory) <= 100
        for number in range(200):
            memory.add(f"x{number:09}", self.entry(), 0.0)
        assert len(memory) == 100

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_a_child_forked_while_the_lock_is_held(self) -> None:
        memory = CheckedTokens()
        memory._lock.acquire()
        memory.after_fork()
        memory.add("a", self.entry(), 0.0)
        assert len(memory) == 1
