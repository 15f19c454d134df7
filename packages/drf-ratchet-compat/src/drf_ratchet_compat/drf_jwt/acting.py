"""Who acts in a user's place: the ``act`` of a token (RFC 8693 section 4.1)."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, ValidationError

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.refreshing import read_alive
from drf_ratchet.sessions.subject import is_active, subject_of
from drf_ratchet_compat.adopting import adopt
from drf_ratchet_compat.drf_jwt.authentication import PresentedToken
from drf_ratchet_compat.drf_jwt.reading import Payload
from ratchet_tokens.claims import Claims, RefreshClaims, mutable_copy, session_id
from ratchet_tokens.errors import TokenRefused


def actor_of(request: Any) -> dict[str, Any] | None:
    """Who acts in a request, and in which session; as the ``act`` of a token.

    Who is impersonated and impersonates in turn is named with the one behind them.

    Args:
        request: DRF's; None for none.

    Raises:
        TokenRefused: their session has ended in the meantime.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    auth = request.auth
    claims: Any = auth.payload if isinstance(auth, PresentedToken) else auth
    session = _session_of(claims, request)
    earlier = claims.get("act") if isinstance(claims, Mapping) else None
    actor: dict[str, Any] = {"sub": subject_of(user)}
    if session is not None:
        actor["sid"] = str(session)
    return {**actor, "act": mutable_copy(earlier)} if earlier else actor


def may_still_act(actor: Any) -> bool:
    """Whether all who act in the user's place may: active superusers, still signed in.

    Args:
        actor: the ``act`` of a verified token.
    """
    return all(map(_may, _chain(actor)))


def _chain(actor: Any) -> Iterator[Any]:
    while actor:
        yield actor
        actor = actor.get("act") if isinstance(actor, Mapping) else None


def _may(actor: Any) -> bool:
    if not isinstance(actor, Mapping):
        return False  # nobody knows who that is
    user = _user_in_session(actor) if "sid" in actor else _user_named(actor)
    return user is not None and is_active(user) and bool(getattr(user, "is_superuser", False))


def _user_in_session(actor: Mapping[str, Any]) -> Any:
    """The actor, if the session is alive from which they act."""
    try:
        session = session_id(actor)
        return read_alive(RefreshClaims(str(actor.get("sub")), session, 0)).session.user
    except TokenRefused:
        return None


def _user_named(actor: Mapping[str, Any]) -> Any:
    """The actor, who signed in without a session of ours: with Django's, say."""
    users = get_user_model()._default_manager.using(write_database())
    try:
        return users.get(**{ratchet_settings().USER_ID_FIELD: actor.get("sub")})
    except (ObjectDoesNotExist, ValidationError, ValueError, TypeError, OverflowError):
        return None


def _session_of(claims: Any, request: Any) -> UUID | None:
    """The session that signed a request in; None for none of ours."""
    if isinstance(claims, Payload):
        # An old package's token becomes one, so that its ending is known.
        return (adopt(claims.old, request=request) if claims.old else claims.session).session
    return session_id(claims) if isinstance(claims, Claims) else None
