"""Refresh a session: one read, one decision, and at most one conditional update."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError
from django.dispatch import Signal
from django.http import HttpRequest

from drf_ratchet import signals
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.keyring import keyring
from drf_ratchet.models import Session
from drf_ratchet.security_log import one_line, security_log
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import (
    ATTEMPTS,
    Contended,
    require_autocommit,
    retry_on_conflict,
    write_database,
)
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import report_ending
from drf_ratchet.sessions.fingerprint import is_unchanged, renewed
from drf_ratchet.sessions.grant import (
    HEADER,
    GetClaims,
    Grant,
    Transport,
    custom_claims,
    in_utc,
    mint_access,
    mint_refresh,
)
from drf_ratchet.sessions.methods import joined
from drf_ratchet.sessions.rotation import Decision, Outcome, SessionState, decide, refusal
from drf_ratchet.sessions.sign_in_policy import may_sign_in
from drf_ratchet.sessions.store import Read
from drf_ratchet.sessions.subject import is_active, subject_of
from drf_ratchet.tenants import issuer_for
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind, RefreshClaims
from ratchet_tokens.errors import Reason, TokenRefused


def refresh_session(
    refresh: str | RefreshClaims,
    *,
    request: HttpRequest | None = None,
    idempotency_key: str = "",
    retry_window: timedelta | None = None,
    get_claims: GetClaims | None = None,
    transport: Transport = HEADER,
    idle: timedelta | None = None,
) -> Grant:
    """Return a new pair for a refresh token: one read, and an update if the counter increments.

    Sends ``session_refreshed``, or ``reuse_detected`` and ``session_ended``.

    Args:
        refresh: the refresh token, or what ``read_refresh`` made of it.
        request: the request that brought it; its user agent and address are kept.
        idempotency_key: chosen by the client once per token. A retry with the same one gets
            the same response until the next refresh, however late it comes.
        retry_window: how long after the refresh a retry is accepted; None for no limit.
        get_claims: given the user, further custom claims for this one access token.
        transport: how the tokens travel, this one and the new ones.
        idle: how long the session lives on without another refresh, instead of
            ``REFRESH_TOKEN_LIFETIME``.

    Raises:
        TokenRefused: with the reason; what it ended is committed. ``user_inactive`` where
            ``SIGN_IN_POLICY`` says no.
        RuntimeError: called inside a transaction.
        Contended: the row changed under every attempt; try again.
    """
    if not isinstance(refresh, RefreshClaims):
        refresh = read_refresh(refresh, kind=transport.refresh, request=request)
    return _refresh(
        _Refresh(
            refresh,
            request,
            key_hash_of(idempotency_key),
            get_claims,
            transport,
            retry_window=retry_window,
            idle=idle,
        )
    )


def step_up_session(
    token: RefreshClaims,
    *,
    request: HttpRequest | None = None,
    idempotency_key: str = "",
    amr: Sequence[str] = (),
    get_claims: GetClaims | None = None,
    transport: Transport = HEADER,
) -> Grant:
    """Return a new pair with a new ``auth_time``, for a user who has proved again who they are.

    Increments the counter as a refresh does. Only a retry with the same Idempotency-Key gets the
    same response: the grace period would give the elevation to a thief of the token.

    Args:
        token: the verified refresh token. The caller must have checked the user's password or
            other proof.
        request: the request that brought it.
        idempotency_key: as for a refresh.
        amr: how the user has just proved who they are, as for ``open_session``. These methods
            replace those of the sign-in: ``auth_time`` is theirs.
        get_claims: given the user, further custom claims for this one access token.
        transport: how the new tokens travel.

    Raises:
        TokenRefused, RuntimeError, Contended: as ``refresh_session``.
        NoActiveAccount: ``SIGN_IN_POLICY`` says no.
    """
    key_hash = key_hash_of(idempotency_key)
    return _refresh(
        _Refresh(token, request, key_hash, get_claims, transport, amr=amr, elevates=True)
    )


def check_refresh(
    refresh: object, *, kind: Kind = Kind.REFRESH, request: HttpRequest | None = None
) -> Session:
    """Return the active session of a refresh token. Ignores its generation and writes nothing.

    Args:
        refresh: what the client sent; anything. Or what was read of it.
        kind: how it has to have travelled.
        request: the request that brought it, for a callable ``ISSUER``.

    Returns:
        The row, with ``session.user`` loaded.

    Raises:
        TokenRefused: with the reason.
    """
    if not isinstance(refresh, RefreshClaims):
        refresh = read_refresh(refresh, kind=kind, request=request)
    return read_alive(refresh).session


def read_alive(token: RefreshClaims) -> Read:
    """Return the active session of a verified token, and the database's clock. Writes nothing.

    Args:
        token: whose session it is; its generation is not looked at.

    Raises:
        TokenRefused: with the reason.
    """
    read = store.read(token.session)
    refused = refusal(state_of(read, token), read.now) if read else None
    if read is None or refused:
        raise TokenRefused((refused and refused.reason) or Reason.SESSION_ENDED)
    return read


def check_unused(token: RefreshClaims, *, request: HttpRequest | None = None) -> None:
    """End the session of a refresh token that was used before, as a refresh would; else do nothing.

    For code that makes other tokens of one without incrementing the counter.

    Args:
        token: verified.
        request: the request that brought it.

    Raises:
        TokenRefused: reused.
    """
    read = store.read(token.session)
    decision = _decide(read, token) if read else None
    if read and decision and decision.outcome is Outcome.REUSE:
        end_refused(read.session, decision, request)
        raise TokenRefused(Reason.REUSED)


def read_refresh(
    refresh: object,
    *,
    kind: Kind = Kind.REFRESH,
    request: HttpRequest | None = None,
    check_times: bool = True,
) -> RefreshClaims:
    """Verify a refresh token and return its claims.

    Args:
        refresh: what the client sent; anything.
        kind: how it has to have travelled.
        request: the request that brought it: a token of another tenant is refused.
        check_times: False to accept an expired one, as a logout must.

    Raises:
        TokenRefused: with the reason.
    """
    verified = codec.verify(
        refresh,
        keyring().refresh,
        kind,
        issuer=issuer_for(request),
        leeway=ratchet_settings().LEEWAY.total_seconds(),
        check_times=check_times,
    )
    return RefreshClaims.read(verified)


class _Refresh(NamedTuple):
    """A refresh or a step-up, as it was asked for: the arguments of ``refresh_session``.

    Args:
        key_hash: the hash of the Idempotency-Key; "" for none.
        elevates: whether it is a step-up.
    """

    token: RefreshClaims
    request: HttpRequest | None
    key_hash: str
    get_claims: GetClaims | None
    transport: Transport
    retry_window: timedelta | None = None
    idle: timedelta | None = None
    amr: Sequence[str] = ()
    elevates: bool = False


def key_hash_of(idempotency_key: str) -> str:
    """Return the hash of an Idempotency-Key as sessions store it; "" for none.

    Args:
        idempotency_key: the client's key.
    """
    return hashlib.sha256(idempotency_key.encode()).hexdigest() if idempotency_key else ""


def _refresh(asked: _Refresh) -> Grant:
    require_autocommit(write_database())
    for _ in range(ATTEMPTS):
        grant = retry_on_conflict(lambda: _refresh_once(asked))
        if grant is not None:
            _send(signals.session_refreshed, grant.session, asked.request, outcome=grant.outcome)
            return grant
    raise Contended


def state_of(read: Read, token: RefreshClaims) -> SessionState:
    """Return the state of a session as the rule needs it, for a token of this subject.

    Args:
        read: the row, as it was read.
        token: verified.
    """
    session, user = read.session, read.session.user
    return SessionState(
        generation=session.generation,
        rotates=session.rotates,
        rotated_at=in_utc(session.rotated_at),
        expires_at=in_utc(session.expires_at),
        ended=session.ended_at is not None,
        end_reason=session.end_reason,
        key_hash=session.idempotency_key_hash,
        # The first turn may fall on the tick of a coarse clock at which the session was opened.
        elevated=session.created_at < session.auth_time == session.rotated_at,
        is_of_subject=(
            user is not None and read.user_visible and subject_of(user) == token.subject
        ),
        user_active=user is not None and is_active(user),
        password_unchanged=user is not None and is_unchanged(user, session.fingerprint),
    )


def _decide(
    read: Read,
    token: RefreshClaims,
    key_hash: str = "",
    *,
    retry_window: timedelta | None = None,
    elevates: bool = False,
) -> Decision:
    settings = ratchet_settings()
    return decide(
        state_of(read, token),
        token.generation,
        now=read.now,
        grace=settings.ROTATION_GRACE,
        catch_up_limit=settings.CATCH_UP_LIMIT,
        key_hash=key_hash,
        retry_window=retry_window,
        elevates=elevates,
    )


def _refresh_once(asked: _Refresh) -> Grant | None:
    """Read once and decide once; return None if the row changed in between."""
    token, request, elevates = asked.token, asked.request, asked.elevates
    read = store.read(token.session)
    if read is None:
        raise TokenRefused(Reason.SESSION_ENDED)
    session = read.session
    decision = _decide(
        read, token, asked.key_hash, retry_window=asked.retry_window, elevates=elevates
    )
    if decision.reason is not None:
        if decision.ending and not end_refused(session, decision, request):
            return None
        raise TokenRefused(decision.reason)
    if not may_sign_in(session.user, request=request, amr=asked.amr, session=session):
        # The session goes on: a policy may look at the request, and accept the next one.
        raise NoActiveAccount if elevates else TokenRefused(Reason.USER_INACTIVE)
    changes: dict[str, Any] = {}
    if decision.advances:
        changes = changes_of(
            read, decision, request=request, key_hash=asked.key_hash, idle=asked.idle
        )
        if elevates:
            changes["auth_time"] = read.now
            if session.amr != (methods := joined(asked.amr)):
                changes["amr"] = methods
    # Everything that may fail comes before the counter is incremented.
    try:
        claims = custom_claims(
            session.user, session=session, request=request, get_claims=asked.get_claims
        )
    except (DatabaseError, ObjectDoesNotExist):
        read_alive(token)  # the user may have been deleted since the row was read
        raise
    access, access_expires_at = mint_access(
        session.user,
        session,
        read.now,
        changes.get("expires_at", session.expires_at),
        claims,
        auth_time=read.now if elevates else session.auth_time,
        amr=asked.amr if elevates else None,
        kind=asked.transport.access,
        request=request,
    )
    if changes and not store.change(session, changes):
        return None
    if decision.outcome is Outcome.CATCH_UP:
        report_catch_up(session, token, request)
    refresh = None
    if decision.outcome is not Outcome.HOLD:
        refresh = mint_refresh(session.user, session, asked.transport.refresh, request)
    return Grant(access, refresh, session, read.now, access_expires_at, decision.outcome)


def changes_of(
    read: Read,
    decision: Decision,
    *,
    request: Any = None,
    key_hash: str = "",
    idle: timedelta | None = None,
) -> dict[str, Any]:
    """Return what a refresh that increments the counter writes, for ``store.change``.

    Args:
        read: the row, as it was read.
        decision: an ADVANCE or a CATCH_UP.
        request: the request that refreshes; None keeps the device that is known.
        key_hash: hash of its Idempotency-Key; "" for none.
        idle: how long the session lives without a further refresh; ``REFRESH_TOKEN_LIFETIME`` by
            default.
    """
    session = read.session
    idle_end = read.now + (idle or ratchet_settings().REFRESH_TOKEN_LIFETIME)
    ends_at = in_utc(session.ends_at) if session.ends_at else idle_end
    changes = {
        "generation": decision.generation,
        "rotated_at": read.now,
        "expires_at": min(idle_end, ends_at),
    }
    mostly_the_same = {
        "idempotency_key_hash": key_hash,
        "fingerprint": renewed(session.user, session.fingerprint),
        **(device_of(request)._asdict() if request is not None else {}),
    }
    # The update fails unless the generation is what was read, so these are what was read too.
    changes.update(
        {name: new for name, new in mostly_the_same.items() if new != getattr(session, name)}
    )
    return changes


def end_refused(session: Session, decision: Decision, request: HttpRequest | None) -> bool:
    """End a session whose token was refused; return False if the row must be read again.

    Args:
        session: the row, as it was read.
        decision: a refusal with an ``ending``.
        request: the request that brought the token, for the signals.
    """
    conditions = {}
    if decision.ending is EndReason.PASSWORD_CHANGED:
        # A hasher's upgrade may just now have re-stamped the row.
        conditions["fingerprint"] = session.fingerprint
    reason = decision.ending or ""
    if not store.end(session, reason, **conditions):
        return False
    report_ending(session, reason, request)
    if decision.outcome is Outcome.REUSE:
        security_log.warning(
            "A used refresh token of session %s of user %s was presented again.",
            session.pk,
            one_line(session.user_id),
        )
        _send(signals.reuse_detected, session, request)
    return True


def report_catch_up(session: Session, token: RefreshClaims, request: HttpRequest | None) -> None:
    """Log and announce that the database had lost writes of a session.

    Args:
        session: the row, caught up.
        token: verified.
        request: the request that brought it, for the signal.
    """
    security_log.warning(
        "Session %s of user %s was behind its refresh token (generation %d): the database has "
        "lost writes. Caught up.",
        session.pk,
        one_line(session.user_id),
        token.generation,
    )
    _send(signals.session_caught_up, session, request, generation=token.generation)


def _send(signal: Signal, session: Session, request: HttpRequest | None, **details: Any) -> None:
    signal.send_robust(sender=Session, session=session, request=request, **details)
