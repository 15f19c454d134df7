"""simplejwt's two tables: what was revoked there, and what has to be revoked there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from asgiref.local import Local
from django.apps import apps
from django.db.models.signals import post_save
from rest_framework_simplejwt.settings import api_settings

from drf_ratchet import signals
from drf_ratchet.clock import process_now
from drf_ratchet.models import Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.grant import in_utc
from drf_ratchet_compat.ending import end
from drf_ratchet_compat.old_tokens import unverified_claims
from drf_ratchet_compat.simplejwt import binding
from drf_ratchet_compat.simplejwt.settings import BLACKLIST_APP, Phase, phase
from ratchet_tokens.errors import TokenRefused

_local = Local()


def is_installed() -> bool:
    """Return whether the project has simplejwt's two tables."""
    return apps.is_installed(BLACKLIST_APP)


def revoked(names: set[str], *, row: str, extend_to: datetime | None = None) -> str:
    """Return one of these ``jti`` that simplejwt's blacklist has; "" for none. One query, or two.

    However the row got there: by ``bulk_create`` too, which sends no signal.

    Args:
        names: the ``jti`` to look for.
        row: the ``jti`` of the session's own row; it is kept as long as the session.
        extend_to: when the session expires; None leaves its row unchanged.
    """
    if not is_installed():
        return ""
    from rest_framework_simplejwt.token_blacklist import models

    tables: Any = models
    tokens = tables.OutstandingToken.objects
    columns = "jti", "expires_at", "blacklistedtoken"
    found = list(tokens.filter(jti__in=names).values_list(*columns))
    for jti, expires_at, _blacklisted in found:
        if jti == row and extend_to is not None and _aware(expires_at) < extend_to:
            # A quarter of the time ahead, so that most refreshes need not write it.
            later = extend_to + (extend_to - process_now()) / 4
            tokens.filter(jti=jti).update(expires_at=_stored(later))
    in_it = [jti for jti, _expires_at, blacklisted in found if blacklisted is not None]
    # The session's own row says most.
    return row if row in in_it else next(iter(in_it), "")


@contextmanager
def by_the_bridge() -> Iterator[None]:
    """Write rows that end no session by themselves."""
    _local.writes = True
    try:
        yield
    finally:
        _local.writes = False


def revoke(
    jti: str, *, user: Any, token: str = "", expires_at: datetime, blacklists: bool = True
) -> None:
    """Write the rows with which plain simplejwt refuses a token.

    Args:
        jti: the token's id.
        user: the token's user, or None.
        token: its text; "" for a token that is not known.
        expires_at: when it expires, aware.
        blacklists: False to list it as outstanding only.
    """
    from rest_framework_simplejwt.token_blacklist import models

    tables: Any = models
    known = {
        "user": user,
        "token": token,
        "created_at": _stored(process_now()),
        "expires_at": _stored(expires_at),
    }
    with by_the_bridge():
        outstanding, _ = tables.OutstandingToken.objects.get_or_create(jti=jti, defaults=known)
        if blacklists:
            tables.BlacklistedToken.objects.get_or_create(token=outstanding)


def keep(jti: str, *, until: datetime) -> None:
    """Keep a session's row from ``flushexpiredtokens``: by it others revoke the session.

    Args:
        jti: the row's.
        until: when the session expires, aware.
    """
    if not is_installed():
        return
    from rest_framework_simplejwt.token_blacklist import models

    tables: Any = models
    earlier = tables.OutstandingToken.objects.filter(jti=jti, expires_at__lt=_stored(until))
    earlier.update(expires_at=_stored(until))


def revoke_ended(session: Session) -> None:
    """Write the rows with which plain simplejwt refuses the last token of an ended session.

    Args:
        session: the row, with ``session.user`` loaded.
    """
    jti = binding.jti_of(session.pk, session.generation)
    revoke(jti, user=session.user, expires_at=in_utc(session.expires_at))


def watch() -> None:
    """Follow the rows that others write, and the endings that they have to contain."""
    signals.session_ended.connect(_on_ending, dispatch_uid="drf_ratchet_compat.simplejwt")
    if is_installed():
        from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

        post_save.connect(
            _on_blacklisting, sender=BlacklistedToken, dispatch_uid="drf_ratchet_compat.simplejwt"
        )


def _on_ending(session: Session, **kwargs: Any) -> None:
    if phase() is Phase.DRAIN and is_installed():
        # The generation may have moved on since the row was read.
        current = store.get(session.pk) or session
        revoke_ended(current)


def _on_blacklisting(instance: Any, created: bool, **kwargs: Any) -> None:
    """End the session of a row that an admin or the project's code has blacklisted.

    The row of a token from before the line too: a project may point at it by a foreign key.
    """
    if not created or getattr(_local, "writes", False) or phase() is Phase.MARK:
        return
    outstanding = instance.token
    try:
        payload: Mapping[str, Any] = unverified_claims(outstanding.token)
    except (TokenRefused, UnicodeEncodeError):
        return
    # A text that somebody made of a forged token does not have the jti.
    if payload.get(api_settings.JTI_CLAIM) != outstanding.jti:
        return
    from drf_ratchet_compat.simplejwt.sessions import own_session_of

    session = own_session_of(payload)
    if session is not None:
        end(session, reason=EndReason.REVOKED)


def _stored(moment: datetime) -> Any:
    from rest_framework_simplejwt.utils import datetime_from_epoch

    # In simplejwt's own form: naive without USE_TZ.
    return datetime_from_epoch(moment.timestamp())


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def access_lifetime() -> timedelta:
    """Return how long an access token lives, at the least a minute for the clocks' sake."""
    lifetime: timedelta = api_settings.ACCESS_TOKEN_LIFETIME
    return lifetime + timedelta(minutes=1)
