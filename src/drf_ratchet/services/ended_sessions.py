"""The list of ended sessions, signed, for services that verify tokens on their own."""

import hashlib
import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.core.signals import setting_changed
from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions

from drf_ratchet.clock import database_now
from drf_ratchet.conf import NAME, ratchet_settings
from drf_ratchet.exceptions import Busy
from drf_ratchet.keyring import keyring
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.feed import recent_cut_offs, recent_endings, window
from drf_ratchet.tokens.documents import ENDED_SESSIONS, sign_document
from drf_ratchet.tokens.keys import Key

log = logging.getLogger("drf_ratchet")

#: As many as fit into the longest document, whatever ``FEED_MAX`` is.
MAX_SESSIONS = 15_000
MAX_CUT_OFFS = 100


class NoPublicKey(exceptions.NotFound):
    """404: no list that services could verify.

    What a symmetric key signs, they could verify only if they could sign it too; and a server
    with public keys alone signs nothing.
    """

    default_detail = _(
        "There is no public key that a service could verify this list with. Set "
        "DRF_RATCHET['KEYS'] on the server that signs; manage.py ratchet keys new makes a key."
    )
    default_code = "no_public_key"


@dataclass(frozen=True, slots=True)
class Document:
    """The list as it was at one moment.

    Args:
        text: the compact JWS.
        kid: of the key that signed it.
        read_at: by this process's monotonic clock, in seconds; before the database was asked.
    """

    text: str
    kid: str
    read_at: float

    @property
    def etag(self) -> str:
        """Another for each moment, since the moment is part of the text."""
        return f'"{hashlib.sha256(self.text.encode()).hexdigest()[:32]}"'


class EndedSessions:
    """Makes the document, no more often than ``FEED_INTERVAL`` allows.

    Args:
        issuer: the ``iss`` it says; None for none.
    """

    def __init__(self, issuer: str | None = None) -> None:
        self._issuer = issuer
        self._lock = threading.Lock()
        self._latest: Document | None = None

    def document(self) -> Document:
        """One that is not older than ``FEED_INTERVAL``. Three queries, or none.

        Raises:
            NoPublicKey: the key of access tokens is symmetric, or there is its public half alone.
            Busy: the database does not answer.
        """
        key = keyring().access.signing
        if key.is_symmetric:
            raise NoPublicKey
        if not key.can_sign:
            raise NoPublicKey(
                _("This server has public keys alone. The server that signs has this list.")
            )
        with self._lock:
            started = time.monotonic()
            latest = self._latest
            interval = ratchet_settings().FEED_INTERVAL.total_seconds()
            if latest is None or latest.kid != key.kid or started - latest.read_at >= interval:
                latest = self._latest = Document(_signed(key, self._issuer), key.kid, started)
            return latest


def _signed(key: Key, issuer: str | None) -> str:
    try:
        claims = _read(issuer)
    except (DatabaseError, InterfaceError) as error:
        # The kind of error alone: a driver's text may hold the connection's password.
        log.error("The list of ended sessions could not be read (%s).", type(error).__name__)
        raise Busy from None
    return sign_document(claims, key, ENDED_SESSIONS)


def _read(issuer: str | None = None) -> dict[str, Any]:
    settings = ratchet_settings()
    # First the clock: the list is as old as it says, or younger.
    now = database_now(write_database())
    limit = min(settings.FEED_MAX, MAX_SESSIONS)
    ended = [session for session, *_ in recent_endings()[: limit + 1]]
    newest_first = recent_cut_offs().order_by("-announced_at")[: MAX_CUT_OFFS + 1]
    cut_offs = [(subject, last) for subject, last, *_ in newest_first]
    return {
        **({"iss": issuer} if issuer is not None else {}),
        "iat": int(now.timestamp()),
        "window": int(window().total_seconds()),
        "sessions": [str(session) for session in ended[:limit]],
        "cut_offs": _furthest(cut_offs[:MAX_CUT_OFFS]),
        "overflows": len(ended) > limit or len(cut_offs) > MAX_CUT_OFFS,
    }


def _furthest(cut_offs: list[tuple[str, UUID]]) -> list[list[str]]:
    """The one that goes furthest for each subject: it says what the others say."""
    last: dict[str, UUID] = {}
    for subject, session in cut_offs:
        last[subject] = max(session, last.get(subject, session))
    return [[subject, str(session)] for subject, session in last.items()]


@lru_cache(maxsize=1000)
def ended_sessions(issuer: str | None, using: str) -> EndedSessions:
    """Return this process's document of a tenant.

    Args:
        issuer: as ``issuer_for`` the request that asks for it.
        using: the alias of the database that the tenant's sessions are written to.
    """
    return EndedSessions(issuer)


def _start_afresh(*, setting: str, **kwargs: Any) -> None:
    if setting == NAME:
        ended_sessions.cache_clear()


setting_changed.connect(_start_afresh, dispatch_uid="drf_ratchet.services.ended_sessions")
