"""All that this package uses of allauth beyond its documented API.

``tests/allauth/test_internals.py`` fails if a release of allauth changes one of these names or
signatures.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless import app_settings as headless_settings
from allauth.headless.constants import Client
from allauth.headless.internal.restkit.response import APIResponse
from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

__all__ = [
    "SessionTokenStrategy",
    "authentication_records",
    "current_request",
    "forget_previous_user",
    "has_second_factor",
    "is_app_client",
    "is_backup_eligible",
    "login_timeout",
    "reauthentication_timeout",
    "refusal",
    "session_of",
]


def authentication_records(session: SessionBase, user: Any) -> Sequence[Mapping[str, Any]]:
    """Return what allauth has recorded about this user in a Django session.

    Each record has ``method`` and ``at`` (seconds since 1970). A record of the method "mfa" has
    ``type`` and ``id`` (the authenticator's), and one of "code" has ``email`` or ``phone``. One
    of a reauthentication has ``reauthenticated``.

    Args:
        session: Django's.
        user: an instance of the user model.
    """
    request = HttpRequest()
    request.session = session
    records: list[dict[str, Any]] = get_authentication_records(request, user)
    return records


def login_timeout() -> float:
    """Return the seconds after which allauth drops an unfinished sign-in."""
    return float(account_settings.LOGIN_TIMEOUT)


def is_backup_eligible(authenticator: object, user: Any) -> bool:
    """Return whether a WebAuthn credential can be copied to other devices; True if unknown.

    A credential has this flag from its registration on, and it never changes (WebAuthn Level 3,
    section 6.1.3).

    Args:
        authenticator: the primary key of allauth's ``Authenticator``.
        user: its owner.
    """
    if not apps.is_installed("allauth.mfa"):
        return True
    from allauth.mfa.models import Authenticator

    found = Authenticator.objects.filter(
        pk=authenticator, user=user, type=Authenticator.Type.WEBAUTHN
    ).first()
    if found is None:
        return True
    data = found.wrap().authenticator_data
    return bool(data.flags & data.FLAG.BE)


def has_second_factor(user: Any) -> bool:
    """Return whether allauth asks a user for a second factor at a sign-in.

    Args:
        user: an instance of the user model.
    """
    if not apps.is_installed("allauth.mfa"):
        return False
    from allauth.mfa.models import Authenticator
    from allauth.mfa.utils import is_mfa_enabled

    return bool(is_mfa_enabled(user, [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]))


def session_of(request: HttpRequest) -> SessionBase | None:
    """Return the Django session that an app's ``X-Session-Token`` names; None if there is none.

    Args:
        request: Django's; not only of an endpoint of allauth.
    """
    strategy = headless_settings.TOKEN_STRATEGY
    token = strategy.get_session_token(request)
    session: SessionBase | None = strategy.lookup_session(token) if token else None
    return session


def reauthentication_timeout() -> float:
    """Return the seconds for which allauth counts a reauthentication as recent."""
    return float(account_settings.REAUTHENTICATION_TIMEOUT)


def current_request() -> HttpRequest | None:
    """Return the request that allauth's middleware handles in this thread or task, or None."""
    request: HttpRequest | None = context.request
    return request


def is_app_client(request: HttpRequest) -> bool:
    """Return whether a request is to one of the headless endpoints for apps."""
    headless = getattr(getattr(request, "allauth", None), "headless", None)
    return headless is not None and headless.client == Client.APP


def forget_previous_user(request: HttpRequest) -> None:
    """Have allauth ask for tokens again, if the same user signs in later in the same request.

    allauth asks its strategy for tokens if the user at the end of the request is not the user at
    its beginning. A sign-in by a provider's token first logs the same user out.

    Args:
        request: one of the headless endpoints for apps.
    """
    request.allauth.headless._pre_user = AnonymousUser()  # type: ignore[attr-defined]


def refusal(request: HttpRequest, *, status: int, text: str, code: str) -> ImmediateHttpResponse:
    """Return the exception that makes allauth respond with an error in its own format.

    Args:
        request: one of the headless endpoints. No user may be signed in, else allauth asks for
            tokens to put into this response, too.
        status: of the response.
        text: a sentence in the request's language, or for developers.
        code: for programs.
    """
    errors = [{"message": text, "code": code}]
    return ImmediateHttpResponse(APIResponse(request, errors=errors, status=status))
