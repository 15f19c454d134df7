"""The sessions that ended a short while ago, as the issuer tells them."""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from ratchet_tokens.claims import session_id
from ratchet_tokens.codec import ISSUED_AHEAD
from ratchet_tokens.documents import ENDED_SESSIONS, verify_document
from ratchet_tokens.errors import Reason, TokenRefused, Unavailable
from ratchet_tokens.known_endings import LAST_TOKEN, KnownCutOff, KnownEndings
from ratchet_tokens.verifier.fetch_limit import FetchLimit
from ratchet_tokens.verifier.fetching import FetchFailed, Source
from ratchet_tokens.verifier.keys import FetchedKeys
from ratchet_tokens.verifier.problem_log import ProblemLog

log = logging.getLogger("drf_ratchet")

#: Longest window believed, in seconds: what is read is remembered for so long.
_MAX_WINDOW = 366 * 24 * 3600
#: Ended sessions kept at the most: about 50 MB.
MOST_SESSIONS = 500_000
#: The end of the year 9999.
_END_OF_TIME = 253_402_300_799


@dataclass(frozen=True, slots=True)
class FetchedList:
    """What one feed document says.

    Args:
        made_at: when, in seconds since 1970.
        window: seconds that it looks back from then.
        sessions: that have ended.
        cut_offs: of whom, and up to which session.
        complete_since: a token issued after that, in seconds since 1970, is of a living session
            if neither of the lists has it; None where no token can be known to be.
    """

    made_at: float
    window: float
    sessions: frozenset[UUID]
    cut_offs: frozenset[KnownCutOff]
    complete_since: float | None

    @classmethod
    def read(cls, claims: Mapping[str, Any]) -> Self:
        """Take it out of verified claims.

        Raises:
            ValueError: something is missing or of the wrong type.
        """
        made_at: Any = claims.get("iat")
        window: Any = claims.get("window")
        overflows: Any = claims.get("overflows")
        if not _is_moment(made_at):
            raise ValueError("its iat is no time")
        if type(window) not in (int, float) or not 0 < window <= _MAX_WINDOW:
            raise ValueError("its window is none")
        if type(overflows) is not bool:
            raise ValueError("it does not say whether it overflows")
        # A server before complete_since leaves it out.
        since: Any = claims.get("complete_since", None if overflows else made_at - window)
        if since is not None and not _is_moment(since):
            raise ValueError("its complete_since is no time")
        listed: Any = claims.get("sessions")
        cut: Any = claims.get("cut_offs")
        if not isinstance(listed, list) or not isinstance(cut, list):
            raise ValueError("its lists are none")
        try:
            sessions = frozenset(UUID(one) for one in listed)
            cut_offs = frozenset(_cut_off(*one) for one in cut)
        except (TypeError, ValueError, AttributeError):
            raise ValueError("its lists are none") from None
        return cls(float(made_at), float(window), sessions, cut_offs, since)


class FetchedFeed:
    """What is known of ended sessions.

    It only grows by reading and shrinks by age: a later document that lacks an ending does not
    take it back, since an issuer restored to an earlier state must not bring a session back.

    Args:
        source: where the feed is.
        keys: what a document has to be signed with.
        issuer: the ``iss`` it must carry; None asks for none.
        interval: seconds between two fetches.
        max_age: seconds that a document counts, by the moment it says it was made.
        leeway: seconds that the issuer's clock may be off this one.
        fails_open: let requests through where the feed cannot tell.
    """

    def __init__(
        self,
        source: Source,
        keys: FetchedKeys,
        *,
        issuer: str | None,
        interval: float,
        max_age: float,
        leeway: float,
        fails_open: bool,
    ) -> None:
        self.limit = FetchLimit(interval)
        self._source = source
        self._keys = keys
        self._issuer = issuer
        self._interval = interval
        self._max_age = max_age
        self._leeway = leeway
        self._fails_open = fails_open
        self._newest: FetchedList | None = None
        self._window = 0.0
        self._etag: str | None = None
        self._problem = ProblemLog("The list of ended sessions cannot be had")
        self._due = float("-inf")
        self._ended = KnownEndings()

    def check(self, claims: Mapping[str, Any]) -> None:
        """Refuse a verified token whose session has ended.

        Raises:
            TokenRefused: session_ended; expired, if the feed does not tell of all sessions that
                ended since the token was issued.
            Unavailable: the feed is too old; not if it fails open.
        """
        has_ended = self._ended.has_ended(claims["sub"], session_id(claims), claims["iat"])
        if has_ended:
            raise TokenRefused(Reason.SESSION_ENDED)
        if self._fails_open:
            return
        newest = self._newest
        if newest is None or not self.is_usable:
            raise Unavailable("The list of ended sessions is too old, not complete or not known.")
        # Its session may have ended before what the list tells of: because there were too many
        # endings to list, or because the token lives for longer than the window. Its holder is
        # sent to refresh; the new token is young enough.
        if has_ended is None or newest.made_at - claims["iat"] > newest.window:
            raise TokenRefused(Reason.EXPIRED)

    @property
    def is_usable(self) -> bool:
        """Whether a session that is not on the list is alive."""
        newest = self._newest
        if newest is None or newest.complete_since is None:
            return False
        return time.time() - newest.made_at - self._leeway <= self._max_age

    @property
    def due_in(self) -> float:
        """Seconds until it is time to fetch; not positive when it is."""
        return self._due - time.monotonic()

    def fetch(self) -> None:
        """Fetch now; what goes wrong is logged, and what is known stays."""
        started = time.monotonic()
        self._due = started + self._interval
        try:
            answer = self._source.get(None if self._newest is None else self._etag)
            if answer.body is None:
                return  # what we have is the newest; it ages by its own time
            document = self._read(answer.body.decode("ascii"))
        except (FetchFailed, Unavailable) as error:
            self._problem.report(str(error))
        except (TokenRefused, ValueError) as error:
            self._problem.report(f"what is there is ignored, {_why(error)}")
        else:
            self._problem.resolve()
            if document is not None:
                self._take(document, started)
                self._etag = answer.etag

    def _read(self, text: str) -> FetchedList | None:
        claims = self._keys.judge(
            text,
            lambda keys: verify_document(text, keys, ENDED_SESSIONS),
            waits=True,  # one thread at a time fetches the feed, so no more than one waits
        )
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise TokenRefused(Reason.WRONG_ISSUER)
        document = FetchedList.read(claims)
        behind = 0.0 if self._newest is None else self._newest.made_at - document.made_at
        if behind > self._max_age:
            raise ValueError(f"it is {behind:.0f} s older than the one known")
        if behind > 0:
            # Each process of the issuer makes one of its own, so the one who answers next may be
            # a little behind. What it lists we know, or will with the next.
            log.debug("A list of ended sessions is %.0f s older than the one known.", behind)
            return None
        # One of next year would be the newest until then.
        if document.made_at > time.time() + self._leeway + ISSUED_AHEAD:
            raise ValueError("it is of the future")
        return document

    def _take(self, document: FetchedList, started: float) -> None:
        ended, before = self._ended, self._newest
        since = math.inf if document.complete_since is None else document.complete_since
        # Later than the one before was made: of what ended in between it does not tell all.
        misses = before is None or since > before.made_at
        complete_since = since if misses else min(ended.complete_since, since)
        # Not lower yet: other threads ask meanwhile, before the sessions are added.
        ended.complete_since = max(ended.complete_since, complete_since)
        # From when it was read: it was made a moment before, and what it lists ended before that.
        self._window = max(self._window, document.window)
        until = started + self._window
        ended.add(document.sessions, forget_at=until, ended_by=document.made_at)
        ended.cut_off(document.cut_offs, forget_at=until, ended_by=document.made_at)
        ended.complete_since = complete_since
        ended.forget(started, MOST_SESSIONS)
        self._newest = document

    def __repr__(self) -> str:
        return f"<FetchedFeed {self._source.shown}>"


def _cut_off(subject: Any, last: Any, kept: Any = None, until: Any = None) -> KnownCutOff:
    if not isinstance(subject, str) or not (until is None or _is_moment(until)):
        raise TypeError
    announced_at = None if until is None else until - LAST_TOKEN
    return KnownCutOff(subject, UUID(last), None if kept is None else UUID(kept), announced_at)


def _is_moment(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= _END_OF_TIME


def _why(error: Exception) -> str:
    # A UnicodeDecodeError shows what it could not decode.
    return type(error).__name__ if isinstance(error, UnicodeError) else str(error)
