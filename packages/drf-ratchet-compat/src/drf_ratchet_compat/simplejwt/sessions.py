"""The session that a token stands for: found, adopted, or opened when it is first signed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from drf_ratchet.clock import aware
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.ids import uuid7
from drf_ratchet.models import Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.device import device_of
from drf_ratchet.sessions.grant import custom_claims
from drf_ratchet.sessions.opening import announce
from drf_ratchet.sessions.refreshing import check_refresh, check_unused
from drf_ratchet.sessions.sign_in_policy import may_sign_in
from drf_ratchet_compat.adopting import GENERATION, adopt, issued_at
from drf_ratchet_compat.simplejwt import old, wire
from drf_ratchet_compat.simplejwt.base import Token
from drf_ratchet_compat.simplejwt.exceptions import ExpiredTokenError, TokenError
from drf_ratchet_compat.simplejwt.settings import api_settings
from drf_ratchet_compat.simplejwt.utils import datetime_to_epoch
from ratchet_tokens.claims import Kind, RefreshClaims, session_id
from ratchet_tokens.errors import Reason, TokenRefused

#: What users are told, in simplejwt's sentences.
MESSAGES: dict[Reason, Any] = {
    Reason.EXPIRED: _("Token is expired"),
    Reason.WRONG_TYPE: _("Token has wrong type"),
    Reason.SESSION_ENDED: _("Token is blacklisted"),
    Reason.REUSED: _("Token is blacklisted"),
    Reason.PASSWORD_CHANGED: _("The user's password has been changed."),
    Reason.USER_INACTIVE: _("No active account found for the given token."),
}
_INVALID = _("Token is invalid")


def _ended(reason: Reason) -> Reason:
    return Reason.SESSION_ENDED if reason is Reason.USER_INACTIVE else reason


def token_error(reason: Reason) -> TokenError:
    """A refusal of ours as simplejwt's error."""
    kind = ExpiredTokenError if reason is Reason.EXPIRED else TokenError
    return kind(MESSAGES.get(reason, _INVALID))


class SessionToken(Token):
    """A token with a session.

    ``token["jti"]`` of a refresh or sliding token is its session's id. So a new one by
    ``set_jti()`` makes it a token of a session of its own, opened when it is next signed.
    """

    #: Whether the counter of a session that it opens may turn.
    may_rotate = False

    def __init__(self, token: Any = None, verify: bool = True) -> None:
        self.request: Any = None
        self._session: Session | None = None
        self._user: Any = None
        self._new_id: UUID | None = None
        super().__init__(token, verify)

    @classmethod
    def for_user(cls, user: Any) -> Any:
        """A new token for a user; its session is opened when it is first signed."""
        token: Any = super().for_user(user)
        token._user = user
        return token

    @property
    def session(self) -> Session:
        """Its session, with ``session.user`` loaded; opened, or an old token adopted, if need be.

        Raises:
            TokenError: it has none any more.
        """
        if self._session is None:
            try:
                self._session = self._find() or self._open()
            except TokenRefused as refused:
                raise token_error(refused.reason) from None
        return self._session

    @session.setter
    def session(self, session: Session) -> None:
        self._session = session

    @property
    def refresh_claims(self) -> RefreshClaims:
        """What it comes to as a refresh token of ours. An old one becomes a session here.

        Raises:
            TokenError: it cannot be one.
        """
        try:
            if self.payload.is_old:
                return adopt(old.old_session(self.payload), request=self.request)
            # A sliding token is of its session, and of no generation.
            sliding = {"gen": GENERATION} if self.payload.kind == wire.SLIDING else {}
            return RefreshClaims.read({**self.payload, **sliding})
        except TokenRefused as refused:
            raise token_error(refused.reason) from None

    @property
    def old_session_id(self) -> UUID:
        """The id of the session that a token of simplejwt's becomes, or became.

        Raises:
            TokenError: it can be none.
        """
        try:
            return old.old_session(self.payload).id
        except TokenRefused as refused:
            raise token_error(refused.reason) from None

    @property
    def custom_claims(self) -> dict[str, Any]:
        """Its claims without those that are written anew into every token."""
        settings = ratchet_settings()
        theirs = {api_settings.TOKEN_TYPE_CLAIM, api_settings.JTI_CLAIM, settings.USER_ID_CLAIM}
        theirs.add(api_settings.REVOKE_TOKEN_CLAIM)
        named = {"iss": settings.ISSUER, "aud": settings.AUDIENCE}
        own = {
            name: value
            for name, value in self.payload.items()
            if name not in wire.WRITTEN_BY_US | theirs
            and not (name in named and value == named[name])
        }
        return wire.as_json(own)

    def custom_claims_for(self, session: Session) -> dict[str, Any]:
        """The same, checked, with those that ``DRF_RATCHET["CLAIMS"]`` makes.

        Raises:
            ImproperlyConfigured: one has the name of a claim that is ours.
        """
        own = self.custom_claims
        return custom_claims(
            session.user, session=session, request=self.request, get_claims=lambda user: own
        )

    def check_session(self) -> None:
        """Check that its session is alive. One query; an old token's, two or three.

        Raises:
            TokenError: the session has ended, or simplejwt's blacklist has the token.
        """
        try:
            self._session = self._living()
        except TokenRefused as refused:
            # Who is inactive is told so by whoever asks for the user, as by simplejwt.
            if refused.reason is not Reason.USER_INACTIVE or self._has_ended():
                raise token_error(_ended(refused.reason)) from None

    def _has_ended(self) -> bool:
        return not store.is_active(self.refresh_claims.session)

    def demand_current(self) -> None:
        """See to it that a refresh token that was used up makes no other token.

        For a project's own code: it must not get around what a refresh would have noticed. Logging
        out is for any.

        Raises:
            TokenError: it was, longer ago than the grace period; its session has ended.
        """
        if self._as_read is None or self._new_id is not None:
            return
        try:
            if self.payload.is_old:
                check_unused(old.old_session(self.payload).claims, request=self.request)
            elif self.payload.kind == Kind.REFRESH:
                check_unused(self.refresh_claims, request=self.request)
        except TokenRefused as refused:
            raise token_error(refused.reason) from None

    def _living(self) -> Session | None:
        if not self.payload.is_old:
            return check_refresh(self.refresh_claims)
        was = old.old_session(self.payload)
        if old.is_blacklisted(was.key):
            raise TokenRefused(Reason.SESSION_ENDED)
        # Adopted before, or not yet.
        return check_refresh(was.claims) if store.exists(was.id) else None

    def _find(self) -> Session | None:
        if self._new_id is not None:
            return None
        if "sid" not in self.payload and not self.payload.is_old:
            return None
        sid = self.refresh_claims.session if self.payload.is_old else session_id(self.payload)
        read = store.read(sid)
        if read is None:
            raise TokenRefused(Reason.SESSION_ENDED)
        return read.session

    def _open(self) -> Session:
        settings = ratchet_settings()
        user = self._user or old.named_user(self.payload)
        if user is None:
            raise TokenRefused(Reason.USER_INACTIVE)
        if settings.SIGN_IN_POLICY and not may_sign_in(user, request=self.request):
            raise TokenRefused(Reason.USER_INACTIVE)
        session = store.insert(
            user,
            rotates=settings.ROTATE_REFRESH_TOKENS and self.may_rotate,
            idle=self._lasts_for(),
            absolute=settings.SESSION_LIFETIME,
            device=device_of(self.request),
            session_id=self._new_id or uuid7(),
            auth_time=self._proved_at(),
        )
        try:
            self.custom_claims_for(session)
        except BaseException:
            store.discard(session)  # nobody will hold a token of it
            raise
        announce(session, self.request)
        return session

    def _proved_at(self) -> datetime | None:
        """When the user proved who they are; None for now. Copying a token proves nothing."""
        if self._as_read is None:
            return None
        if "sid" not in self._as_read:
            return datetime.fromtimestamp(issued_at(self._as_read), tz=UTC)
        read = store.read(session_id(self._as_read))
        return aware(read.session.auth_time, write_database()) if read else store.NEVER

    def _lasts_for(self) -> timedelta:
        """How long a session that it opens lives if nobody refreshes it."""
        return timedelta(seconds=self.payload["exp"] - datetime_to_epoch(self.current_time))


def signed(claims: dict[str, Any], kind: Any) -> str:
    """The string.

    Raises:
        ImproperlyConfigured: the claims make no token.
    """
    try:
        return wire.encode(claims, kind)
    except (TypeError, ValueError, RecursionError) as error:
        raise ImproperlyConfigured(f"The claims make no token: {error}") from None
