"""How an old refresh token becomes a session, exactly once.

The session's id is made from the token's own id, and the token stands for generation 0 of it. So
nobody has to remember which tokens were adopted: whoever comes first writes the row, whoever comes
at the same time or later finds it, and the counter's own rule says what each of them gets.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from drf_ratchet.clock import Now, stored
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.ids import uuid7_of
from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import retry_on_conflict, write_database
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.fingerprint import fingerprint_of
from drf_ratchet.sessions.subject import subject_of
from ratchet_tokens.claims import RefreshClaims
from ratchet_tokens.errors import Reason, TokenRefused

#: What an old token stands for. The first turn of its session goes to 1.
GENERATION = 0


@dataclass(frozen=True, slots=True)
class OldSession:
    """What an old token, verified, says of its session.

    Args:
        package: which package made it; part of the session's id.
        key: the token's own id, its ``jti``, say. Tokens with the same one are of one session.
        user: whose it is, as the database has it now.
        issued_at: when somebody signed in for it, in seconds since 1970; 0 for nobody knows.
        expires_at: when it would have expired, in seconds since 1970.
        rotates: whether its counter turns; False for a client that keeps its token.
        lifetime: how long it lives at the most; None for ``SESSION_LIFETIME``.
    """

    package: str
    key: str
    user: Any
    issued_at: float
    expires_at: float
    rotates: bool
    lifetime: timedelta | None = None

    @property
    def id(self) -> UUID:
        """The session's id: its time is the sign-in's, the rest a hash of package and key."""
        named = hashlib.sha256(f"{self.package}\n{self.key}".encode()).digest()
        return uuid7_of(self.moment, int.from_bytes(named))

    @property
    def moment(self) -> datetime:
        """When somebody signed in for it."""
        return _moment(self.issued_at)

    @property
    def claims(self) -> RefreshClaims:
        """What a refresh token of ours would say in its place."""
        return RefreshClaims(subject_of(self.user), self.id, GENERATION)


def adopt(old: OldSession, *, request: Any = None) -> RefreshClaims:
    """Make the session, if nobody has made it yet. One query, and five more where it is new.

    Args:
        old: what the token says. That it is verified and in no blacklist is for the caller.
        request: the request that brought it.

    Returns:
        What to refresh with.

    Raises:
        TokenRefused: all sessions of its time, or all of its user's, were ended in the meantime.
    """
    if not store.exists(old.id):
        if is_cut_off(old.id) or was_sent_away(old):
            raise TokenRefused(Reason.SESSION_ENDED)
        row = row_of(old, request=request)
        retry_on_conflict(lambda: store.insert_missing([row]))
        # A mass ending may have walked past this id just before the row was there.
        if is_cut_off(old.id) or was_sent_away(old):
            retry_on_conflict(lambda: store.end(row, EndReason.REVOKED))
            raise TokenRefused(Reason.SESSION_ENDED)
    return old.claims


def row_of(old: OldSession, *, request: Any = None) -> Session:
    """The row for an old session, unsaved. ``store.insert_missing`` writes it.

    Args:
        old: what the token says.
        request: the request that brought it, or None.
    """
    opened, expires, using = old.moment, _moment(old.expires_at), write_database()
    absolute: timedelta | None = old.lifetime or ratchet_settings().SESSION_LIFETIME
    ends_at = _later(opened, absolute) if absolute and old.issued_at else None
    return Session(
        id=old.id,
        user=old.user,
        generation=GENERATION,
        rotates=old.rotates,
        created_at=stored(opened, using) if old.issued_at else Now(),
        # When somebody last proved who they are. Not now; 1970 is never recent.
        auth_time=stored(opened, using),
        rotated_at=Now(),
        expires_at=stored(min(expires, ends_at or expires), using),
        ends_at=ends_at and stored(ends_at, using),
        # Pruned any earlier, the token would be one that nobody has seen.
        kept_until=stored(max(expires, _later(opened, old.lifetime or timedelta(0))), using),
        fingerprint=fingerprint_of(old.user),
        **device_of(request)._asdict(),
    )


def is_cut_off(session: UUID) -> bool:
    """Whether everybody's sessions up to this one's time were ended while it was no row yet."""
    cut_offs = CutOff._base_manager.using(write_database())
    return cut_offs.filter(subject="", last_session__gte=session).exists()


def was_sent_away(old: OldSession) -> bool:
    """Whether all of the user's sessions were ended since, when this one was no row yet."""
    signed_in = stored(old.moment, write_database())
    return sendings_away().filter(user=old.user, ended_at__gt=signed_in).exists()


def sendings_away() -> QuerySet[Session]:
    """Rows whose ending was meant for more than that one session, as far as its reason tells."""
    sessions = Session._base_manager.using(write_database())
    return sessions.filter(ended_at__isnull=False).exclude(end_reason__in=SINGLE_ENDINGS)


#: Reasons that say nothing of a user's other sessions. A project's own may mean all of them.
SINGLE_ENDINGS = (
    *(EndReason.LOGOUT, EndReason.REVOKED, EndReason.REUSE, EndReason.LIMIT),
    *(EndReason.REPLACED, EndReason.TOO_FAR_AHEAD),
)


def issued_at(claims: Mapping[str, Any]) -> float:
    """The ``iat`` of an old token; 0 where it has none, as with old releases of simplejwt."""
    moment: float = claims.get("iat", 0)
    return moment


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _later(moment: datetime, lifetime: timedelta) -> datetime:
    try:
        return moment + lifetime
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
