"""The list of ended sessions: signed, made once per interval, and true."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import F
from django.test import override_settings

from drf_ratchet.keyring import keyring
from drf_ratchet.models import CutOff, Session
from drf_ratchet.services import ended_sessions as module
from drf_ratchet.services.ended_sessions import EndedSessions, ended_sessions
from drf_ratchet.sessions import (
    end_all_sessions,
    end_session,
    end_sessions_before,
    open_session,
)
from ratchet_tokens.documents import ENDED_SESSIONS, MAX_LENGTH, verify_document
from ratchet_tokens.errors import Reason, TokenRefused
from ratchet_tokens.keys import KeySet
from ratchet_tokens.verifier import Verifier
from tests.services.conftest import Ask, basic, ratchet, refused
from tests.sessions.test_many_sessions import give_sessions
from tests.sizes import sized
from token_tests.forge import decoded, key_for, public_half
from verifier_tests.issuer import SERVICE, Issuer

pytestmark = pytest.mark.django_db
EACH_TIME = {"FEED_INTERVAL": timedelta(0)}
ONCE = {"FEED_INTERVAL": timedelta(minutes=10)}


@pytest.fixture(autouse=True)
def _a_process_of_its_own() -> Iterator[None]:
    ended_sessions.cache_clear()
    with override_settings(DRF_RATCHET=ratchet(**EACH_TIME)):
        yield
    ended_sessions.cache_clear()


def read(answer: Any) -> dict[str, Any]:
    """What the document says, verified as a service does it: with the public half."""
    assert answer.status_code == 200, answer.content
    keys = KeySet(*(public_half(key) for key in keyring().access))
    return verify_document(answer.content.decode(), keys, ENDED_SESSIONS)


def later(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.monotonic() + seconds
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: moment))


class TestContent:
    def test_nothing_has_ended(self, alice: User, feed: Ask) -> None:
        open_session(alice)

        answer = feed()

        assert answer["Content-Type"] == "application/jwt"
        said = read(answer)
        assert said.keys() == {
            *("iat", "window", "sessions", "cut_offs", "complete_since", "overflows")
        }
        assert abs(said["iat"] - time.time()) < 30
        assert type(said["iat"]) is int
        assert said["window"] == 360
        assert -360 < said["complete_since"] - said["iat"] < -300
        assert type(said["complete_since"]) is int
        assert (said["sessions"], said["cut_offs"], said["overflows"]) == ([], [], False)

    def test_the_header(self, feed: Ask) -> None:
        header = json.loads(decoded(feed().content.decode().partition(".")[0]))

        assert header == {"alg": "ES256", "typ": "ended-sessions+jwt", "kid": key_for("ES256").kid}

    def test_the_issuer(self, feed: Ask) -> None:
        changes = ratchet(ISSUER="https://blog.example", ACCESS_TOKEN_LIFETIME=timedelta(hours=1))
        with override_settings(DRF_RATCHET=changes):
            said = read(feed())

        assert (said["iss"], said["window"]) == ("https://blog.example", 3660)

    def test_endings(self, alice: User, feed: Ask) -> None:
        first, second, _ = (open_session(alice).session for _ in range(3))
        end_session(first)
        end_session(second)

        said = read(feed())

        assert set(said["sessions"]) == {str(first.pk), str(second.pk)}
        assert said["overflows"] is False

    def test_old_endings(self, alice: User, feed: Ask) -> None:
        for age in (5, 7):
            session = open_session(alice).session
            end_session(session)
            Session.objects.filter(pk=session.pk).update(
                announced_at=F("announced_at") - timedelta(minutes=age)
            )

        assert len(read(feed())["sessions"]) == 1

    def test_cut_offs(self, alice: User, feed: Ask) -> None:
        grant = open_session(alice)
        list(end_sessions_before(grant.issued_at + timedelta(seconds=5)))

        said = read(feed())

        ((subject, last),) = said["cut_offs"]
        assert subject == ""
        assert UUID(last) >= grant.session.pk
        assert said["sessions"] == []

    def test_the_cut_off_that_goes_furthest(self, feed: Ask) -> None:
        near, far = UUID(int=1), UUID(int=2)
        for subject, last in (("", far), ("", near), ("7", near), ("é", far)):
            CutOff.objects.create(subject=subject, last_session=last)

        said = read(feed())["cut_offs"]

        assert sorted(one[:2] for one in said) == [
            *(["", str(far)], ["7", str(near)], ["é", str(far)])
        ]
        assert [len(one) for one in said if one[0] == ""] == [2]

    @pytest.mark.parametrize(
        ("written", "told"),
        [
            ([(2, 1)], 1),
            ([(2, 1), (3, None)], 1),
            ([(2, None), (3, 1)], 2),  # the first has ended 1 as well
            ([(2, 1), (4, 3)], 1),
            ([(4, 1), (4, 1)], 1),
            ([(4, 1), (3, 2)], 2),
            ([(4, 1), (4, 2)], 2),
        ],
    )
    def test_cut_offs_of_a_user(self, feed: Ask, written: list[Any], told: int) -> None:
        """No more of them than it takes to say what those in the table say."""
        known = []
        for last, kept in written:
            known.append((UUID(int=last), UUID(int=kept) if kept else None))
            CutOff.objects.create(subject="7", last_session=known[-1][0], kept_session=known[-1][1])
        said = read(feed())["cut_offs"]

        def ended(cut_offs: list[tuple[UUID, UUID | None]]) -> set[int]:
            return {
                number
                for number in range(1, 6)
                for last, kept in cut_offs
                if UUID(int=number) <= last and UUID(int=number) != kept
            }

        pairs = [(UUID(last), kept and UUID(kept)) for _, last, kept, _ in said]
        assert ended(pairs) == ended(known)
        assert len(said) == told
        for *_, until in said:
            assert type(until) is int
            assert 0 < until - time.time() < 5

    def test_a_cut_off_that_is_for_younger_tokens(self, feed: Ask) -> None:
        wide, late = (CutOff.objects.create(subject="7", last_session=UUID(int=n)) for n in (4, 2))
        CutOff.objects.filter(pk=wide.pk).update(
            announced_at=F("announced_at") - timedelta(minutes=1)
        )

        said = read(feed())["cut_offs"]

        assert [one[1] for one in said] == [str(wide.last_session), str(late.last_session)]
        assert 55 < said[1][3] - said[0][3] < 65

    def test_old_cut_offs(self, feed: Ask) -> None:
        CutOff.objects.create(last_session=UUID(int=1))
        CutOff.objects.update(announced_at=F("announced_at") - timedelta(minutes=7))

        assert read(feed())["cut_offs"] == []

    def test_active_sessions_are_not_listed(self, alice: User, feed: Ask) -> None:
        active = open_session(alice)
        ended = open_session(alice)
        end_session(ended.session)

        assert str(active.session.pk) not in json.dumps(read(feed()))


class TestOverflow:
    def test_the_newest_are_listed(self, alice: User, feed: Ask) -> None:
        sessions = [open_session(alice).session for _ in range(3)]
        for age, session in enumerate(sessions):
            end_session(session)
            Session.objects.filter(pk=session.pk).update(
                announced_at=F("announced_at") - timedelta(minutes=age)
            )

        for limit, overflows in ((2, True), (3, False), (0, True)):
            with override_settings(DRF_RATCHET=ratchet(**EACH_TIME, FEED_MAX=limit)):
                said = read(feed())
            assert said["sessions"] == [str(session.pk) for session in sessions[:limit]]
            assert said["overflows"] is overflows
            # Since the ending of the first that is left out, and until its last token was issued.
            left_out = len(sessions) - limit
            since = 60 * (3 - left_out) if overflows else 360
            assert abs(said["iat"] - since + 3 - said["complete_since"]) <= 2

    def test_no_more_than_fit(
        self, alice: User, feed: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_SESSIONS", 1)
        monkeypatch.setattr(module, "MAX_CUT_OFFS", 1)
        end_session(open_session(alice).session)
        for subject in ("old", "new"):
            CutOff.objects.create(subject=subject, last_session=UUID(int=1))
        CutOff.objects.filter(subject="old").update(
            announced_at=F("announced_at") - timedelta(minutes=1)
        )

        said = read(feed())
        assert said["overflows"] is True
        assert [one[:3] for one in said["cut_offs"]] == [["new", str(UUID(int=1)), None]]
        assert abs(said["iat"] - 60 + 3 - said["complete_since"]) <= 2

        CutOff.objects.all().delete()
        assert read(feed())["overflows"] is False
        end_session(open_session(alice).session)
        assert read(feed())["overflows"] is True

    def test_the_longest_there_can_be_is_short_enough(self, settings: Any) -> None:
        settings.DRF_RATCHET = ratchet(ISSUER="https://blog.example/" + "x" * 500)
        ended = [(UUID(int=number), None, None) for number in range(module.MAX_SESSIONS)]
        cut_off = [(f"{number:03}" + "é" * 252, UUID(int=2), UUID(int=1)) for number in range(100)]
        claims = {
            "iss": settings.DRF_RATCHET["ISSUER"],
            "sessions": [str(session) for session, *_ in ended],
            "cut_offs": module._furthest(cut_off),
            "overflows": True,
        }

        # RSA's signatures are the longest but for ML-DSA's, which have some 6,000 characters.
        document = module.sign_document(claims, key_for("RS256"), ENDED_SESSIONS)
        assert len(document) < MAX_LENGTH - 10_000


@pytest.mark.starts
class TestAtAVerifier:
    """What a service knows while one user with very many sessions logs out everywhere."""

    @pytest.fixture
    def issuer(self) -> Iterator[Issuer]:
        made = Issuer()
        with override_settings(DRF_RATCHET=ratchet(**EACH_TIME, ISSUER=made.url)):
            yield made
        made.stop()

    @pytest.fixture
    def verifier(self, issuer: Issuer) -> Iterator[Verifier]:
        options = {"feed_url": issuer.feed_url, "auth": SERVICE, "feed_interval": 0.01}
        with Verifier(issuer.url, **options) as made:
            made.close()  # no thread: it fetches when it is asked, only then
            yield made

    def tell(self, feed: Ask, issuer: Issuer, verifier: Verifier) -> None:
        issuer.raw_feed = feed().content.decode()
        time.sleep(0.02)  # the verifier's interval
        assert verifier._feed
        verifier._feed.limit.take(verifier._feed.fetch)

    def test_strangers_are_let_in(
        self, alice: User, feed: Ask, issuer: Issuer, verifier: Verifier
    ) -> None:
        robot = User.objects.create_user("robot")
        give_sessions(robot, sized(10_000, 1_000))
        stranger, before = open_session(alice), open_session(robot)
        oldest = Session.objects.filter(user=robot).earliest("pk")
        self.tell(feed, issuer, verifier)
        for grant in (stranger, before):
            assert verifier.verify(grant.access)
        of_oldest = issuer.token(sub=str(robot.pk), sid=str(oldest.pk))
        time.sleep(1.1)  # a token of the cut-off's own second is sent to refresh

        end_all_sessions(robot)
        self.tell(feed, issuer, verifier)

        assert len(issuer.raw_feed or "") < 10_000
        assert verifier.verify(stranger.access)
        for token in (before.access, of_oldest):
            with pytest.raises(TokenRefused) as caught:
                verifier.verify(token)
            assert caught.value.reason is Reason.SESSION_ENDED
        # At once, and before the next document.
        assert verifier.verify(open_session(robot).access)

    def test_the_device_that_is_kept_is_let_in(
        self, feed: Ask, issuer: Issuer, verifier: Verifier
    ) -> None:
        robot = User.objects.create_user("robot")
        kept = open_session(robot)
        give_sessions(robot, 500)
        end_all_sessions(robot, keep=kept.session.pk)
        self.tell(feed, issuer, verifier)
        assert verifier.verify(kept.access)

    def test_of_more_endings_than_are_told_old_tokens_are_sent_to_refresh(
        self,
        alice: User,
        feed: Ask,
        issuer: Issuer,
        verifier: Verifier,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "MAX_SESSIONS", 2)
        active, ended = open_session(alice), [open_session(alice) for _ in range(3)]
        for grant in ended:
            end_session(grant.session)
        self.tell(feed, issuer, verifier)
        reasons = []
        for grant in (active, *ended):
            with pytest.raises(TokenRefused) as caught:
                verifier.verify(grant.access)
            reasons.append(caught.value.reason)
        assert reasons == [*[Reason.EXPIRED] * 2, *[Reason.SESSION_ENDED] * 2]
        # The token of a refresh is as young as it takes.
        now = int(time.time()) + 5
        assert verifier.verify(issuer.token(sid=str(active.session.pk), iat=now))


class TestInterval:
    @pytest.fixture(autouse=True)
    def _interval(self, settings: Any) -> None:
        settings.DRF_RATCHET = ratchet(**ONCE)

    def test_made_once(self, feed: Ask, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(3):  # the clock, endings and cut-offs
            documents = {feed().content for _ in range(5)}
        assert len(documents) == 1

    def test_what_others_may_keep(self, feed: Ask) -> None:
        answer = feed()

        assert answer["Cache-Control"] == "private, max-age=600"
        assert answer["ETag"].startswith('"')

    def test_304_within_the_interval(self, alice: User, feed: Ask) -> None:
        first = feed()
        end_session(open_session(alice).session)

        again = feed(HTTP_IF_NONE_MATCH=first["ETag"])

        assert again.status_code == 304
        assert again.content == b""
        assert again["ETag"] == first["ETag"]
        assert again["Cache-Control"] == "private, max-age=600"

    def test_no_304_after_it(self, feed: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also where nothing has ended: an old copy must not pass for a new one."""
        first = feed()
        later(601, monkeypatch)

        again = feed(HTTP_IF_NONE_MATCH=first["ETag"])

        assert again.status_code == 200
        assert again["ETag"] != first["ETag"]

    def test_an_ending_shows_after_it(
        self, alice: User, feed: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feed()
        end_session(open_session(alice).session)
        later(599, monkeypatch)
        assert read(feed())["sessions"] == []
        later(601, monkeypatch)
        assert len(read(feed())["sessions"]) == 1

    def test_of_another_process(self, feed: Ask) -> None:
        """It has read at another moment, so a copy from one is no copy of the other's."""
        elsewhere = EndedSessions().document()

        assert feed(HTTP_IF_NONE_MATCH=elsewhere.etag).status_code == 200

    @pytest.mark.parametrize("named", ['"x"', "", "x", 'W/"x"', "é", '"' * 9])
    def test_another_etag(self, named: str, feed: Ask) -> None:
        assert feed(HTTP_IF_NONE_MATCH=named).status_code == 200

    def test_head(self, api: Any, feed: Ask) -> None:
        answer = api.head("/api/ended-sessions/", **basic())

        assert answer.status_code == 200
        assert answer.content == b""
        assert answer["ETag"] == feed()["ETag"]

    def test_another_key(self, feed: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        feed()
        other = SimpleNamespace(access=KeySet(key_for("Ed25519")))
        monkeypatch.setattr(module, "keyring", lambda: other)

        text = feed().content.decode()

        assert json.loads(decoded(text.partition(".")[0]))["alg"] == "Ed25519"

    def test_threads_that_ask_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read: list[int] = []
        others_wait = threading.Event()

        def count(issuer: str | None) -> dict[str, Any]:
            read.append(1)
            others_wait.wait(0.05)  # never set: time for the others to come to the lock
            return {}

        monkeypatch.setattr(module, "_read", count)
        known = EndedSessions()
        with ThreadPoolExecutor(8) as pool:
            made = set(pool.map(lambda _: known.document().text, range(16)))

        assert len(read) == len(made) == 1


def test_the_age_counts_from_before_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that took long to read is as old as the moment it was begun."""
    order: list[str] = []
    monkeypatch.setattr(module, "database_now", lambda alias: order.append("now") or _Stop())
    monkeypatch.setattr(
        module, "recent_endings", lambda: order.append("endings") or Session.objects.none()
    )

    module._read()

    assert order == ["now", "endings"]


class _Stop:
    def timestamp(self) -> float:
        return 1_800_000_000.9


class TestNoDocument:
    def test_with_a_symmetric_key(self, feed: Ask) -> None:
        with override_settings(DRF_RATCHET=ratchet(KEYS=None)):
            answer = feed()

        assert "DRF_RATCHET['KEYS']" in refused(answer, 404, "no_public_key")["detail"]

    def test_public_keys_cannot_sign_the_list(self, feed: Ask) -> None:
        public = public_half(key_for("ES256")).public_jwk()
        with override_settings(DRF_RATCHET=ratchet(KEYS=public)):
            answer = feed()

        assert "public keys alone" in refused(answer, 404, "no_public_key")["detail"]

    def test_while_the_database_does_not_answer(
        self, feed: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(alias: str) -> Any:
            raise OperationalError("password=hunter2 does not answer")

        monkeypatch.setattr(module, "database_now", fail)
        with caplog.at_level(logging.DEBUG, "drf_ratchet"):
            answer = feed()

        refused(answer, 503, "busy")
        assert answer["Retry-After"] == "1"
        assert "OperationalError" in caplog.text
        assert "hunter2" not in caplog.text

    def test_only_for_reading(self, api: Any) -> None:
        refused(api.post("/api/ended-sessions/", **basic()), 405, "method_not_allowed")

    @pytest.mark.parametrize("accept", ["application/jwt", "text/html", "nothing/at-all"])
    def test_the_form_is_not_negotiated(self, accept: str, feed: Ask) -> None:
        assert feed(HTTP_ACCEPT=accept)["Content-Type"] == "application/jwt"
