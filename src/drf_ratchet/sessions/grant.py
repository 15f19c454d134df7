"""The grant, which a sign-in or a refresh returns, and how its tokens are made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from drf_ratchet.clock import aware
from drf_ratchet.conf import ratchet_settings
from drf_ratchet.keyring import keyring
from drf_ratchet.models import Session
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.rotation import Outcome
from drf_ratchet.sessions.subject import subject_of
from drf_ratchet.tenants import issuer_for, refresh_issuer_for
from ratchet_tokens import codec
from ratchet_tokens.claims import REGISTERED_CLAIMS, Kind, access_claims, refresh_claims

#: Returns further claims for one access token. It is given the user.
GetClaims = Callable[[Any], Mapping[str, Any]]


class Transport(NamedTuple):
    """The kinds of a session's tokens: those for headers and bodies, or those for cookies.

    A token of one kind is refused where the other is expected.

    Args:
        access: the kind of the access tokens.
        refresh: the kind of the refresh tokens.
    """

    access: Kind
    refresh: Kind

    def in_body(self, grant: "Grant") -> "Grant":
        """Return the grant without the tokens that travel in cookies, for a response body.

        Args:
            grant: the grant with all of its tokens.
        """
        return replace(
            grant,
            access="" if self.access.in_cookie else grant.access,
            refresh=None if self.refresh.in_cookie else grant.refresh,
        )


#: The access token in a header, the refresh token in a request or response body.
HEADER = Transport(Kind.ACCESS, Kind.REFRESH)


@dataclass(frozen=True, slots=True)
class Grant:
    """A pair of tokens and the session they belong to. Its repr contains no token.

    Args:
        access: the access token.
        refresh: the refresh token; None if the client keeps the one it has.
        session: the row, with ``session.user`` loaded.
        issued_at: when the access token was made, an aware datetime.
        access_expires_at: when the access token expires, an aware datetime.
        outcome: how the counter changed; ADVANCE for a sign-in.
    """

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    session: Session
    issued_at: datetime
    access_expires_at: datetime
    outcome: Outcome = Outcome.ADVANCE


def custom_claims(
    user: Any, *, session: Session, request: HttpRequest | None, get_claims: GetClaims | None = None
) -> dict[str, Any]:
    """Return the project's claims for one access token: from ``CLAIMS``, then from ``get_claims``.

    Args:
        user: the owner of the token.
        session: the row.
        request: the request that asks for the token, or None.
        get_claims: returns further claims for this token only.

    Raises:
        ImproperlyConfigured: ``CLAIMS`` did not return a mapping, or a claim has a reserved name.
    """
    make = ratchet_settings().claims
    made = make(user, session=session, request=request) if make else {}
    if not isinstance(made, Mapping):
        raise ImproperlyConfigured("DRF_RATCHET['CLAIMS'] must return a dict.")
    claims = {**made, **(get_claims(user) if get_claims else {})}
    reserved = REGISTERED_CLAIMS.union([ratchet_settings().USER_ID_CLAIM])
    wrong = sorted(reserved & claims.keys())
    if wrong:
        raise ImproperlyConfigured(
            f"Custom claims may not be named {', '.join(wrong)}: these are written or checked "
            "by drf-ratchet. Choose other names."
        )
    return claims


def mint_access(
    user: Any,
    session: Session,
    now: datetime,
    expires_at: datetime,
    custom: Mapping[str, Any],
    auth_time: datetime | None = None,
    kind: Kind = Kind.ACCESS,
    request: HttpRequest | None = None,
) -> tuple[str, datetime]:
    """Return a new access token and when it expires; it never outlives the session.

    Args:
        user: the owner of the token.
        session: the saved row.
        now: the time by the database's clock.
        expires_at: when the session expires without a further refresh.
        custom: the claims from ``custom_claims``.
        auth_time: when the user authenticated; the row's ``auth_time`` by default.
        kind: ACCESS or COOKIE_ACCESS.
        request: the request that asks for the token, for a callable ``ISSUER``.

    Raises:
        ImproperlyConfigured: the custom claims are not JSON, or too long.
    """
    settings = ratchet_settings()
    subject = subject_of(user)
    if settings.USER_ID_CLAIM != "sub":
        custom = {settings.USER_ID_CLAIM: subject, **custom}
    expires_at = min(in_utc(now) + settings.ACCESS_TOKEN_LIFETIME, in_utc(expires_at))
    claims = access_claims(
        subject=subject,
        session=session.id,
        issued_at=in_seconds(now),
        expires_at=in_seconds(expires_at),
        auth_time=in_seconds(auth_time or session.auth_time),
        kind=kind,
        issuer=issuer_for(request),
        audience=settings.AUDIENCE,
        client_id=settings.CLIENT_ID,
        extra=custom,
    )
    try:
        return codec.sign(claims, keyring().access.signing, kind), expires_at
    except (TypeError, ValueError, RecursionError) as error:
        raise ImproperlyConfigured(f"The custom claims cannot be encoded: {error}") from None


def mint_refresh(
    user: Any, session: Session, kind: Kind = Kind.REFRESH, request: HttpRequest | None = None
) -> str:
    """Return the refresh token of a row; the same row always gives the same token.

    Args:
        user: the owner of the token.
        session: the saved row.
        kind: REFRESH or COOKIE_REFRESH.
        request: the request that asks for the token, for a callable ``ISSUER``.
    """
    claims = claims_of_refresh(user, session, kind, request)
    return codec.sign(claims, keyring().refresh.signing, kind)


def claims_of_refresh(
    user: Any, session: Session, kind: Kind = Kind.REFRESH, request: HttpRequest | None = None
) -> dict[str, Any]:
    """Return the claims of a row's refresh token; the arguments are those of ``mint_refresh``."""
    return refresh_claims(
        subject=subject_of(user),
        session=session.id,
        generation=session.generation,
        issued_at=in_seconds(session.rotated_at),
        expires_at=in_seconds(session.expires_at),
        kind=kind,
        issuer=refresh_issuer_for(request),
    )


def in_utc(moment: datetime) -> datetime:
    """Return a datetime of a row in UTC, aware also without ``USE_TZ``."""
    return aware(moment, write_database())


def in_seconds(moment: datetime) -> int:
    """Return a datetime of a row as tokens contain it: whole seconds since 1970."""
    return int(in_utc(moment).timestamp())
