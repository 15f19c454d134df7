"""Open a session: the last step of every sign-in."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, connections, router
from django.http import HttpRequest

from drf_ratchet import signals
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.exceptions import NoActiveAccount
from drf_ratchet.models import Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.device import (
    device_of,
    django_request,
    kind_of_device,
    network_of_address,
)
from drf_ratchet.sessions.ending import end_beyond_limit
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
from drf_ratchet.sessions.sign_in_policy import may_sign_in


def open_session(
    user: Any,
    *,
    request: HttpRequest | None = None,
    lifetime: timedelta | None = None,
    amr: Sequence[str] = (),
    get_claims: GetClaims | None = None,
    transport: Transport = HEADER,
    after_login: bool = False,
) -> Grant:
    """Open a session and return its tokens: the one call in which every sign-in ends.

    The caller has verified the credentials. ``SIGN_IN_POLICY`` decides here whether the user may
    sign in. Sends ``session_opened``, and Django's ``user_logged_in`` if there is a request.

    Args:
        user: a saved instance of the user model.
        request: the request that signs in, Django's or DRF's. The session stores its user agent and
            address.
        lifetime: the session's absolute lifetime, instead of ``SESSION_LIFETIME``.
        amr: the authentication methods just used: values of RFC 8176, such as "pwd" and "otp".
            ``SIGN_IN_POLICY`` gets them, and access tokens carry them.
        get_claims: given the user, returns further custom claims for this one access token.
        transport: the kinds of tokens to make; by default for headers and bodies.
        after_login: whether ``django.contrib.auth.login`` has signed the user in before, and has
            sent ``user_logged_in``. Then it is not sent again.

    Returns:
        The pair of tokens and the session.

    Raises:
        NoActiveAccount: the user is inactive, or the policy refused the sign-in. Or meanwhile the
            user was deleted or the session ended.
        ImproperlyConfigured: the custom claims cannot be used. The new session is deleted.
        ValueError: a method of ``amr`` is no short word.
    """
    settings = ratchet_settings()
    opened = new_session(
        user,
        request=request,
        amr=amr,
        rotates=settings.ROTATE_REFRESH_TOKENS,
        idle=settings.REFRESH_TOKEN_LIFETIME,
        absolute=lifetime or settings.SESSION_LIFETIME,
    )
    with opened as session:
        custom = custom_claims(user, session=session, request=request, get_claims=get_claims)
        access, access_expires_at = mint_access(
            user,
            session,
            session.created_at,
            session.expires_at,
            custom,
            kind=transport.access,
            request=request,
        )
        refresh = mint_refresh(user, session, transport.refresh, request)
        if not after_login:
            send_logged_in(user, request)
    announce(session, request)
    return Grant(access, refresh, session, in_utc(session.created_at), access_expires_at)


@contextmanager
def new_session(
    user: Any,
    *,
    request: HttpRequest | None,
    rotates: bool,
    idle: timedelta,
    absolute: timedelta | None,
    amr: Sequence[str] = (),
    auth_time: datetime | None = None,
) -> Iterator[Session]:
    """Insert a session, and delete its row if the block that makes its first tokens fails.

    Args:
        user: a saved instance of the user model.
        request: the request that signs in, or None.
        rotates: whether a refresh increments the session's counter.
        idle: how long the session lives without a refresh.
        absolute: the session's maximum lifetime; None for no limit.
        amr: as for ``open_session``.
        auth_time: when the user authenticated, aware; the present by default.

    Raises:
        NoActiveAccount: as ``open_session``.
    """
    methods = joined(amr)
    if not may_sign_in(user, request=request, amr=amr) or user.pk is None:
        raise NoActiveAccount
    session: Session | None = None
    try:
        session = store.insert(
            user,
            rotates=rotates,
            idle=idle,
            absolute=absolute,
            device=device_of(request),
            auth_time=auth_time,
            amr=methods,
        )
        with _demand_alive(session):
            yield session
    except BaseException as error:
        # No client received a token of this session.
        if session is not None and not connections[write_database()].needs_rollback:
            store.discard(session)
        if isinstance(error, Exception) and _is_gone(user, error, inserted=session is not None):
            raise NoActiveAccount from None
        raise


def announce(session: Session, request: HttpRequest | None) -> None:
    """Enforce ``MAX_SESSIONS_PER_USER`` and send ``session_opened``, once a session has its tokens.

    Args:
        session: the row, with ``session.user`` loaded.
        request: the request that signed in, or None.

    Raises:
        NoActiveAccount: a receiver of ``session_opened`` ended the session.
    """
    limit = ratchet_settings().MAX_SESSIONS_PER_USER
    if limit is not None:
        end_beyond_limit(session.user, limit, request=request)
    with _demand_alive(session):
        signals.session_opened.send_robust(sender=Session, session=session, request=request)
        _announce_elsewhere(session, request)


def _announce_elsewhere(session: Session, request: HttpRequest | None) -> None:
    """Send ``signed_in_elsewhere``. One query, and none where nobody listens."""
    if not signals.signed_in_elsewhere.has_listeners(Session):
        return
    known = store.known_devices(session)
    devices = {kind_of_device(user_agent) for user_agent, _ip in known}
    networks = {network_of_address(ip) for _user_agent, ip in known}
    new_device = kind_of_device(session.user_agent) not in devices
    new_network = network_of_address(session.ip) not in networks
    if known and (new_device or new_network):
        signals.signed_in_elsewhere.send_robust(
            sender=Session,
            session=session,
            request=request,
            new_device=new_device,
            new_network=new_network,
        )


def send_logged_in(user: Any, request: HttpRequest | None) -> None:
    """Send Django's ``user_logged_in`` if there is a request: its receivers read ``request.META``.

    Args:
        user: the user who signed in.
        request: Django's or DRF's; None to send nothing.
    """
    if request is None:
        return
    http = django_request(request)
    if hasattr(http, "user"):
        http.user = user  # as django.contrib.auth.login does
    user_logged_in.send(sender=user.__class__, request=http, user=user)


@contextmanager
def _demand_alive(session: Session) -> Iterator[None]:
    """Run the project's claims and receivers, which may end the session or delete its user.

    The row is read again only if they wrote to the session table, so a sign-in sends no further
    query. A session that another process ends meanwhile is refused at the next request.

    Raises:
        NoActiveAccount: the session is no longer active.
    """
    table, wrote = Session._meta.db_table, False

    def watch(
        execute: Callable[..., Any], sql: object, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        nonlocal wrote
        wrote = wrote or (table in str(sql) and not str(sql).startswith("SELECT"))
        return execute(sql, params, many, context)

    with connections[write_database()].execute_wrapper(watch):
        yield
    if wrote:
        owner = session.user_id
        if not store.exists(session.pk, ended_at=None, user_id=owner):
            raise NoActiveAccount


def _is_gone(user: Any, error: Exception, *, inserted: bool) -> bool:
    """Return whether an error of the database or of the project's claims means a deleted user.

    Args:
        user: an instance that was saved.
        error: the exception that was raised.
        inserted: whether the session's row had been inserted.
    """
    if user.pk is None:
        return True  # deleted in this process, by this instance
    if not isinstance(error, (DatabaseError, ObjectDoesNotExist)):
        return False
    model, using = get_user_model(), write_database()
    if connections[using].needs_rollback:
        # This transaction allows no further query. The row's only foreign key is its user, which
        # MariaDB checks at the INSERT. When Django refuses to update a missing row, its error has
        # no cause in the driver.
        if not inserted and isinstance(error, IntegrityError):
            return True
        return isinstance(error, DatabaseError) and error.__cause__ is None
    users = model._base_manager.using(router.db_for_write(model))
    try:
        return not users.filter(pk=user.pk).exists()
    except DatabaseError:
        return False
