"""Open, refresh, end, list: the only module that writes the row."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import connections
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.dispatch import Signal

from drf_ratchet import signals
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import keyring
from drf_ratchet.models import Session
from drf_ratchet.sessions.database import (
    ATTEMPTS,
    demand_autocommit,
    past_conflicts,
    write_database,
)
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.endings import EndReason
from drf_ratchet.sessions.fingerprint import fingerprint_of, is_unchanged
from drf_ratchet.sessions.grant import (
    GetClaims,
    Grant,
    custom_claims,
    mint_access,
    mint_refresh,
    subject_of,
)
from drf_ratchet.sessions.rotation import Decision, Outcome, State, decide, refusal
from drf_ratchet.tokens import codec
from drf_ratchet.tokens.claims import Kind, RefreshClaims
from drf_ratchet.tokens.errors import Reason, TokenRefused

security_log = logging.getLogger("drf_ratchet.security")


def open_session(
    user: Any,
    *,
    request: Any = None,
    lifetime: timedelta | None = None,
    get_claims: GetClaims | None = None,
) -> Grant:
    """Sign a device in: the one call in which any login flow ends.

    It does not ask whether the user may sign in; whoever calls it has found that out. Sends
    Django's ``user_logged_in`` (with a request only) and ``session_opened``.

    Args:
        user: a saved user.
        request: the request that signs in, Django's or DRF's: its user agent and address are
            kept with the session.
        lifetime: the session's absolute lifetime, instead of ``SESSION_LIFETIME``.
        get_claims: given the user, further custom claims for this one access token.

    Returns:
        The pair of tokens and the session.

    Raises:
        ImproperlyConfigured: the custom claims cannot be used. No session is left behind.
    """
    settings = ratchet_settings()
    absolute = lifetime or settings.SESSION_LIFETIME
    idle = min(settings.REFRESH_TOKEN_LIFETIME, absolute or timedelta.max)
    session = Session(
        user=user,
        rotates=settings.ROTATE_REFRESH_TOKENS,
        expires_at=Now() + idle,
        ends_at=Now() + absolute if absolute else None,
        fingerprint=fingerprint_of(user),
        **device_of(request)._asdict(),
    )
    using = write_database()
    session.save(force_insert=True, using=using)
    if not connections[using].features.can_return_columns_from_insert:
        session.refresh_from_db(using=using, fields=["created_at", "auth_time", "rotated_at"])
    session.expires_at = session.created_at + idle
    session.ends_at = session.created_at + absolute if absolute else None
    try:
        custom = custom_claims(user, session=session, request=request, get_claims=get_claims)
        access = mint_access(user, session, session.created_at, custom)
        refresh = mint_refresh(user, session)
        _send_logged_in(user, request)
    except BaseException:
        # Nobody will ever hold a token of this session.
        _rows(using).filter(pk=session.pk).delete()
        raise
    signals.session_opened.send_robust(sender=Session, session=session, request=request)
    return Grant(access, refresh, session)


def refresh_session(
    refresh: str,
    *,
    request: Any = None,
    idempotency_key: str = "",
    get_claims: GetClaims | None = None,
) -> Grant:
    """A new pair for a refresh token: one read, and one conditional update where the counter turns.

    Sends ``session_refreshed``, or ``reuse_detected`` and ``session_ended``.

    Args:
        refresh: the refresh token.
        request: the request that brought it; its user agent and address are kept.
        idempotency_key: chosen by the client once per token; a retry with the same one gets the
            same answer until the next turn, however late it comes.
        get_claims: given the user, further custom claims for this one access token.

    Raises:
        TokenRefused: with the reason; what it ended is committed.
        RuntimeError: called inside a transaction.
    """
    token = read_refresh(refresh)
    using = write_database()
    demand_autocommit(using)
    key_hash = hashlib.sha256(idempotency_key.encode()).hexdigest() if idempotency_key else ""
    for _ in range(ATTEMPTS):
        grant = past_conflicts(lambda: _refresh_once(token, using, request, key_hash, get_claims))
        if grant is not None:
            signals.session_refreshed.send_robust(
                sender=Session, session=grant.session, request=request, outcome=grant.outcome
            )
            return grant
    raise RuntimeError(f"Session {token.session} changed under each of {ATTEMPTS} attempts.")


def check_refresh(refresh: str) -> None:
    """Whether a refresh token's session is alive. Looks at no generation and writes nothing.

    Raises:
        TokenRefused: with the reason.
    """
    token = read_refresh(refresh)
    read = _read(token.session, write_database())
    refused = refusal(_state(read, token), read.now) if read else None
    if read is None or refused:
        raise TokenRefused((refused and refused.reason) or Reason.SESSION_ENDED)


def read_refresh(refresh: object, *, check_times: bool = True) -> RefreshClaims:
    """What a refresh token of ours says.

    Args:
        refresh: what the client sent; anything.
        check_times: False to accept an expired one, as a logout must.

    Raises:
        TokenRefused: with the reason.
    """
    leeway = ratchet_settings().LEEWAY.total_seconds()
    verified = codec.verify(
        refresh, keyring().refresh, Kind.REFRESH, leeway=leeway, check_times=check_times
    )
    return RefreshClaims.read(verified)


def find_session(session_id: UUID) -> Session | None:
    """The row of that id with its user loaded, ended or not; None if there is none."""
    return _rows(write_database()).select_related("user").filter(pk=session_id).first()


def end_session(session: Session, *, reason: str = EndReason.LOGOUT, request: Any = None) -> bool:
    """End a session, if nothing ended it before: the first reason wins.

    Sends ``session_ended``, and Django's ``user_logged_out`` where the reason is a logout.

    Args:
        session: the row.
        reason: for ``end_reason``; at most 32 characters.
        request: the request that ends it, for the signals.

    Returns:
        Whether this call ended it.

    Raises:
        RuntimeError: called inside a transaction.
    """
    using = write_database()
    demand_autocommit(using)
    ended = past_conflicts(lambda: _end(session, using, reason, request))
    if ended and reason in (EndReason.LOGOUT, EndReason.LOGOUT_ALL) and session.user:
        user_logged_out.send(
            sender=type(session.user), request=_django_request(request), user=session.user
        )
    return ended


def end_all_sessions(
    user: Any, *, reason: str = EndReason.LOGOUT_ALL, keep: UUID | None = None, request: Any = None
) -> int:
    """End a user's living sessions, each as ``end_session`` does.

    Args:
        user: whose.
        reason: for ``end_reason``; at most 32 characters.
        keep: the id of a session to leave alone, as "log out my other devices" does.
        request: the request that ends them, for the signals.

    Returns:
        How many this call ended.

    Raises:
        RuntimeError: called inside a transaction.
    """
    sessions = [session for session in living_sessions(user) if session.pk != keep]
    return sum(end_session(session, reason=reason, request=request) for session in sessions)


def living_sessions(user: Any) -> QuerySet[Session]:
    """A user's sessions that have not ended or expired, newest first, each with its user."""
    return (
        _rows(write_database())
        .select_related("user")
        .filter(user=user, ended_at__isnull=True, expires_at__gt=Now())
        .order_by("-id")
    )


@dataclass(frozen=True, slots=True)
class _Read:
    session: Session
    now: datetime
    user_visible: bool


def _rows(using: str) -> QuerySet[Session]:
    return Session._base_manager.using(using)


def _read(session_id: UUID, using: str) -> _Read | None:
    rows: QuerySet[Any] = _rows(using).select_related("user").annotate(database_now=Now())
    # A default manager that hides some users hides them here too.
    visible = get_user_model()._default_manager.using(using)
    hides = bool(visible.all().query.where)
    if hides:
        rows = rows.annotate(user_visible=Exists(visible.filter(pk=OuterRef("user_id"))))
    session = rows.filter(pk=session_id).first()
    if session is None:
        return None
    return _Read(session, session.database_now, session.user_visible if hides else True)


def _state(read: _Read | None, token: RefreshClaims) -> State | None:
    if read is None:
        return None
    session, user = read.session, read.session.user
    return State(
        generation=session.generation,
        rotates=session.rotates,
        rotated_at=session.rotated_at,
        expires_at=session.expires_at,
        ended=session.ended_at is not None,
        key_hash=session.idempotency_key_hash,
        is_of_subject=(
            user is not None and read.user_visible and subject_of(user) == token.subject
        ),
        user_active=user is not None and user.is_active,
        password_unchanged=user is not None and is_unchanged(user, session.fingerprint),
    )


def _refresh_once(
    token: RefreshClaims,
    using: str,
    request: Any,
    key_hash: str,
    get_claims: GetClaims | None,
) -> Grant | None:
    """One read and one decision; None where the row changed in between."""
    settings = ratchet_settings()
    read = _read(token.session, using)
    if read is None:
        raise TokenRefused(Reason.SESSION_ENDED)
    decision = decide(
        _state(read, token),
        token.generation,
        now=read.now,
        grace=settings.ROTATION_GRACE,
        catch_up_limit=settings.CATCH_UP_LIMIT,
        key_hash=key_hash,
    )
    session = read.session
    if decision.reason is not None:
        if decision.ending and not _end_refused(session, using, decision, request):
            return None
        raise TokenRefused(decision.reason)
    # Everything that may fail comes before the counter turns.
    custom = custom_claims(session.user, session=session, request=request, get_claims=get_claims)
    access = mint_access(session.user, session, read.now, custom)
    if decision.turns and not _turn(read, using, decision, request, key_hash):
        return None
    if decision.outcome is Outcome.CATCH_UP:
        _report_catch_up(session, token, request)
    refresh = None if decision.outcome is Outcome.HOLD else mint_refresh(session.user, session)
    return Grant(access, refresh, session, decision.outcome)


def _turn(read: _Read, using: str, decision: Decision, request: Any, key_hash: str) -> bool:
    """The compare-and-set: one conditional UPDATE, the only write of a refresh."""
    session = read.session
    idle_end = read.now + ratchet_settings().REFRESH_TOKEN_LIFETIME
    changes = {
        "generation": decision.generation,
        "rotated_at": read.now,
        "expires_at": min(idle_end, session.ends_at or idle_end),
        "idempotency_key_hash": key_hash,
        # Made under a SECRET_KEY that is about to go, it is renewed before the key is gone.
        "fingerprint": fingerprint_of(session.user),
        **device_of(request)._asdict(),
    }
    turned = (
        _rows(using)
        .filter(pk=session.pk, generation=session.generation, ended_at__isnull=True)
        .update(**changes)
    )
    if not turned:
        return False
    for name, value in changes.items():
        setattr(session, name, value)
    return True


def _end_refused(session: Session, using: str, decision: Decision, request: Any) -> bool:
    """Write the ending that a refusal asks for; False if the row must be looked at again."""
    conditions = {}
    if decision.ending is EndReason.PASSWORD_CHANGED:
        # A hasher's upgrade may just now have re-stamped the row.
        conditions["fingerprint"] = session.fingerprint
    if not _end(session, using, decision.ending or "", request, **conditions):
        return False
    if decision.outcome is Outcome.REUSE:
        security_log.warning(
            "A used refresh token of session %s of user %s was presented again.",
            session.pk,
            session.user_id,
        )
        _send(signals.reuse_detected, session, request)
    return True


def _end(session: Session, using: str, reason: str, request: Any, **conditions: Any) -> bool:
    living = _rows(using).filter(pk=session.pk, ended_at__isnull=True, **conditions)
    if not living.update(ended_at=Now(), end_reason=reason):
        return False
    session.end_reason = reason
    security_log.info("Session %s of user %s ended: %s.", session.pk, session.user_id, reason)
    _send(signals.session_ended, session, request, reason=reason)
    return True


def _report_catch_up(session: Session, token: RefreshClaims, request: Any) -> None:
    security_log.warning(
        "Session %s of user %s was behind its refresh token (generation %d): the database has "
        "lost writes. Caught up.",
        session.pk,
        session.user_id,
        token.generation,
    )
    _send(signals.session_caught_up, session, request, generation=token.generation)


def _send(signal: Signal, session: Session, request: Any, **details: Any) -> None:
    signal.send_robust(sender=Session, session=session, request=request, **details)


def _send_logged_in(user: Any, request: Any) -> None:
    if request is None:
        return  # receivers of Django's signal read request.META
    http = _django_request(request)
    if hasattr(http, "user"):
        http.user = user  # as django.contrib.auth.login does
    user_logged_in.send(sender=type(user), request=http, user=user)


def _django_request(request: Any) -> Any:
    """Django's request under DRF's: django-axes and others need the real one."""
    return getattr(request, "_request", request)
