"""Permission classes for owners of objects and for recent sign-ins."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from rest_framework.permissions import BasePermission

from drf_ratchet.exceptions import ReauthenticationRequired

if TYPE_CHECKING:  # DRF's views import what DEFAULT_PERMISSION_CLASSES names
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsOwner(BasePermission):
    """Allow the signed-in user who owns the object.

    The owner is the attribute of the object that the view's ``owner_field`` names, or else this
    class's ``owner_field``. The attribute may hold the user or the user's primary key: ``"author"``
    or ``"author_id"``, which needs no query. Combine it with others: ``IsOwner | IsAdminUser``.
    """

    owner_field = "owner"

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        """Return whether a user is signed in. Otherwise ``|`` would allow anonymous requests."""
        return _is_signed_in(request)

    def has_object_permission(self, request: "Request", view: "APIView", obj: Any) -> bool:
        """Return whether the object's owner is the user."""
        owner = getattr(obj, getattr(view, "owner_field", self.owner_field))
        user = request.user
        if owner is None or user is None:
            return False
        # Compare the users first: a lazy user may know its USER_ID_FIELD and not its primary key.
        return bool(user == owner or owner == getattr(user, "pk", None))


def RecentSignIn(*, minutes: float = 5) -> type[BasePermission]:
    """Return a permission class that requires a recent sign-in or step-up.

    Otherwise it responds with 401 ``reauthentication_required`` and the challenge of RFC 9470. The
    client then asks for the password and posts it to ``step-up/``. Combine it in a list, not with
    ``|``: it raises instead of returning False.

    Args:
        minutes: the time for which a sign-in or a step-up counts as recent.
    """
    max_age = int(minutes * 60)

    class IsRecent(BasePermission):
        def has_permission(self, request: "Request", view: "APIView") -> bool:
            if not _is_signed_in(request):
                return False
            # request.auth of another authentication class proves no recent sign-in.
            claims = request.auth if isinstance(request.auth, Mapping) else {}
            signed_in_at = claims.get("auth_time")
            if isinstance(signed_in_at, (int, float)) and time.time() - signed_in_at <= max_age:
                return True
            raise ReauthenticationRequired(max_age)

    return IsRecent


def _is_signed_in(request: HttpRequest) -> bool:
    # request.user is None with UNAUTHENTICATED_USER = None.
    return bool(getattr(request.user, "is_authenticated", False))
