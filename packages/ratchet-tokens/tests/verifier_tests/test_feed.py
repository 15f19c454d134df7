"""The list of ended sessions: what counts as one, what is kept of it, and when it is too old."""

import json
import time
from base64 import b64encode
from typing import Any
from uuid import UUID

import pytest

from ratchet_tokens import codec
from ratchet_tokens.claims import Kind
from ratchet_tokens.errors import Reason, TokenRefused, Unavailable
from ratchet_tokens.verifier import Verifier, feed
from token_tests import forge
from verifier_tests.conftest import Clock, MakeVerifier
from verifier_tests.issuer import FEED, JWKS, SERVICE, Issuer, status
from verifier_tests.test_keys import is_refused, new_key, reason, wait_for

pytestmark = [pytest.mark.any_database, pytest.mark.starts]

EARLIER = UUID(int=forge.SESSION.int - 1)
LATER = UUID(int=forge.SESSION.int + 1)


@pytest.fixture
def verifier(verifier_of: MakeVerifier) -> Verifier:
    return verifier_of(with_feed=True)


def read_again(verifier: Verifier, clock: Clock) -> None:
    """As its thread does every second."""
    clock.advance(1)
    assert verifier._feed
    verifier._feed.limit.take(verifier._feed.fetch)


def test_a_living_session(issuer: Issuer, verifier: Verifier) -> None:
    issuer.ended = [EARLIER, LATER]

    assert verifier.verify(issuer.token())
    assert issuer.requests == {JWKS: 1, FEED: 1}


def test_it_says_who_asks(issuer: Issuer, verifier: Verifier) -> None:
    verifier.verify(issuer.token())

    expected = b64encode(
        b"billing%3A+%C3%BC:" + SERVICE[1].replace(" ", "+").replace(",", "%2C").encode()
    )
    by_path = dict(issuer.seen)
    assert by_path[FEED]["Authorization"] == f"Basic {expected.decode()}"
    assert "Authorization" not in by_path[JWKS]
    assert SERVICE[1] not in repr(verifier) + repr(vars(verifier))


def test_an_ended_session(issuer: Issuer, verifier: Verifier, clock: Clock) -> None:
    token = issuer.token()
    verifier.verify(token)
    issuer.ended = [forge.SESSION]
    read_again(verifier, clock)

    assert reason(verifier, token) is Reason.SESSION_ENDED


@pytest.mark.parametrize(
    ("cut_off", "ended"),
    [
        (("1", forge.SESSION), True),
        (("1", LATER), True),
        (("", LATER), True),
        (("1", EARLIER), False),
        (("", EARLIER), False),
        (("2", LATER), False),
        (("1", LATER, forge.SESSION), False),
        (("1", LATER, EARLIER), True),
        (("1", LATER, None), True),
        (("2", LATER, EARLIER), False),
    ],
)
def test_cut_offs(
    issuer: Issuer, verifier: Verifier, cut_off: tuple[Any, ...], ended: bool
) -> None:
    subject, *ids = cut_off
    told = [None if one is None else str(one) for one in ids]
    until = [int(time.time()) + 30] if len(ids) > 1 else []
    issuer.document = {"cut_offs": [[subject, *told, *until]]}

    assert is_refused(verifier, issuer.token()) is ended


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (30, Reason.SESSION_ENDED),
        (4, Reason.SESSION_ENDED),
        (3, Reason.EXPIRED),
        (0, Reason.EXPIRED),
    ],
)
def test_a_cut_off_is_for_tokens_until_then(
    issuer: Issuer, verifier: Verifier, until: int, expected: Reason
) -> None:
    """What was issued in its last seconds may be of a session that was opened after it."""
    now = int(time.time())
    issuer.document = {"cut_offs": [["1", str(LATER), None, now + until]]}
    assert reason(verifier, issuer.token(iat=now)) is expected
    assert reason(verifier, issuer.token(iat=now - 30)) is Reason.SESSION_ENDED
    if until < 4:
        assert verifier.verify(issuer.token(iat=now + until + 1))


def test_nothing_takes_an_ending_back(issuer: Issuer, verifier: Verifier, clock: Clock) -> None:
    """An issuer that was restored to an earlier state does not know of it any more."""
    issuer.ended, issuer.cut_offs = [forge.SESSION], [("2", LATER)]
    token, cut_off = issuer.token(), issuer.token(sub="2", sid=str(EARLIER))
    assert is_refused(verifier, token)

    issuer.ended, issuer.cut_offs = [], []
    for _ in range(3):
        read_again(verifier, clock)
        issuer.document = {"iat": int(clock.time()) + 1}

    assert reason(verifier, token) is Reason.SESSION_ENDED
    assert reason(verifier, cut_off) is Reason.SESSION_ENDED


def test_what_is_too_old_to_matter_is_forgotten(
    issuer: Issuer, verifier: Verifier, clock: Clock
) -> None:
    issuer.ended, issuer.cut_offs = [forge.SESSION], [("2", LATER)]
    is_refused(verifier, issuer.token())
    issuer.ended, issuer.cut_offs = [], []
    clock.advance(361)
    issuer.document = {"iat": int(clock.time())}
    read_again(verifier, clock)

    assert verifier._feed
    assert len(verifier._feed._ended) == 0
    assert not verifier._feed._ended._cut_offs


class TestIgnored:
    """A document that is not the issuer's newest changes nothing, and is logged."""

    @pytest.fixture(autouse=True)
    def _known(self, issuer: Issuer, verifier: Verifier) -> None:
        assert verifier.verify(issuer.token())
        issuer.ended = [forge.SESSION]

    def assert_ignored(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert verifier._feed
        before = verifier._feed._newest
        read_again(verifier, clock)
        assert verifier._feed._newest is before
        assert verifier.verify(issuer.token())
        assert (
            "The list of ended sessions cannot be fetched: the document is ignored" in caplog.text
        )
        assert issuer.feed() not in caplog.text

    @pytest.mark.parametrize("typ", ["at+jwt", "rt+jwt", "JWT", ""])
    def test_of_another_type(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: Any, typ: str
    ) -> None:
        issuer.raw_feed = issuer.feed(typ)
        self.assert_ignored(issuer, verifier, clock, caplog)

    def test_an_access_token(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: Any
    ) -> None:
        document = {"window": 360, "sessions": [str(forge.SESSION)], "cut_offs": []}
        issuer.raw_feed = issuer.token(**document, overflows=False)
        self.assert_ignored(issuer, verifier, clock, caplog)

    def test_by_another_key(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: Any
    ) -> None:
        issuer.raw_feed = issuer.feed(key=new_key())
        self.assert_ignored(issuer, verifier, clock, caplog)

    def test_changed_on_the_way(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: Any
    ) -> None:
        head, payload, signature = issuer.feed().split(".")
        claims = {**json.loads(forge.decoded(payload)), "iat": int(time.time())}
        issuer.raw_feed = f"{head}.{forge.encoded(claims)}.{signature}"
        self.assert_ignored(issuer, verifier, clock, caplog)

    @pytest.mark.parametrize("iss", ["https://elsewhere.example", "", None, 7])
    def test_of_another_issuer(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: Any, iss: object
    ) -> None:
        issuer.document = {"iss": iss}
        self.assert_ignored(issuer, verifier, clock, caplog)

    @pytest.mark.parametrize("off", [-3600, -31, 3600, 60, 10**12])
    def test_of_another_time(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: Any, off: int
    ) -> None:
        issuer.document = {"iat": int(time.time()) + off}
        self.assert_ignored(issuer, verifier, clock, caplog)

    @pytest.mark.parametrize(
        "wrong",
        [
            *({"iat": value} for value in (None, "1", True, -1, 10**400)),
            *({"window": value} for value in (None, "1", True, 0, -1, 10**400)),
            *({"sessions": value} for value in (None, {}, "ab", 7, [7], [None], ["x"], [[]])),
            *({"cut_offs": value} for value in (None, 7, ["ab"], [[]], [["1"]], [[1, "x"]])),
            {"cut_offs": [[1, str(forge.SESSION)]]},
            *({"cut_offs": [["1", str(forge.SESSION), kept]]} for kept in ("x", 7, [])),
            *({"cut_offs": [["1", str(LATER), None, until]]} for until in ("x", -1, True, [])),
            {"cut_offs": [["1", str(LATER), None, 1, 1]]},
            *({"complete_since": value} for value in ("1", True, -1, 10**400, [])),
            *({"overflows": value} for value in (None, 0, "false")),
        ],
        ids=repr,
    )
    def test_of_another_shape(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: Any, wrong: dict[str, Any]
    ) -> None:
        issuer.document = wrong
        self.assert_ignored(issuer, verifier, clock, caplog)

    @pytest.mark.parametrize("body", ["x", "..", "a.b.c", "é", "{}"])
    def test_no_document(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: Any, body: str
    ) -> None:
        issuer.raw_feed = body
        self.assert_ignored(issuer, verifier, clock, caplog)


@pytest.mark.parametrize("behind", [1, 30])
def test_a_process_of_the_issuer_that_is_a_little_behind(
    issuer: Issuer,
    verifier: Verifier,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    behind: int,
) -> None:
    verifier.verify(issuer.token())
    assert verifier._feed
    before, etag = verifier._feed._newest, verifier._feed._etag
    assert before
    issuer.document = {"iat": int(before.made_at) - behind}
    read_again(verifier, clock)

    assert issuer.requests[FEED] == 2
    assert verifier.verify(issuer.token())
    assert verifier._feed._newest is before
    assert verifier._feed._etag == etag
    assert not caplog.records


def test_signed_with_a_key_that_is_new(issuer: Issuer, verifier: Verifier, clock: Clock) -> None:
    token = issuer.token()
    verifier.verify(token)
    issuer.keys = [new_key(), *issuer.keys]
    issuer.ended = [forge.SESSION]
    clock.advance(10)
    issuer.document = {"iat": int(clock.time())}
    read_again(verifier, clock)

    assert reason(verifier, token) is Reason.SESSION_ENDED


class TestTooOld:
    def test_by_its_own_time(self, issuer: Issuer, verifier: Verifier, clock: Clock) -> None:
        token = issuer.token()
        verifier.verify(token)
        issuer.misbehaves[FEED] = status(500)
        clock.advance(28)
        assert verifier.verify(token)
        clock.advance(4)
        with pytest.raises(Unavailable):
            verifier.verify(token)

        issuer.misbehaves.clear()
        issuer.document = {"iat": int(clock.time()) + 1}
        clock.advance(1)
        assert verifier.verify(token)

    def test_a_304_does_not_make_it_young(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        token = issuer.token()
        issuer.raw_feed = issuer.feed()
        verifier.verify(token)
        clock.advance(32)
        read_again(verifier, clock)

        assert dict(issuer.seen)[FEED]["If-None-Match"]
        with pytest.raises(Unavailable):
            verifier.verify(token)

    def test_an_old_one_at_the_start(self, issuer: Issuer, verifier: Verifier) -> None:
        """An attacker replays one to a service that has read no list yet."""
        issuer.document = {"iat": int(time.time()) - 60}

        with pytest.raises(Unavailable):
            verifier.verify(issuer.token())

    def test_the_clocks_may_differ_by_the_leeway(
        self, issuer: Issuer, verifier_of: MakeVerifier
    ) -> None:
        issuer.document = {"iat": int(time.time()) - 60}

        assert verifier_of(with_feed=True, leeway=40).verify(issuer.token())

    def test_known_ending_is_refused_without_the_issuer(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        token, issuer.ended = issuer.token(), [forge.SESSION]
        is_refused(verifier, token)
        issuer.stop()
        clock.advance(60)

        assert reason(verifier, token) is Reason.SESSION_ENDED

    def test_missing_list_is_not_requested_again(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        issuer.misbehaves[FEED] = status(401)
        for _ in range(20):
            with pytest.raises(Unavailable):
                verifier.verify(issuer.token())
        assert issuer.requests[FEED] == 1

    def test_fails_open_if_told_to(
        self, issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
    ) -> None:
        verifier = verifier_of(with_feed=True, feed_fails_open=True)
        issuer.misbehaves[FEED] = status(500)
        assert verifier.verify(issuer.token())


class TestOverflow:
    """More sessions have ended than the document lists."""

    def test_tokens_that_are_older_than_what_it_tells_of_are_refused(
        self, issuer: Issuer, verifier: Verifier
    ) -> None:
        now = int(time.time())
        issuer.document = {"overflows": True, "complete_since": now - 60}
        issuer.ended = [LATER]

        assert verifier.verify(issuer.token(iat=now - 50))
        assert reason(verifier, issuer.token(iat=now - 60)) is Reason.EXPIRED
        ended = issuer.token(sid=str(LATER), iat=now - 50)
        assert reason(verifier, ended) is Reason.SESSION_ENDED

    def test_not_if_it_fails_open(self, issuer: Issuer, verifier_of: MakeVerifier) -> None:
        now = int(time.time())
        issuer.document = {"overflows": True, "complete_since": now - 60}
        verifier = verifier_of(with_feed=True, feed_fails_open=True)
        assert verifier.verify(issuer.token(iat=now - 200))

    def test_what_was_read_before_counts(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        """Each document tells of all that ended since the one before."""
        now, token = int(time.time()), issuer.token(iat=int(time.time()) - 200)
        issuer.ended = [EARLIER]
        assert verifier.verify(token)
        for seconds in range(1, 4):
            issuer.ended = [LATER]
            overflow = {"overflows": True, "complete_since": now + seconds - 1}
            issuer.document = {"iat": now + seconds, **overflow}
            read_again(verifier, clock)
            assert verifier.verify(token)
            assert is_refused(verifier, issuer.token(sid=str(EARLIER)))
            assert is_refused(verifier, issuer.token(sid=str(LATER)))

    def test_what_it_has_missed_in_between_is_not_known(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        now, token = int(time.time()), issuer.token(iat=int(time.time()) - 200)
        verifier.verify(token)
        clock.advance(20)
        issuer.document = {"iat": now + 20, "overflows": True, "complete_since": now + 5}
        read_again(verifier, clock)
        assert reason(verifier, token) is Reason.EXPIRED
        assert reason(verifier, issuer.token(iat=now)) is Reason.EXPIRED

        # Until there are fewer.
        issuer.document = {"iat": now + 21}
        read_again(verifier, clock)
        assert verifier.verify(token)

    def test_the_oldest_of_too_many_are_forgotten(
        self, issuer: Issuer, verifier: Verifier, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feed, "MOST_SESSIONS", 1)
        now = int(time.time())
        issuer.document, issuer.ended = {"iat": now - 10}, [EARLIER]
        assert is_refused(verifier, issuer.token(sid=str(EARLIER)))
        issuer.document, issuer.ended = {"iat": now, "complete_since": now - 10}, [LATER]
        read_again(verifier, clock)
        assert reason(verifier, issuer.token(sid=str(LATER))) is Reason.SESSION_ENDED
        assert reason(verifier, issuer.token(sid=str(EARLIER), iat=now - 20)) is Reason.EXPIRED
        assert reason(verifier, issuer.token(iat=now - 20)) is Reason.EXPIRED
        assert verifier.verify(issuer.token(iat=now - 5))

    def test_of_a_server_that_does_not_say_since_when(
        self, issuer: Issuer, verifier_of: MakeVerifier, clock: Clock
    ) -> None:
        issuer.document, issuer.ended = {"overflows": True}, [LATER]
        verifier = verifier_of(with_feed=True)
        with pytest.raises(Unavailable):
            verifier.verify(issuer.token())
        assert reason(verifier, issuer.token(sid=str(LATER))) is Reason.SESSION_ENDED
        assert verifier_of(with_feed=True, feed_fails_open=True).verify(issuer.token())

        issuer.document = {}
        clock.advance(1)
        assert verifier.verify(issuer.token())


def test_a_token_older_than_the_list(issuer: Issuer, verifier: Verifier) -> None:
    """Its session may have ended so long ago that the list has forgotten it."""
    now = int(time.time())
    assert verifier.verify(issuer.token(iat=now - 350))

    assert reason(verifier, issuer.token(iat=now - 370)) is Reason.EXPIRED


def test_the_thread_reads_it_every_interval(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    verifier, token = verifier_of(live=True, with_feed=True, feed_interval=0.02), issuer.token()
    verifier.verify(token)
    issuer.ended = [forge.SESSION]

    wait_for(lambda: is_refused(verifier, token))


def test_killed_and_restarted(issuer: Issuer, verifier_of: MakeVerifier) -> None:
    verifier, token = verifier_of(live=True, with_feed=True, feed_interval=0.02), issuer.token()
    verifier.verify(token)
    issuer.stop()
    assert verifier._feed
    complaint = verifier._feed._problem
    wait_for(lambda: complaint._why is not None)
    assert verifier.verify(token)
    issuer.ended = [forge.SESSION]
    issuer.start()

    wait_for(lambda: is_refused(verifier, token))


def test_without_a_session(issuer: Issuer, verifier: Verifier) -> None:
    assert reason(verifier, issuer.token(sid="no uuid")) is Reason.MALFORMED


def test_a_feed_is_no_token(issuer: Issuer, verifier: Verifier) -> None:
    assert reason(verifier, issuer.feed()) is Reason.WRONG_TYPE
    with pytest.raises(TokenRefused):
        codec.verify(issuer.feed(), verifier._keys.current(), Kind.ACCESS)
