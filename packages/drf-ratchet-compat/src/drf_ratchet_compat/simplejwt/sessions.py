"""The sessions behind simplejwt's tokens: open, check, refresh and end them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from asgiref.local import Local
from django.contrib.auth import get_user_model
from django.core.exceptions import (
    MultipleObjectsReturned,
    ObjectDoesNotExist,
    ValidationError,
)
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings

from drf_ratchet import signals
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import Busy, NoActiveAccount
from drf_ratchet.limited_refresh import limit_refreshes
from drf_ratchet.models import Session
from drf_ratchet.security_log import security_log
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import (
    ATTEMPTS,
    Contended,
    can_roll_back,
    retry_on_conflict,
    write_database,
)
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import end_beyond_limit, end_with_transaction, report_ending
from drf_ratchet.sessions.feed import feed_of
from drf_ratchet.sessions.grant import in_utc
from drf_ratchet.sessions.methods import joined
from drf_ratchet.sessions.refreshing import (
    changes_of,
    end_refused,
    key_hash_of,
    report_catch_up,
)
from drf_ratchet.sessions.rotation import Decision, Outcome, SessionState, decide
from drf_ratchet.sessions.sign_in_policy import policies_allow
from drf_ratchet.sessions.store import Read
from drf_ratchet.sessions.subject import subject_of
from drf_ratchet_compat import adopting
from drf_ratchet_compat.adopting import OldSession, issued_at
from drf_ratchet_compat.ending import end
from drf_ratchet_compat.simplejwt import binding, blacklist
from drf_ratchet_compat.simplejwt.binding import Binding
from drf_ratchet_compat.simplejwt.event_loop import in_event_loop, off_the_loop
from drf_ratchet_compat.simplejwt.request import current_request
from drf_ratchet_compat.simplejwt.settings import Phase, bridge_setting, phase, rotates
from ratchet_tokens.claims import RefreshClaims
from ratchet_tokens.errors import TokenRefused

PACKAGE = "simplejwt"
#: What a query for a token's user raises. A UUIDField raises ValidationError for any other text,
#: a column that is not unique may find several.
_NO_USER = (
    *(ObjectDoesNotExist, MultipleObjectsReturned),
    *(ValidationError, ValueError, TypeError, OverflowError),
)


class SessionRefused(TokenError):
    """The token's session has ended, or the token was used up. Views answer as for a blacklist."""

    def __init__(self) -> None:
        super().__init__(_("Token is blacklisted"))


@dataclass
class Task:
    """The use that a serializer of simplejwt makes of the refresh token that it reads.

    Args:
        request: the request, or None.
        ends: whether it logs out; else it refreshes.
    """

    request: Any
    ends: bool = False


_local = Local()


@contextmanager
def task(request: Any, *, ends: bool = False) -> Iterator[None]:
    """Say what a serializer does with the refresh token that it reads.

    Args:
        request: the request, or None.
        ends: whether it logs out; else it refreshes.

    Raises:
        Busy: the row changed under every attempt.
    """
    before = getattr(_local, "task", None)
    _local.task = Task(request, ends)
    try:
        yield
    except Contended:
        raise Busy from None
    finally:
        _local.task = before


def current_task() -> Task | None:
    """Return what the running serializer does; None for a token class used by hand."""
    found: Task | None = getattr(_local, "task", None)
    return found


# Open

_AMR = "_drf_ratchet_amr"


def note_password(user: Any) -> None:
    """Note on a user object that simplejwt has just checked its password.

    Args:
        user: as a serializer has it; None where nobody was authenticated.
    """
    if user is not None:
        setattr(user, _AMR, ("pwd",))


def amr_of(user: Any) -> tuple[str, ...]:
    """Return how a user object was authenticated (RFC 8176); empty if nobody has said.

    Args:
        user: whoever ``for_user`` was called with.
    """
    found: tuple[str, ...] = getattr(user, _AMR, ())
    return found


def open_for(user: Any, lifetime: timedelta) -> Session | None:
    """Open a session for a new refresh token; None where there can be none.

    A user that is no saved row, a database that is read-only or not to be used: the token is then
    a plain one, and becomes a session at its first refresh.

    Args:
        user: whoever ``for_user`` was called with.
        lifetime: how long the token lives.

    Raises:
        NoActiveAccount: ``SIGN_IN_POLICY``, or that of another app, refuses the sign-in.
    """
    model: Any = get_user_model()
    if not isinstance(user, model) or user.pk is None or user._state.adding:
        return None
    settings, request = ratchet_settings(), _request()
    amr = amr_of(user)
    if not policies_allow(user, request=request, amr=amr):
        raise NoActiveAccount
    try:
        # In somebody's transaction, a failure must leave it usable.
        with transaction.atomic(using=write_database()):
            session = store.insert(
                user,
                rotates=rotates(),
                idle=lifetime,
                absolute=settings.SESSION_LIFETIME,
                device=device_of(request),
                amr=joined(amr),
            )
    except Exception as error:  # whatever a project's database or test forbids
        security_log.warning(
            "A refresh token was issued without a session: %s.", type(error).__name__
        )
        return None
    if settings.MAX_SESSIONS_PER_USER is not None:
        end_beyond_limit(user, settings.MAX_SESSIONS_PER_USER, request=request)
    signals.session_opened.send_robust(sender=Session, session=session, request=request)
    return session


# Check


def check_refresh(payload: dict[str, Any]) -> Session | None:
    """Refuse a refresh token that was used up or whose session has ended; read only.

    Args:
        payload: verified claims of a refresh token.

    Returns:
        Its session; None for a token without one.

    Raises:
        SessionRefused: as said.
    """
    bound = binding.read(payload)
    if bound is None or not binding.is_ours(payload, bound):
        return _check_plain(payload, bound)
    read = store.read(bound.session)
    if read is None:
        raise SessionRefused
    decision = _decide(read, bound.claims)
    revoked = _revoked(payload, bound.generation, bound.row, read.session)
    if revoked == payload[api_settings.JTI_CLAIM] and _went_on(read.session):
        return check_refresh(payload)
    if decision.reason is not None or revoked:
        raise SessionRefused
    return read.session


def _check_plain(payload: dict[str, Any], bound: Binding | None) -> Session | None:
    """Check a token that plain simplejwt made: before the line, or beside it."""
    if bound is not None and (parent := store.get(bound.session)) and parent.ended_at is not None:
        raise SessionRefused
    if not rotates():
        return None
    old = old_session(payload)
    read = store.read(old.id) if old else None
    if old is None or read is None:
        return None
    if _decide(read, old.claims).reason is not None:
        raise SessionRefused
    return read.session


def check_access(payload: dict[str, Any], bound: Binding) -> None:
    """Refuse an access token whose session has ended, as strictly as ``FRESHNESS`` says.

    Args:
        payload: verified claims of an access token, or of any other that is no refresh token.
        bound: what ``binding.read`` made of them.

    Raises:
        SessionRefused: the session has ended.
        RuntimeError: it takes a query, and this is an event loop.
    """
    freshness = ratchet_settings().FRESHNESS
    if freshness == "expiry":
        return
    ended: bool | None = None
    if freshness == "bounded":
        claims = {
            "sub": bound.subject,
            "sid": str(bound.session),
            "iat": payload.get("iat", 0),
            "exp": payload.get("exp", 0),
        }
        ended = off_the_loop(lambda: feed_of(claims).has_ended(claims))
    elif in_event_loop():
        raise RuntimeError(
            "Under FRESHNESS = 'immediate' a token asks the database whether its session has "
            "ended. In an event loop, make it with await sync_to_async(AccessToken)(text), or set "
            "DRF_RATCHET['FRESHNESS'] to 'bounded'."
        )
    if ended is None:
        ended = not off_the_loop(lambda: store.exists(bound.session, ended_at=None))
    if ended:
        raise SessionRefused


# Refresh


def advance(payload: dict[str, Any], lifetime: timedelta) -> tuple[Session, int] | None:
    """Increment the counter for a verified refresh token, or repeat the last increment.

    A token of plain simplejwt becomes a session first. A used-up token ends its session where a
    serializer refreshes with it, and nowhere else.

    Args:
        payload: verified claims of a refresh token.
        lifetime: how long the session lives without a further refresh.

    Returns:
        The session at the new generation, and the generation that simplejwt's tables list it under;
        None for a token without a user, which can have no session.

    Raises:
        SessionRefused: used up, revoked or ended.
        Contended: the row changed under every attempt.
        Throttled: ``LIMIT_REFRESHES`` is set, and the session refreshes too often.
    """
    token, row = _adopted(payload)
    if token is None:
        return None
    request = _request()
    if bridge_setting("LIMIT_REFRESHES") and current_task() is not None:
        limit_refreshes(token, request)
    key = key_hash_of(_idempotency_key(request))
    for _attempt in range(ATTEMPTS):
        session = retry_on_conflict(
            lambda: _advance_once(payload, token, row, lifetime, request=request, key_hash=key)
        )
        if session is not None:
            return session, row
    raise Contended


def _advance_once(
    payload: dict[str, Any],
    token: RefreshClaims,
    row: int,
    lifetime: timedelta,
    *,
    request: Any,
    key_hash: str,
) -> Session | None:
    read = store.read(token.session)
    if read is None:
        raise SessionRefused
    session = read.session
    decision = _decide(read, token, key_hash)
    if decision.reason is not None:
        if decision.outcome is Outcome.REUSE and current_task() is not None:
            _end_reused(session, decision, request)
        raise SessionRefused
    changes: dict[str, Any] = {}
    if not policies_allow(session.user, request=request, session=session):
        raise SessionRefused
    if decision.advances:
        changes = changes_of(read, decision, request=request, key_hash=key_hash, idle=lifetime)
    revoked = _revoked(payload, token.generation, row, session, changes.get("expires_at"))
    if revoked:
        if revoked != payload[api_settings.JTI_CLAIM]:
            end(session, reason=EndReason.REVOKED)
        elif _went_on(session):
            return None
        # A process without the bridge may have rotated this very token: what it made goes on.
        store.shorten(session.pk, blacklist.access_lifetime())
        raise SessionRefused
    if changes and not _change(payload, session, changes):
        return None
    if decision.outcome is Outcome.CATCH_UP:
        report_catch_up(session, token, request)
    signals.session_refreshed.send_robust(
        sender=Session, session=session, request=request, outcome=decision.outcome
    )
    return session


def _change(payload: dict[str, Any], session: Session, changes: dict[str, Any]) -> bool:
    """Write an increment, and on the way back simplejwt's rows with it."""
    if phase() is not Phase.DRAIN or not blacklist.is_installed():
        return store.change(session, changes)
    expires_at = datetime.fromtimestamp(payload["exp"], UTC)
    with transaction.atomic(using=write_database()):
        if not store.change(session, changes):
            return False
        jti = payload[api_settings.JTI_CLAIM]
        blacklist.revoke(jti, user=session.user, expires_at=expires_at)
    return True


def _end_reused(session: Session, decision: Decision, request: Any) -> None:
    """End the session of a reused token, so that no rollback undoes it."""
    if not can_roll_back(write_database()):
        end_refused(session, decision, request)
        return
    # DRF rolls an atomic request back when it answers 401.
    end_with_transaction(session, EndReason.REUSE)
    current = current_request()
    if current is not None:
        current.at_end.append(partial(_end_again, session, request))


def _end_again(session: Session, request: Any) -> None:
    if retry_on_conflict(partial(store.end, session, EndReason.REUSE)):
        report_ending(session, EndReason.REUSE, request)
        signals.reuse_detected.send_robust(sender=Session, session=session, request=request)


def _decide(read: Read, token: RefreshClaims, key_hash: str = "") -> Decision:
    session, settings = read.session, ratchet_settings()
    user = session.user
    state = SessionState(
        generation=session.generation,
        rotates=True,
        rotated_at=in_utc(session.rotated_at),
        # simplejwt's tokens carry their own expiry. Only an absolute end is ours.
        expires_at=in_utc(session.ends_at) if session.ends_at else datetime.max.replace(tzinfo=UTC),
        ended=session.ended_at is not None,
        end_reason=session.end_reason,
        key_hash=session.idempotency_key_hash,
        is_of_subject=user is not None and subject_of(user) == token.subject,
    )
    return decide(
        state,
        token.generation,
        now=read.now,
        grace=settings.ROTATION_GRACE,
        catch_up_limit=settings.CATCH_UP_LIMIT,
        key_hash=key_hash,
    )


def _revoked(
    payload: dict[str, Any],
    generation: int,
    row: int,
    session: Session,
    extend_to: datetime | None = None,
) -> str:
    """Return the ``jti`` that simplejwt's blacklist has, of this token or its session; "" for none.

    Args:
        payload: verified claims.
        generation: the token's.
        row: the generation that simplejwt's tables list the session under.
        session: the row.
        extend_to: when the session expires from now on.
    """
    own, listed = str(payload[api_settings.JTI_CLAIM]), binding.jti_of(session.pk, row)
    names = {own, listed}
    if generation < session.generation:
        # Its own row may say no more than that it was rotated, on the way back.
        names = {binding.jti_of(session.pk, session.generation), listed} - {own}
    return blacklist.revoked(names, row=listed, extend_to=extend_to)


def _request() -> Any:
    doing, current = current_task(), current_request()
    if doing is not None and doing.request is not None:
        return doing.request
    return current.request if current is not None else None


def _went_on(session: Session) -> bool:
    """Return whether another request has rotated a session since it was read.

    On the way back that request blacklists the token too, which means no more than that.

    Args:
        session: the row, as it was read.
    """
    now = store.get(session.pk)
    return now is not None and now.generation != session.generation


def _idempotency_key(request: Any) -> str:
    from drf_ratchet.bounds import MAX_IDEMPOTENCY_KEY_LENGTH

    key: str = request.META.get("HTTP_IDEMPOTENCY_KEY", "") if request is not None else ""
    return key if len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH else ""


# Tokens of plain simplejwt


def old_session(payload: Mapping[str, Any]) -> OldSession | None:
    """Return what a token of plain simplejwt says of its session; None without a user.

    Args:
        payload: verified claims of a refresh token.
    """
    users = get_user_model()._default_manager
    named = {api_settings.USER_ID_FIELD: payload.get(api_settings.USER_ID_CLAIM)}
    try:
        user = users.get(**named)
    except _NO_USER:
        return None
    return OldSession(
        PACKAGE,
        str(payload[api_settings.JTI_CLAIM]),
        user,
        issued_at(payload),
        payload["exp"],
        rotates=True,
    )


def bind_ahead(payload: dict[str, Any]) -> None:
    """Bind a token of plain simplejwt to the session that its refresh is about to open.

    simplejwt signs the new access token first, which copies these claims: it ends with the session.

    Args:
        payload: verified claims of a refresh token, which are changed.
    """
    old = old_session(payload) if binding.read(payload) is None else None
    if old is not None:
        binding.name(payload, old.id, old.claims.generation, old.claims.subject, FIRST)


def _adopted(payload: dict[str, Any]) -> tuple[RefreshClaims | None, int]:
    """Return a token as the rule takes it, with its session's row; adopt one of plain simplejwt."""
    bound = binding.read(payload)
    if bound is not None and binding.is_ours(payload, bound):
        return bound.claims, bound.row
    old = old_session(payload)
    if old is None:
        return None, 0
    if bound is not None and bound.session != old.id:
        # A process without the bridge rotated it. Its session lives on under another id.
        parent = store.get(bound.session)
        if parent is not None and parent.ended_at is not None:
            raise SessionRefused
        store.shorten(bound.session, blacklist.access_lifetime())
    try:
        adopted = adopting.adopt(old, request=_request())
    except TokenRefused:
        raise SessionRefused from None
    return adopted, FIRST


def native_claims(payload: dict[str, Any]) -> RefreshClaims:
    """Return a verified refresh token of simplejwt as drf-ratchet's own refresh takes it.

    Args:
        payload: its claims.

    Raises:
        SessionRefused: revoked, or of nobody.
    """
    token, row = _adopted(payload)
    session = store.get(token.session) if token else None
    if token is None or session is None or _revoked(payload, token.generation, row, session):
        raise SessionRefused
    return token


#: The first generation that a refresh of a plain token makes, and that a sign-in starts with.
FIRST = adopting.GENERATION + 1


# End


def sessions_of(payload: dict[str, Any]) -> Iterator[Session]:
    """Yield the sessions of a verified refresh token: its own, and that of its old ``jti``.

    Args:
        payload: verified claims of a refresh token.
    """
    bound = binding.read(payload)
    if bound is not None and (session := store.get(bound.session)):
        yield session
    if bound is None or not binding.is_ours(payload, bound):
        old = old_session(payload)
        if old is not None and (session := store.get(old.id)):
            yield session


def own_session_of(payload: Mapping[str, Any]) -> Session | None:
    """Return the session that a refresh token's ``jti`` stands for; None if there is none.

    Args:
        payload: claims whose ``jti`` is known to be of a token that was issued.
    """
    bound = binding.read(payload)
    if bound is not None and binding.is_ours(payload, bound):
        return store.get(bound.session)
    try:
        old = old_session(payload)
        return store.get(old.id) if old else None
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None  # a row may hold any text: no exp, an iat that is no time


def end_sessions_of(payload: dict[str, Any]) -> None:
    """End the sessions of a verified refresh token: a logout.

    Args:
        payload: its claims.
    """
    for session in sessions_of(payload):
        # Without a request: simplejwt sends no user_logged_out, and django-axes takes none.
        end(session)
