"""From a token to its payload and its user: ours, or one that the old package made."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from joserfc import jws

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import keyring
from drf_ratchet.sessions import store
from drf_ratchet.sessions.freshness import fresh_user
from drf_ratchet.sessions.refreshing import read_alive
from drf_ratchet.sessions.subject import is_active
from drf_ratchet.tenants import issuer_for, refresh_issuer_for
from drf_ratchet_compat.adopting import OldSession, is_cut_off, was_sent_away
from drf_ratchet_compat.drf_jwt.exceptions import refusal
from drf_ratchet_compat.drf_jwt.generations import Why
from drf_ratchet_compat.drf_jwt.models import is_blacklisted
from drf_ratchet_compat.drf_jwt.old_keys import keys_for, name_in, named_user
from drf_ratchet_compat.drf_jwt.settings import api_settings
from drf_ratchet_compat.old_tokens import is_old, read_old_token
from ratchet_tokens import codec
from ratchet_tokens.claims import Kind, RefreshClaims, mutable_copy, session_id
from ratchet_tokens.errors import Reason, TokenRefused

#: Part of the id of a session that an old token becomes.
PACKAGE = "drf-jwt"

_WHY = {
    Reason.EXPIRED: Why.EXPIRED,
    Reason.MALFORMED: Why.UNDECODABLE,
    Reason.BAD_SIGNATURE: Why.UNDECODABLE,
    Reason.SESSION_ENDED: Why.ENDED,
    Reason.USER_INACTIVE: Why.DISABLED,
    Reason.PASSWORD_CHANGED: Why.PASSWORD_CHANGED,
}


class Payload(dict[str, Any]):
    """What a token says, verified; a dict, as the old package's. Its repr shows names only.

    Args:
        claims: what it says.
        user: whose it is; nobody else's code has to look.
        old: the session that it becomes, where the old package made it.
    """

    def __init__(self, claims: Mapping[str, Any], user: Any, old: OldSession | None = None) -> None:
        super().__init__(claims)
        self.user = user
        self.old = old

    @property
    def session(self) -> RefreshClaims:
        """Which session it is of."""
        return self.old.claims if self.old else RefreshClaims(self["sub"], session_id(self), 0)

    def __repr__(self) -> str:
        return f"<Payload {', '.join(self)}>"


def read_token(token: object, freshness: str | None = None, *, request: Any = None) -> Payload:
    """The payload of a token that is good now, and whose session is alive.

    Args:
        token: what the client sent; anything.
        freshness: how old "still signed in" may be; the setting ``FRESHNESS`` by default.
        request: the request that brought it, for a callable ``ISSUER``.

    Raises:
        InvalidTokenError: or one of its kinds, with the reason.
        Unavailable: as ``fresh_user``.
    """
    if isinstance(token, bytes):
        token = token.decode("latin-1")
    try:
        if is_old(token):
            return _read_old(str(token), request)
        return _read_ours(token, freshness, request)
    except TokenRefused as refused:
        raise refusal(_WHY.get(refused.reason, Why.INVALID)) from None


def why_refused(reason: Reason, session: Any) -> Why:
    """The row of the table of sentences for a reason; it may ask the session's row for more.

    Args:
        reason: why a token is refused.
        session: the id of its session.
    """
    why = _WHY.get(reason, Why.INVALID)
    if why not in (Why.ENDED, Why.DISABLED):
        return why
    # The row outlives its user.
    deleted = store.exists(session, user__isnull=True)
    return Why.NO_USER if deleted else why


def _read_ours(token: object, freshness: str | None, request: Any) -> Payload:
    settings = ratchet_settings()
    claims = codec.verify(
        token,
        keyring().access,
        Kind.ACCESS,
        issuer=issuer_for(request),
        audience=settings.audiences,
        leeway=settings.LEEWAY.total_seconds(),
    )
    try:
        user = fresh_user(claims, freshness)
    except TokenRefused as refused:
        raise refusal(why_refused(refused.reason, session_id(claims))) from None
    return Payload(mutable_copy(claims), user)


def _read_old(token: str, request: Any) -> Payload:
    claims = _verified_old(token, request)
    user = named_user(claims)
    if user is None:
        raise refusal(Why.NO_USER if name_in(claims) else Why.NO_USERNAME)
    if not is_active(user):
        raise refusal(Why.DISABLED)
    token_id = claims.get("orig_jti") or claims.get("jti")
    if is_blacklisted(token, token_id, request=request):
        raise refusal(Why.ENDED)
    old = _old_session(token, claims, user)
    if store.exists(old.id):
        read_alive(old.claims)  # it has become a session, and ends with it
    elif is_cut_off(old.id) or was_sent_away(old):
        raise refusal(Why.ENDED)
    return Payload(claims, user, old)


def _verified_old(token: str, request: Any) -> dict[str, Any]:
    keys = keys_for(token)
    if jws.extract_compact(token.encode()).headers().get("alg") not in api_settings.algorithms:
        raise refusal(Why.INVALID)
    # It names a user. Where each tenant has its own, that says nothing without the tenant's name.
    issuer = refresh_issuer_for(request) or api_settings.JWT_ISSUER
    audiences = api_settings.audiences
    claims = read_old_token(
        token, keys, issuer=issuer, audience=audiences, leeway=api_settings.leeway
    )
    # simplejwt signs with SECRET_KEY too, and its refresh tokens open nothing. One that names an
    # audience where we answer to none is for somebody else (RFC 7519 section 4.1.3).
    if "token_type" in claims or (claims.get("aud") and not audiences):
        raise refusal(Why.INVALID)
    return claims


def _old_session(token: str, claims: Mapping[str, Any], user: Any) -> OldSession:
    """What an old token becomes: all that were refreshed from one sign-in become one session."""
    signed_in = claims.get("orig_iat", claims.get("iat", 0))
    named = claims.get("orig_jti") or claims.get("jti")
    if named:
        key = f"jti {named}"
    elif "orig_iat" in claims:
        # 1.11 had no token ids. Two sign-ins of one user within a second gave the same token.
        key = f"user {user.pk} {signed_in}"
    else:
        key = f"token {token}"
    life = api_settings.JWT_EXPIRATION_DELTA
    window = timedelta(seconds=api_settings.refresh_window)
    return OldSession(
        package=PACKAGE,
        key=key,
        user=user,
        issued_at=signed_in,
        expires_at=claims["exp"],
        rotates=False,
        lifetime=window + life,
    )
