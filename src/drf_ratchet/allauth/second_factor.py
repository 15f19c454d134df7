"""Demand the second factor of a user who has one, wherever a password is taken."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from drf_ratchet.allauth._internals import has_second_factor
from drf_ratchet.allauth.exceptions import SecondFactorRequired

NAME = "DRF_RATCHET_ALLAUTH"
DEFAULTS: dict[str, Any] = {
    #: Whether the password of a user with a second factor is enough at ``token/``,
    #: ``browser/login/`` and ``step-up/``.
    "PASSWORD_ALONE": False,
}
_BY_ALLAUTH = "_drf_ratchet_by_allauth"


def allauth_setting(name: str) -> Any:
    """Return a key of the setting ``DRF_RATCHET_ALLAUTH``, or its default.

    Args:
        name: a key of ``DEFAULTS``.
    """
    return getattr(settings, NAME, {}).get(name, DEFAULTS[name])


def mark_as_allauths(request: HttpRequest) -> None:
    """Note that allauth has signed this request's user in, so it has asked for what it demands.

    Args:
        request: Django's.
    """
    setattr(request, _BY_ALLAUTH, True)


def demand_second_factor(
    user: Any, *, request: Any, amr: Sequence[str], session: Any, **others: Any
) -> bool:
    """Refuse the password alone, for a user who has a second factor.

    A policy, which ``open_session`` and ``step_up_session`` ask. At a sign-in by allauth's own
    flows allauth decides: it may trust a browser that has used the second factor before.

    Raises:
        SecondFactorRequired: the user signs in by the password at an endpoint that is not
            allauth's. Whoever receives it knew the password; allauth's endpoint says no less.
    """
    if (
        tuple(amr) != ("pwd",)
        or allauth_setting("PASSWORD_ALONE")
        or getattr(request, _BY_ALLAUTH, False)
        or not has_second_factor(user)
    ):
        return True
    if session is None:
        raise SecondFactorRequired
    return False
