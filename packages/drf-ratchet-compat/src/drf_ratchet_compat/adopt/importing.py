"""Import simplejwt's refresh tokens as sessions, so that they can be listed and ended at once.

A session's id is derived from the token's own. So the import can be stopped and run again at any
point, and a token that is refreshed first makes the same row.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections, reset_queries, router
from django.db.models import Exists, Max, OuterRef, QuerySet
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from drf_ratchet.models import CutOff, Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import retry_on_conflict, write_database
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet_compat.adopting import OldSession, issued_at, row_of, sendings_away
from drf_ratchet_compat.old_tokens import unverified_claims
from ratchet_tokens.errors import TokenRefused

_FIELDS = ("pk", "user_id", "jti", "token", "created_at", "expires_at")
#: Seconds since 1970 that a datetime can hold.
_END_OF_TIME = 253_402_300_799
#: What invalid times raise: in Django's fields, in datetime, in the platform's calendar.
_NO_TIME = (ValueError, TypeError, OverflowError, OSError, AttributeError)


def living_tokens(now: datetime) -> QuerySet[Any]:
    """Return the refresh tokens that have a user and are neither blacklisted nor expired.

    They are read from the database that the project's routers name for them.

    Args:
        now: an aware datetime.
    """
    using = router.db_for_write(OutstandingToken)
    moment = now if settings.USE_TZ else now.astimezone(UTC).replace(tzinfo=None)
    blacklisted = BlacklistedToken._base_manager.using(using).filter(token=OuterRef("pk"))
    return OutstandingToken._base_manager.using(using).filter(
        ~Exists(blacklisted), expires_at__gt=moment, user__isnull=False
    )


@dataclass(slots=True)
class Count:
    """Counts of the tokens that an import has read, by what became of them.

    Args:
        seen: all of them.
        imported: sessions written.
        present: sessions that existed.
        sliding: sliding tokens. Their ``iat`` changes at each refresh, and their row does not.
        over: beyond ``SESSION_LIFETIME``, expired meanwhile, or ended with all sessions, or with
            all of their user.
        unusable: without a user, or with invalid times.
    """

    seen: int = 0
    imported: int = 0
    present: int = 0
    sliding: int = 0
    over: int = 0
    unusable: int = 0


@dataclass(frozen=True, slots=True)
class _Token:
    """A row of the old table."""

    pk: int
    user_id: Any
    jti: str
    token: str
    created_at: datetime | None
    expires_at: datetime

    def claims(self) -> dict[str, Any] | None:
        """Return the token's claims; None if the project stores no tokens.

        They are not verified: the database is trusted, and only two claims are read.
        """
        try:
            return unverified_claims(self.token)
        except (TokenRefused, UnicodeEncodeError):
            return None

    def issued_at(self, claims: dict[str, Any] | None) -> float:
        """Return the time of the sign-in, as the first refresh of the token determines it.

        Raises:
            ValueError: the token's own time is invalid.
        """
        if claims is None:
            # simplejwt stamps both in one go.
            created = _aware(self.created_at)
            return math.floor(created.timestamp()) if created else 0
        moment = issued_at(claims)
        if type(moment) not in (int, float) or not 0 <= moment <= _END_OF_TIME:
            raise ValueError
        return moment


def import_sessions(
    *,
    rotates: bool,
    type_claim: str | None,
    batch_size: int,
) -> Iterator[Count]:
    """Make a session of each living token without one, in batches along the old primary key.

    Args:
        rotates: whether a refresh uses up its token.
        type_claim: the claim with the token's type; None if there is none.
        batch_size: tokens per batch.

    Yields:
        The count after each batch.
    """
    count, last = Count(), -1
    while True:
        tokens = list(_batch(last, batch_size))
        if not tokens:
            return
        end = tokens[-1]
        last = end.pk if isinstance(end, _Token) else end
        usable = [token for token in tokens if isinstance(token, _Token)]
        count.seen += len(tokens)
        count.unusable += len(tokens) - len(usable)
        _import_batch(usable, rotates, type_claim, count)
        # With DEBUG = True every statement is kept, with a thousand rows in each.
        reset_queries()
        yield count


def _batch(last: int, batch_size: int) -> Iterator[_Token | int]:
    rows = living_tokens(datetime.now(UTC)).order_by("pk")
    following = rows.filter(pk__gt=last)[:batch_size]
    try:
        yield from [_Token(*row) for row in following.values_list(*_FIELDS)]
    # SQLite keeps any text where a time belongs.
    except _NO_TIME:
        for pk in list(following.values_list("pk", flat=True)):
            try:
                yield from [_Token(*row) for row in rows.filter(pk=pk).values_list(*_FIELDS)]
            except _NO_TIME:
                yield pk  # neither the database's driver nor Django's fields can read that row


def _old(token: _Token, issued: float, rotates: bool, user: Any = None) -> OldSession:
    expires: float = _aware(token.expires_at).timestamp()
    return OldSession("simplejwt", token.jti, user, issued, expires, rotates)


def _import_batch(
    tokens: Sequence[_Token], rotates: bool, type_claim: str | None, count: Count
) -> None:
    by_id: dict[UUID, tuple[_Token, float]] = {}
    for token in tokens:
        claims = token.claims()
        if claims and type_claim and claims.get(type_claim) == "sliding":
            count.sliding += 1
            continue
        try:
            issued = token.issued_at(claims)
            by_id[_old(token, issued, rotates).id] = (token, issued)
        except _NO_TIME:
            count.unusable += 1
    # In parts where the database takes only so many parameters.
    present = store.existing(by_id)
    count.present += len(present)
    missing = {key: found for key, found in by_id.items() if key not in present}
    rows = list(_rows(missing, rotates, count)) if missing else []
    if rows:
        retry_on_conflict(lambda: store.insert_missing(rows))
        ended = _end_reached(rows)
        count.imported += len(rows) - ended
        count.over += ended


def _rows(
    missing: dict[UUID, tuple[_Token, float]], rotates: bool, count: Count
) -> Iterator[Session]:
    keys = {token.user_id for token, _ in missing.values()}
    users, endings, now = _users(keys), _endings(keys), datetime.now(UTC)
    for token, issued in missing.values():
        user = users.get(token.user_id)
        if user is None:
            count.unusable += 1
            continue
        try:
            row = row_of(_old(token, issued, rotates, user))
        except _NO_TIME:
            count.unusable += 1
            continue
        if _aware(row.expires_at) <= now or endings.include(row):
            count.over += 1
        else:
            yield row


@dataclass(frozen=True, slots=True)
class _Endings:
    """What a first refresh would look at, for a whole batch.

    Args:
        cut_off: up to which id all sessions were ended, whether or not they were rows.
        sent_away: when a user's sessions were last ended all together, by the user's key.
    """

    cut_off: UUID | None
    sent_away: Mapping[Any, datetime]

    def include(self, row: Session) -> bool:
        """Whether the session would have ended with the others, had it been a row by then."""
        if self.cut_off is not None and row.pk <= self.cut_off:
            return True
        last = self.sent_away.get(row.user_id)
        # Of a sign-in of nobody knows when, 1970 is what auth_time says; created_at says now.
        return last is not None and last > row.auth_time


def _endings(keys: Collection[Any]) -> _Endings:
    return _Endings(_cut_off(), _sent_away(keys))


def _end_reached(rows: Sequence[Session]) -> int:
    """End what an ending of all has passed by: begun after it was looked for, and past these ids
    before they were rows.

    Returns:
        How many those are.
    """
    endings = _endings({row.user_id for row in rows})
    reached = [row for row in rows if endings.include(row)]
    for row in reached:
        retry_on_conflict(partial(store.end, row, EndReason.ADMIN))
    return len(reached)


def _users(keys: set[Any]) -> dict[Any, Any]:
    everybody = get_user_model()._base_manager.using(write_database())
    return everybody.in_bulk(list(keys))


def _sent_away(keys: Collection[Any]) -> dict[Any, datetime]:
    """When each user's sessions were last ended all together. One query, or as many as it takes
    where the database takes only so many parameters."""
    most = connections[write_database()].features.max_query_params
    listed = list(keys)
    # The reasons are parameters, too.
    size = most - 20 if most else len(listed)
    found: dict[Any, datetime] = {}
    for start in range(0, len(listed), size):
        some = sendings_away().filter(user__in=listed[start : start + size])
        found.update(some.values_list("user").annotate(Max("ended_at")))
    return found


def _cut_off() -> UUID | None:
    """Up to which id all sessions were ended, whether or not they were rows."""
    cut_offs = CutOff._base_manager.using(write_database()).filter(subject="")
    return cut_offs.order_by("-last_session").values_list("last_session", flat=True).first()


def _aware(moment: Any) -> Any:
    # With USE_TZ = False simplejwt writes UTC without an offset.
    if moment is not None and moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment
