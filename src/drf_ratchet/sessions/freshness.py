"""Is this session still alive?"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F
from django.db.models.functions import Now

from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.fingerprint import is_unchanged
from drf_ratchet.sessions.grant import subject_of
from drf_ratchet.tokens.claims import session_id
from drf_ratchet.tokens.errors import Reason, TokenRefused


def living_user(claims: Mapping[str, Any]) -> Any:
    """The user of a verified access token whose session is alive: one query, whatever the answer.

    Goes through the user model's default manager, so one that hides users keeps hiding them, and
    joins the living session to the user.

    Args:
        claims: verified claims of an access token.

    Raises:
        TokenRefused: the session has ended, the user may not sign in, or the password changed.
    """
    users = get_user_model()._default_manager.using(write_database())
    user: Any = (
        users.filter(
            ratchet_sessions=session_id(claims),
            ratchet_sessions__ended_at__isnull=True,
            ratchet_sessions__expires_at__gt=Now(),
        )
        .annotate(ratchet_fingerprint=F("ratchet_sessions__fingerprint"))
        .first()
    )
    if user is None or subject_of(user) != claims["sub"]:
        raise TokenRefused(Reason.SESSION_ENDED)
    if not user.is_active:
        raise TokenRefused(Reason.USER_INACTIVE)
    if not is_unchanged(user, user.__dict__.pop("ratchet_fingerprint")):
        raise TokenRefused(Reason.PASSWORD_CHANGED)
    return user
