"""Decide about deleting a post."""

from django.apps import apps
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from drf_ratchet.permissions import RequireAuthentication

#: Seconds for which a passkey counts.
MAX_AGE = 300
#: A passkey that stays on its device is "hwk", one that is synchronized is "swk" (RFC 8176).
ByPasskey = RequireAuthentication(amr="hwk", max_age=MAX_AGE) | RequireAuthentication(
    amr="swk", max_age=MAX_AGE
)


class PasskeyToDelete(BasePermission):
    """Ask a user who has a passkey to use it before they delete anything."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the user used a passkey within five minutes, or has none.

        Raises:
            ReauthenticationRequired: the user has one, and has to use it.
        """
        if request.method != "DELETE" or not has_passkey(request.user.pk):
            return True
        return bool(ByPasskey().has_permission(request, view))


def has_passkey(user_id: int | None) -> bool:
    """Return whether a user has registered a passkey.

    Args:
        user_id: the user's primary key.
    """
    if not apps.is_installed("allauth.mfa"):
        return False
    from allauth.mfa.models import Authenticator

    passkeys = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.WEBAUTHN)
    return bool(passkeys.exists())
