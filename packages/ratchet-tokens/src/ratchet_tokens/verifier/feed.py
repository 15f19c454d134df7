"""Fetch the issuer's list of recently ended sessions, and check tokens against it."""

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

#: The longest window that is accepted, in seconds. Ended sessions are remembered for the window.
_MAX_WINDOW = 366 * 24 * 3600
#: The most ended sessions that are kept: about 50 MB.
MOST_SESSIONS = 500_000
#: The end of the year 9999, in seconds since 1970.
_END_OF_TIME = 253_402_300_799


@dataclass(frozen=True, slots=True)
class FetchedList:
    """The content of one feed document.

    Args:
        made_at: the time of the document, seconds since 1970.
        window: seconds before ``made_at`` that the document covers.
        sessions: the ids of ended sessions.
        cut_offs: the cut-offs, each of which ends many sessions.
        complete_since: seconds since 1970. The session of a token issued later is active if neither
            list contains it. None if the lists are incomplete.
    """

    made_at: float
    window: float
    sessions: frozenset[UUID]
    cut_offs: frozenset[KnownCutOff]
    complete_since: float | None

    @classmethod
    def read(cls, claims: Mapping[str, Any]) -> Self:
        """Read the content from verified claims.

        Args:
            claims: the claims of the document.

        Raises:
            ValueError: a claim is missing or has the wrong type.
        """
        made_at: Any = claims.get("iat")
        window: Any = claims.get("window")
        overflows: Any = claims.get("overflows")
        if not _is_moment(made_at):
            raise ValueError("invalid iat: expected seconds since 1970")
        if type(window) not in (int, float) or not 0 < window <= _MAX_WINDOW:
            raise ValueError("invalid window: expected a number of seconds")
        if type(overflows) is not bool:
            raise ValueError("invalid overflows: expected true or false")
        # Older servers do not send complete_since.
        since: Any = claims.get("complete_since", None if overflows else made_at - window)
        if since is not None and not _is_moment(since):
            raise ValueError("invalid complete_since: expected seconds since 1970 or null")
        listed: Any = claims.get("sessions")
        cut: Any = claims.get("cut_offs")
        if not isinstance(listed, list) or not isinstance(cut, list):
            raise ValueError("invalid sessions or cut_offs: expected lists")
        try:
            sessions = frozenset(UUID(one) for one in listed)
            cut_offs = frozenset(_cut_off(*one) for one in cut)
        except (TypeError, ValueError, AttributeError):
            raise ValueError("invalid sessions or cut_offs: an entry is malformed") from None
        return cls(float(made_at), float(window), sessions, cut_offs, since)


class FetchedFeed:
    """The ended sessions that are known from the feed.

    Documents add endings, and only age removes them. A later document without an ending does not
    revoke it, because an issuer restored from a backup must not reactivate a session.

    Args:
        source: the URL of the feed.
        keys: the keys that verify a document.
        issuer: the required ``iss``; None to accept any.
        interval: seconds between two fetches.
        max_age: seconds for which a document is valid, counted from its ``iat``.
        leeway: seconds of tolerance for the issuer's clock.
        fails_open: accept tokens when the feed is too old or incomplete.
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
        self._problem = ProblemLog("The list of ended sessions cannot be fetched")
        self._due = float("-inf")
        self._ended = KnownEndings()

    def check(self, claims: Mapping[str, Any]) -> None:
        """Refuse a verified token whose session has ended.

        Args:
            claims: the verified claims of an access token.

        Raises:
            TokenRefused: session_ended; or expired, if the feed does not cover the time since the
                token was issued.
            Unavailable: the feed is too old or incomplete, and does not fail open.
        """
        has_ended = self._ended.has_ended(claims["sub"], session_id(claims), claims["iat"])
        if has_ended:
            raise TokenRefused(Reason.SESSION_ENDED)
        if self._fails_open:
            return
        newest = self._newest
        if newest is None or not self.is_usable:
            raise Unavailable("The list of ended sessions is too old, incomplete or unknown.")
        # The session may have ended before the time that the list covers: there were too many
        # endings, or the token is older than the window. Let the client refresh: the list covers
        # the new token.
        if has_ended is None or newest.made_at - claims["iat"] > newest.window:
            raise TokenRefused(Reason.EXPIRED)

    @property
    def is_usable(self) -> bool:
        """Return whether the list is complete and young enough."""
        newest = self._newest
        if newest is None or newest.complete_since is None:
            return False
        return time.time() - newest.made_at - self._leeway <= self._max_age

    @property
    def due_in(self) -> float:
        """Return the seconds until the next fetch; not positive if it is due."""
        return self._due - time.monotonic()

    def fetch(self) -> None:
        """Fetch the list now. Log an error and keep the known list if that fails."""
        started = time.monotonic()
        self._due = started + self._interval
        try:
            answer = self._source.get(None if self._newest is None else self._etag)
            if answer.body is None:
                return  # not modified: the known list is the newest, and keeps its own age
            document = self._read(answer.body.decode("ascii"))
        except (FetchFailed, Unavailable) as error:
            self._problem.report(str(error))
        except (TokenRefused, ValueError) as error:
            self._problem.report(f"the document is ignored, {_why(error)}")
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
            raise ValueError(f"it is {behind:.0f} s older than the known one")
        if behind > 0:
            # Each process of the issuer makes documents of its own, so the next one may be a little
            # older. Its endings are known already, or will be in the next document.
            log.debug("A list of ended sessions is %.0f s older than the known one.", behind)
            return None
        # A document of next year would count as the newest until then.
        if document.made_at > time.time() + self._leeway + ISSUED_AHEAD:
            raise ValueError("its iat is in the future")
        return document

    def _take(self, document: FetchedList, started: float) -> None:
        ended, before = self._ended, self._newest
        since = math.inf if document.complete_since is None else document.complete_since
        # If it covers no time before the last document, endings in between may be missing.
        misses = before is None or since > before.made_at
        complete_since = since if misses else min(ended.complete_since, since)
        # Do not lower it yet: other threads read it before the sessions are added.
        ended.complete_since = max(ended.complete_since, complete_since)
        # Counted from the fetch: the document is a little older, and its sessions ended before.
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
    # The text of a UnicodeDecodeError contains the bytes that failed to decode.
    return type(error).__name__ if isinstance(error, UnicodeError) else str(error)
