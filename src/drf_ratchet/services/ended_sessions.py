"""The signed list of ended sessions, for services that verify tokens themselves."""

import hashlib
import logging
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions

from drf_ratchet.caches import forget_on_change
from drf_ratchet.clock import aware, database_now
from drf_ratchet.conf import NAME, ratchet_settings
from drf_ratchet.exceptions import Busy
from drf_ratchet.keyring import keyring
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.feed import (
    MOST_FEEDS,
    PATIENCE_AT_START,
    announced_at,
    recent_cut_offs,
    recent_endings,
    window,
)
from drf_ratchet.sessions.single_flight import SingleFlight
from ratchet_tokens.documents import ENDED_SESSIONS, sign_document
from ratchet_tokens.forks import after_fork
from ratchet_tokens.keys import Key
from ratchet_tokens.known_endings import LAST_TOKEN

log = logging.getLogger("drf_ratchet")

#: The number of sessions that fit into the longest allowed document, whatever ``FEED_MAX`` is.
MAX_SESSIONS = 15_000
MAX_CUT_OFFS = 100


class NoPublicKey(exceptions.NotFound):
    """404 if there is no list that services could verify.

    A service that can verify the signature of a symmetric key could also sign with it. A server
    that has public keys only cannot sign.
    """

    default_detail = _(
        "There is no public key that a service could verify this list with. Set "
        "DRF_RATCHET['KEYS'] on the server that signs; manage.py ratchet keys new makes a key."
    )
    default_code = "no_public_key"


@dataclass(frozen=True, slots=True)
class SignedList:
    """The list as it was at one moment.

    Args:
        text: the compact JWS.
        kid: the id of the key that signed it.
        read_at: seconds of this process's monotonic clock, before the database was read.
    """

    text: str
    kid: str
    read_at: float

    @property
    def etag(self) -> str:
        """Return the ETag. It differs for each moment, because the text contains the moment."""
        return f'"{hashlib.sha256(self.text.encode()).hexdigest()[:32]}"'


class EndedSessions:
    """Makes the documents of a tenant, at most once per ``FEED_INTERVAL``.

    Args:
        issuer: the ``iss`` of the documents; None for none.
    """

    def __init__(self, issuer: str | None = None) -> None:
        self._issuer = issuer
        self._reader = SingleFlight()
        self._latest: SignedList | None = None
        self._failed_at = float("-inf")

    def document(self) -> SignedList:
        """Return a document that is not older than ``FEED_INTERVAL``. Three queries, or none.

        Raises:
            NoPublicKey: the key of access tokens is symmetric, or the server has its public half
                only.
            Busy: the database does not answer.
        """
        key = keyring().access.signing
        if key.is_symmetric:
            raise NoPublicKey
        if not key.can_sign:
            raise NoPublicKey(
                _("This server has public keys alone. The server that signs has this list.")
            )
        asked_at = time.monotonic()
        interval = ratchet_settings().FEED_INTERVAL.total_seconds()

        def young() -> SignedList | None:
            latest = self._latest
            if latest and latest.kid == key.kid and latest.read_at > asked_at - interval:
                return latest
            return None

        def is_due() -> bool:
            return not young() and time.monotonic() - self._failed_at >= interval

        while not self._reader.read(partial(self._make, key), is_due):
            if latest := young():
                return latest
            if not self._reader.wait(PATIENCE_AT_START):
                raise Busy
        if self._latest is None:
            raise Busy
        return self._latest

    def _make(self, key: Key) -> None:
        started = time.monotonic()
        try:
            claims = _read(self._issuer)
        except (DatabaseError, InterfaceError) as error:
            self._failed_at = started
            # Log the error's type only. A driver's message may contain the connection's password.
            log.error("The list of ended sessions could not be read (%s).", type(error).__name__)
            raise Busy from None
        self._latest = SignedList(sign_document(claims, key, ENDED_SESSIONS), key.kid, started)


class _CutOff(NamedTuple):
    """A cut-off as the document contains it.

    Args:
        subject: the user's ``sub`` claim; "" for all users.
        last: the highest session id that it covers.
        kept: the session that stays active; None for none.
        until: no token of the sessions was issued after that, in seconds since 1970. None while
            they are being ended in batches.
    """

    subject: str
    last: UUID
    kept: UUID | None = None
    until: int | None = None

    def covers(self, other: "_CutOff") -> bool:
        """Return whether this cut-off includes everything of another one for the same subject."""
        return (
            other.last <= self.last
            and (self.kept in (None, other.kept) or self.kept > other.last)
            and (self.until is None or (other.until is not None and other.until <= self.until))
        )

    def as_json(self) -> list[Any]:
        """Return the cut-off as JSON."""
        if self.until is None:
            return [self.subject, str(self.last)]
        kept = None if self.kept is None else str(self.kept)
        return [self.subject, str(self.last), kept, self.until]


def _read(issuer: str | None = None) -> dict[str, Any]:
    settings, using, back = ratchet_settings(), write_database(), window()
    # Read the clock first: then the list is no older than it claims.
    now = database_now(using).timestamp()
    limit = min(settings.FEED_MAX, MAX_SESSIONS)
    ended = list(recent_endings()[: limit + 1])
    # Cut-offs for all users first: no other claim can replace one that is left out.
    found = recent_cut_offs().annotate(everybody=Q(subject=""))
    newest_first = found.order_by("-everybody", "-announced_at")[: MAX_CUT_OFFS + 1]
    cut_offs = []
    for subject, last, kept, moment, _everybody in newest_first:
        last_token = aware(moment, using).timestamp() + LAST_TOKEN
        cut_offs.append(_CutOff(subject, last, kept, math.ceil(last_token) if subject else None))
    since = [now - back.total_seconds() + LAST_TOKEN]
    since += [announced_at(session) + LAST_TOKEN for session in ended[limit:]]
    since += [one.until or now for one in cut_offs[MAX_CUT_OFFS:]]
    return {
        **({"iss": issuer} if issuer is not None else {}),
        "iat": int(now),
        "window": int(back.total_seconds()),
        "sessions": [str(session) for session in ended[:limit]],
        "cut_offs": _furthest(cut_offs[:MAX_CUT_OFFS]),
        "complete_since": math.ceil(max(since)),
        "overflows": len(since) > 1,
    }


def _furthest(cut_offs: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Leave out each cut-off that another one of the same subject covers."""
    furthest: dict[str, list[_CutOff]] = {}
    several = [_CutOff(*one) for one in cut_offs]
    for one in sorted(several, key=attrgetter("last"), reverse=True):
        of_subject = furthest.setdefault(one.subject, [])
        if not any(other.covers(one) for other in of_subject):
            of_subject.append(one)
    return [one.as_json() for of_subject in furthest.values() for one in of_subject]


@lru_cache(maxsize=MOST_FEEDS)
def ended_sessions(issuer: str | None, using: str) -> EndedSessions:
    """Return this process's document of a tenant.

    Args:
        issuer: the result of ``issuer_for`` for the current request.
        using: the alias of the database that stores the tenant's sessions.
    """
    return EndedSessions(issuer)


forget_on_change(ended_sessions.cache_clear, NAME)
# The thread that reads may not exist in the child, where all other threads would wait for it.
after_fork(ended_sessions.cache_clear)
