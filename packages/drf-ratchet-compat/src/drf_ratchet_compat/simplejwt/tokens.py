"""simplejwt's tokens, each with a session behind it."""

from datetime import timedelta
from typing import Any

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.ids import uuid7
from drf_ratchet.sessions import store
from drf_ratchet.sessions.grant import claims_of_refresh, in_seconds, in_utc
from drf_ratchet.sessions.subject import subject_of
from drf_ratchet.tenants import issuer_for
from drf_ratchet_compat.ending import end
from drf_ratchet_compat.simplejwt import wire
from drf_ratchet_compat.simplejwt.authentication import AuthUser
from drf_ratchet_compat.simplejwt.base import Lifetime, Token
from drf_ratchet_compat.simplejwt.sessions import SessionToken, signed
from drf_ratchet_compat.simplejwt.settings import api_settings
from ratchet_tokens.claims import Kind, access_claims

__all__ = [
    "AccessToken",
    "AuthUser",
    "BlacklistMixin",
    "RefreshToken",
    "SlidingToken",
    "Token",
    "UntypedToken",
]


#: The token is stamped by this process, its session by the database.
_CLOCKS_DIFFER = timedelta(seconds=1)


class BlacklistMixin(SessionToken):
    """A token that can be taken back: what ends is its session.

    It needs no app to be installed for that.
    """

    def verify(self, *args: Any, **kwargs: Any) -> None:
        """Its type first, then its session, then what all tokens are checked for."""
        self.verify_kind()
        if api_settings.TOKEN_TYPE_CLAIM is not None:
            self.verify_token_type()
        self.check_blacklist()
        super().verify(*args, **kwargs)

    def set_jti(self) -> None:
        """Make it a token of a session of its own.

        Raises:
            TokenError: it was used up; its session has ended.
        """
        if self.token is not None:
            self.demand_current()
        self._new_id, self._session = uuid7(), None
        self._user = self._user if self.token is None else None
        for name in ("sid", "gen"):
            self.payload.pop(name, None)
        self.payload[api_settings.JTI_CLAIM or "jti"] = self._new_id.hex

    def check_blacklist(self) -> None:
        """Check that its session is alive, and that simplejwt's own blacklist has it not.

        Raises:
            TokenError: it is not.
        """
        self.check_session()

    def blacklist(self) -> Any:
        """End its session: no token of it is good any more, the access tokens included.

        Returns:
            A pair, as of ``get_or_create``: the blacklist's row (None without its app) and True.
        """
        end(self.session, request=self.request)
        return _row_of(self, "BlacklistedToken"), True

    def outstand(self) -> Any:
        """Its row in the list of tokens, and False: None without that list's app."""
        row = _row_of(self, "OutstandingToken")
        return row and (row, False)


class SlidingToken(BlacklistMixin):
    """One token for both: good for requests until ``exp``, and for a new one until it cannot be."""

    token_type = "sliding"
    lifetime = Lifetime("SLIDING_TOKEN_LIFETIME")
    kind = wire.SLIDING

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.token is None:
            self.set_exp(
                api_settings.SLIDING_TOKEN_REFRESH_EXP_CLAIM,
                from_time=self.current_time,
                lifetime=api_settings.SLIDING_TOKEN_REFRESH_LIFETIME,
            )

    def sign(self) -> str:
        """The string: to us, an access token of its session."""
        return _sign_access(self, self.session, {wire.TYPE: wire.SLIDING})

    def _lasts_for(self) -> timedelta:
        refreshed = self.payload.get(api_settings.SLIDING_TOKEN_REFRESH_EXP_CLAIM, 0)
        further = timedelta(seconds=max(0, refreshed - self.payload["exp"]))
        return super()._lasts_for() + further + _CLOCKS_DIFFER


class AccessToken(SessionToken):
    """For requests. Made by itself, it has a session by itself, which ends with it."""

    token_type = "access"
    lifetime = Lifetime("ACCESS_TOKEN_LIFETIME")

    #: The refresh token that it was made of.
    made_of: "RefreshToken | None" = None

    @property
    def kind(self) -> str:  # type: ignore[override]
        """A class derived from it, with a ``token_type`` of its own, is a kind of its own."""
        return Kind.ACCESS if self.token_type == AccessToken.token_type else wire.OTHER

    def _lasts_for(self) -> timedelta:
        return super()._lasts_for() + _CLOCKS_DIFFER

    def sign(self) -> str:
        """The string."""
        if self.token_type != AccessToken.token_type:
            return Token.sign(self)  # a kind of the project's own
        if self._session is None and self.made_of is not None:
            self.request, self._session = self.made_of.request, self.made_of.session
        return _sign_access(self, self.session, {})


class RefreshToken(BlacklistMixin):
    """For new access tokens."""

    token_type = "refresh"
    lifetime = Lifetime("REFRESH_TOKEN_LIFETIME")
    #: Claims that access tokens made of it do not copy.
    no_copy_claims: tuple[str | None, ...] = ("token_type", "exp", "jti", "iat")
    access_token_class = AccessToken
    may_rotate = True
    kind = Kind.REFRESH

    @property
    def access_token(self) -> AccessToken:
        """A new access token with this one's claims.

        Raises:
            TokenError: this one was used up; its session has ended.
        """
        self.demand_current()
        access = self.access_token_class()
        access.made_of = self
        access.set_exp(from_time=self.current_time)
        kept_back = {*self.no_copy_claims, api_settings.TOKEN_TYPE_CLAIM, api_settings.JTI_CLAIM}
        for claim, value in self.payload.items():
            if claim not in kept_back | wire.WRITTEN_BY_US:
                access[claim] = value
        return access

    def sign(self) -> str:
        """The string: the row's refresh token, with this one's claims.

        Raises:
            TokenError: this one was used up; its session has ended.
        """
        self.demand_current()
        session = self.session
        self._extend()
        own = {**self.custom_claims, ratchet_settings().USER_ID_CLAIM: subject_of(session.user)}
        if self.token_type != Kind.REFRESH:
            own[wire.TYPE] = self.token_type
        claims = {**own, **claims_of_refresh(session.user, session)}
        self.payload.update({name: claims[name] for name in ("exp", "iat")})
        return signed(claims, Kind.REFRESH)

    def of(self, session: Any) -> "RefreshToken":
        """The same claims, for the row as it stands now."""
        self._session, self._as_read = session, None
        self.payload["gen"] = session.generation
        self.payload["exp"] = in_seconds(session.expires_at)
        return self

    def _extend(self) -> None:
        """Let the row expire when the token says, where that was changed by ``set_exp``."""
        session = self.session
        further = timedelta(seconds=self.payload["exp"] - in_seconds(session.expires_at))
        if abs(further) > timedelta(seconds=2):
            expires_at = in_utc(session.expires_at) + further
            expires_at = min(expires_at, in_utc(session.ends_at or expires_at))
            store.change(session, {"expires_at": expires_at})


class UntypedToken(Token):
    """A token of any type: for looking at its signature and its times, and at nothing else."""

    token_type = "untyped"
    lifetime = timedelta(seconds=0)
    kind = None

    def verify_token_type(self) -> None:
        """Any is right."""


def _sign_access(token: SessionToken, session: Any, further: dict[str, Any]) -> str:
    settings = ratchet_settings()
    subject = subject_of(session.user)
    claims: dict[str, Any] = access_claims(
        subject=subject,
        session=session.pk,
        issued_at=token.payload["iat"],
        expires_at=min(token.payload["exp"], in_seconds(session.expires_at)),
        auth_time=in_seconds(session.auth_time),
        issuer=issuer_for(),
        audience=settings.AUDIENCE,
        client_id=settings.CLIENT_ID,
        extra={**token.custom_claims_for(session), **further},
    )
    claims[settings.USER_ID_CLAIM] = subject
    jti = token.payload.get(api_settings.JTI_CLAIM or "jti")
    if isinstance(jti, str):
        claims["jti"] = jti
    return signed(claims, Kind.ACCESS)


def _row_of(token: SessionToken, model: str) -> Any:
    from drf_ratchet_compat.simplejwt.token_blacklist import models

    if not models.is_installed():
        return None
    return getattr(models, model)._base_manager.filter(pk=token.session.pk).first()
