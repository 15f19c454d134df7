"""Permissions that DRF lacks."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission

from drf_ratchet.exceptions import ReauthenticationRequired

if TYPE_CHECKING:  # DRF's views import what DEFAULT_PERMISSION_CLASSES names
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsOwner(BasePermission):
    """The signed-in user owns the object.

    Which attribute of the object is the owner: the view's ``owner_field``, else this class's,
    ``"owner"`` unless a subclass says otherwise. It may hold the user or the user's primary key
    (``"author"`` or ``"author_id"``; the latter costs no query). Combines with others:
    ``IsOwner | IsAdminUser``.
    """

    owner_field = "owner"

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        """Return whether somebody is signed in: else ``|`` would let anonymous requests pass."""
        return _is_signed_in(request)

    def has_object_permission(self, request: "Request", view: "APIView", obj: Any) -> bool:
        """Return whether the object's owner is the user."""
        owner = getattr(obj, getattr(view, "owner_field", self.owner_field))
        user: Any = request.user
        if owner is None or user is None:
            return False
        # The user first: a lazy one may know itself by USER_ID_FIELD and not by its key.
        return bool(user == owner or owner == getattr(user, "pk", None))


def RecentSignIn(*, minutes: float = 5) -> type[BasePermission]:
    """A permission: the user proved who they are no longer ago than this.

    Otherwise 401 with ``reauthentication_required`` and the challenge of RFC 9470; the client then
    asks for the password and posts it to ``step-up/``. Combine it by a list, not by ``|``: it
    answers by itself.

    Args:
        minutes: how long a sign-in or a step up counts as recent.
    """
    max_age = int(minutes * 60)

    class IsRecent(BasePermission):
        def has_permission(self, request: "Request", view: "APIView") -> bool:
            if not _is_signed_in(request):
                return False
            # Another authentication class has another request.auth, or none: no proof of ours.
            claims = request.auth if isinstance(request.auth, Mapping) else {}
            signed_in_at = claims.get("auth_time")
            if isinstance(signed_in_at, (int, float)) and time.time() - signed_in_at <= max_age:
                return True
            raise ReauthenticationRequired(max_age)

    return IsRecent


def _is_signed_in(request: Any) -> bool:
    # request.user is None with UNAUTHENTICATED_USER = None.
    return bool(getattr(request.user, "is_authenticated", False))
