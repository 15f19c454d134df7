"""May this user sign in, with this proof? Asked wherever a session is opened or refreshed."""

from collections.abc import Sequence
from typing import Any

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.models import Session
from drf_ratchet.sessions.subject import is_active


def may_sign_in(
    user: Any, *, request: Any = None, amr: Sequence[str] = (), session: Session | None = None
) -> bool:
    """Tell whether a user is active and ``SIGN_IN_POLICY`` lets them in.

    Args:
        user: an instance of the user model; None for nobody.
        request: the request at hand, Django's or DRF's; None outside of one.
        amr: how the user has just proved who they are (RFC 8176: "pwd", "otp"); empty at a refresh,
            which proves nothing.
        session: the session that is refreshed; None at a sign-in.

    Raises:
        Exception: whatever the project's policy raises. DRF's exceptions become its answer.
    """
    if user is None or not is_active(user):
        return False
    policy = ratchet_settings().sign_in_policy
    if policy is None:
        return True
    allowed = policy(user, request=request, amr=tuple(amr), session=session)
    return bool(allowed) and is_active(user)  # which it may have changed
