"""From a payload to a token: opening a session, and minting the tokens of one."""

import json
import time
from calendar import timegm
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist, ValidationError
from django.utils import timezone
from rest_framework.utils.encoders import JSONEncoder

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.ids import uuid7
from drf_ratchet.keyring import keyring
from drf_ratchet.models import Session
from drf_ratchet.security_log import one_line, security_log
from drf_ratchet.sessions.grant import custom_claims, in_seconds, in_utc
from drf_ratchet.sessions.opening import announce, new_session, send_logged_in
from drf_ratchet.sessions.store import NEVER
from drf_ratchet.sessions.subject import subject_of
from drf_ratchet.tenants import issuer_for
from drf_ratchet_compat.drf_jwt.demands import LONGEST
from drf_ratchet_compat.drf_jwt.settings import api_settings
from ratchet_tokens import codec
from ratchet_tokens.claims import REGISTERED_CLAIMS, Kind, access_claims

#: Claims of a payload that are moments, and may be datetimes there.
_MOMENTS = ("exp", "iat", "nbf", "orig_iat")


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was made. Its repr shows none.

    Args:
        token: the token.
        claims: what it says.
        user: whose it is.
    """

    token: str = field(repr=False)
    claims: dict[str, Any] = field(repr=False)
    user: Any


def issue(
    user: Any,
    payload: Mapping[str, Any],
    *,
    request: Any = None,
    actor: Mapping[str, Any] | None = None,
    amr: Sequence[str] = (),
) -> Issued:
    """Open a session and make its first token.

    The session ends at the latest when the last token ends that it can be refreshed to. Its
    ``auth_time`` is now only if the user has just proved who they are: an impersonation, and a copy
    of a token that was decoded, prove nothing.

    Args:
        user: a saved user. ``SIGN_IN_POLICY`` is asked whether they may sign in.
        payload: what a ``JWT_PAYLOAD_HANDLER`` made.
        request: the request that signs in, or None.
        actor: who acts in the user's place (RFC 8693 section 4.1), or None.
        amr: how the user has just proved who they are (RFC 8176); sends Django's
            ``user_logged_in``. Empty for a token that is made by hand.

    Raises:
        NoActiveAccount: as ``open_session``.
        ImproperlyConfigured: the payload cannot be made a token. No session is left behind.
    """
    said = as_json(payload)
    life, window = lifetime(said), _window(said)
    if life + ratchet_settings().LEEWAY.total_seconds() <= 0:
        return _expired(user, said, request)
    opened = new_session(
        user,
        request=request,
        amr=amr,
        rotates=False,
        idle=_idle(life),
        absolute=min(timedelta(seconds=life + window), LONGEST),
        auth_time=None if amr else _proved_at(payload, said, actor),
    )
    with opened as session:
        said = {**said, **_signed_in(said, in_seconds(session.created_at))}
        issued = mint(session, said, session.created_at, request=request, actor=actor)
        if amr:
            send_logged_in(user, request)
    announce(session, request)
    if actor:
        security_log.warning(
            "User %s acts as user %s in session %s.",
            one_line(actor.get("sub")),
            one_line(user.pk),
            session.pk,
        )
    return issued


def mint(
    session: Session,
    said: Mapping[str, Any],
    now: datetime,
    *,
    request: Any = None,
    actor: Mapping[str, Any] | None = None,
) -> Issued:
    """A token of a session.

    Args:
        session: the row, with ``session.user`` loaded.
        said: a payload, as ``as_json`` returns it. Its ``exp``, ``iat`` and ``aud`` mean what they
            say, but no token outlives its session or is issued in the future. What drf-ratchet
            writes itself (``sub``, ``sid``, ...) is not taken from it.
        now: by the database's clock.
        request: the request at hand, for the settings ``CLAIMS`` and ``ISSUER``.
        actor: as for ``issue``.

    Raises:
        ImproperlyConfigured: the payload cannot be made a token.
    """
    settings, user = ratchet_settings(), session.user
    issued_at = min(int(said.get("iat", in_seconds(now))), in_seconds(now))
    expires_at = int(said["exp"]) if "exp" in said else in_seconds(now) + int(lifetime(said))
    if session.ends_at is not None:
        expires_at = min(expires_at, in_seconds(session.ends_at))
    reserved = REGISTERED_CLAIMS.union([settings.USER_ID_CLAIM])
    own = {name: value for name, value in said.items() if name not in reserved}
    extra = custom_claims(user, session=session, request=request, get_claims=lambda _: own)
    subject = subject_of(user)
    if settings.USER_ID_CLAIM != "sub":
        extra[settings.USER_ID_CLAIM] = subject
    if "nbf" in said:
        extra["nbf"] = said["nbf"]
    if actor:
        extra["act"] = dict(actor)
    claims = access_claims(
        subject=subject,
        session=session.pk,
        issued_at=issued_at,
        expires_at=expires_at,
        auth_time=min(in_seconds(session.auth_time), int(own.get("orig_iat", in_seconds(now)))),
        issuer=issuer_for(request),
        audience=_audience(said),
        client_id=settings.CLIENT_ID,
        extra=extra,
    )
    if api_settings.JWT_TOKEN_ID == "off":
        del claims["jti"]
    else:
        claims["jti"] = str(said.get("jti") or uuid4())
    try:
        token = codec.sign(claims, keyring().access.signing, Kind.ACCESS)
    except (TypeError, ValueError, RecursionError) as error:
        raise ImproperlyConfigured(f"The payload makes no token: {error}") from None
    return Issued(token, claims, user)


def touch(session: Session, said: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What a refresh writes into the row beside the device: when, and until when it lives now.

    Args:
        session: the row.
        said: the payload of the new token.
        now: by the database's clock.
    """
    idle_end = in_utc(now) + _idle(lifetime(said))
    ends_at = in_utc(session.ends_at) if session.ends_at else idle_end
    return {"rotated_at": in_utc(now), "expires_at": min(idle_end, ends_at)}


def as_json(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload as it is in a token: moments are numbers, UUIDs and the like are strings.

    Raises:
        ImproperlyConfigured: it cannot be.
    """
    said = {
        name: timegm(value.utctimetuple())
        if name in _MOMENTS and isinstance(value, datetime)
        else value
        for name, value in payload.items()
        if value is not None or name not in _MOMENTS
    }
    try:
        plain: dict[str, Any] = json.loads(json.dumps(said, cls=JSONEncoder))
    except (TypeError, ValueError, RecursionError) as error:
        raise ImproperlyConfigured(f"JWT_PAYLOAD_HANDLER's payload is no JSON: {error}") from None
    for name in _MOMENTS:
        if name in plain and type(plain[name]) not in (int, float):
            raise ImproperlyConfigured(f"JWT_PAYLOAD_HANDLER's {name!r} is no moment.")
    return plain


def lifetime(said: Mapping[str, Any]) -> float:
    """Return how long a token of that payload lives from now on, in seconds.

    It is negative if the payload's ``exp`` has passed, and JWT_EXPIRATION_DELTA without ``exp``.
    """
    if "exp" not in said:
        life: timedelta = api_settings.JWT_EXPIRATION_DELTA
        return life.total_seconds()
    return min(float(said["exp"] - _made_at(said)), LONGEST.total_seconds())


def _made_at(said: Mapping[str, Any]) -> float:
    """Return when a payload was made: its ``iat``, unless that is another moment than the present.

    A handler may write any moment there, that of the user's registration for example.
    """
    now = int(time.time())
    issued_at: float = said.get("iat", now)
    return issued_at if 0 <= now - issued_at <= 1 else now


def _audience(said: Mapping[str, Any]) -> Any:
    """Return the payload's own ``aud``; ``AUDIENCE`` if it has none, or that of JWT_AUDIENCE."""
    own = said.get("aud")
    configured = api_settings.JWT_AUDIENCE
    if own is None or own == as_json({"aud": configured})["aud"]:
        return ratchet_settings().AUDIENCE
    names = own if isinstance(own, list) else [own]
    if not names or not all(isinstance(name, str) for name in names):
        raise ImproperlyConfigured("JWT_PAYLOAD_HANDLER's 'aud' is neither a name nor a list.")
    return own


def _expired(user: Any, said: Mapping[str, Any], request: Any) -> Issued:
    """Return a token that has expired already. No session is opened for it."""
    now = timezone.now()
    session = Session(id=uuid7(), user=user, created_at=now, auth_time=now, ends_at=None)
    return mint(session, said, now, request=request)


def user_of(payload: Mapping[str, Any]) -> Any:
    """The user that a payload is made for: by its username, or by its ``user_id``.

    Raises:
        ImproperlyConfigured: it names nobody.
    """
    known = getattr(payload, "user", None)
    if known is not None:
        return known
    manager: Any = get_user_model()._default_manager
    name = api_settings.JWT_PAYLOAD_GET_USERNAME_HANDLER(payload)
    number = payload.get("user_id")
    try:
        if name:
            return manager.get_by_natural_key(name)
        if number is not None:
            return manager.get(pk=number)
    except (ObjectDoesNotExist, ValidationError, ValueError, TypeError):
        pass
    raise ImproperlyConfigured(
        "The payload names no user: a token is of a session, and a session is somebody's. Put the "
        "username or the user_id into what JWT_PAYLOAD_HANDLER returns."
    )


def _window(said: Mapping[str, Any]) -> float:
    """For how long, from now on, tokens of this sign-in can be refreshed."""
    original = said.get("orig_iat")
    if original is None:
        return 0.0
    age = max(_made_at(said) - original, 0)
    return float(max(api_settings.refresh_window - age, 0.0))


def _proved_at(
    payload: Mapping[str, Any], said: Mapping[str, Any], actor: Mapping[str, Any] | None
) -> datetime | None:
    """Return when the user proved who they are, of a token that is made by hand; None for now."""
    old = getattr(payload, "old", None)
    if actor:
        return NEVER
    if old is not None:
        proved = old.issued_at
    elif "sid" in said:  # decoded from one of our tokens, and copied
        proved = said.get("auth_time", 0)
    else:
        proved = said.get("orig_iat", said.get("iat", time.time()))
    if type(proved) not in (int, float) or not proved > 0:
        return NEVER
    return None if time.time() - proved <= 1 else datetime.fromtimestamp(proved, tz=UTC)


def _signed_in(said: Mapping[str, Any], issued_at: int) -> dict[str, int]:
    """``orig_iat``; of a sign-in that is just happening, by the clock that stamps the token."""
    if "orig_iat" not in said:
        return {}
    fresh = _made_at(said) - said["orig_iat"] <= 1
    return {"orig_iat": issued_at if fresh else min(int(said["orig_iat"]), issued_at)}


def _idle(life: float) -> timedelta:
    # Not less than its token is accepted for.
    leeway = ratchet_settings().LEEWAY.total_seconds()
    return timedelta(seconds=min(life + leeway, LONGEST.total_seconds()))
