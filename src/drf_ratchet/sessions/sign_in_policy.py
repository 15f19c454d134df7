"""Decide whether a user may sign in, each time a session is opened or refreshed."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest

from drf_ratchet.conf import ratchet_settings
from drf_ratchet.models import Session
from drf_ratchet.sessions.subject import is_active

#: Policies of other apps, such as ``drf_ratchet.allauth``. They are asked after the project's, with
#: the same arguments.
further_policies: list[Callable[..., bool]] = []


def may_sign_in(
    user: Any,
    *,
    request: HttpRequest | None = None,
    amr: Sequence[str] = (),
    session: Session | None = None,
) -> bool:
    """Return whether a user is active and ``SIGN_IN_POLICY`` allows them to sign in.

    Args:
        user: an instance of the user model, or None.
        request: Django's or DRF's; None outside of a request.
        amr: the authentication methods just used (RFC 8176: "pwd", "otp"); empty at a refresh,
            which proves nothing.
        session: the session that is refreshed; None at a sign-in.

    Raises:
        Exception: any exception of the project's policy. DRF's exceptions become the response.
    """
    if user is None or not is_active(user):
        return False
    if not policies_allow(user, request=request, amr=amr, session=session):
        return False
    return is_active(user)  # a policy may have deactivated the user


def policies_allow(
    user: Any,
    *,
    request: HttpRequest | None = None,
    amr: Sequence[str] = (),
    session: Session | None = None,
) -> bool:
    """Return whether ``SIGN_IN_POLICY`` and those of other apps allow a user to sign in.

    Args:
        user: an instance of the user model.
        request: as for ``may_sign_in``.
        amr: as for ``may_sign_in``.
        session: as for ``may_sign_in``.

    Raises:
        Exception: any exception of a policy.
    """
    chosen = ratchet_settings().sign_in_policy
    for policy in (*([chosen] if chosen else ()), *further_policies):
        if not policy(user, request=request, amr=tuple(amr), session=session):
            return False
    return True
