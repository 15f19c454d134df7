"""Permissions that DRF lacks."""

import time
from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from drf_ratchet.exceptions import ReauthenticationRequired


class IsOwner(BasePermission):
    """The signed-in user owns the object.

    Which attribute of the object is the owner: the view's ``owner_field``, else this class's,
    ``"owner"`` unless a subclass says otherwise. It may hold the user or the user's primary key
    (``"author"`` or ``"author_id"``; the latter costs no query). Combines with others:
    ``IsOwner | IsAdminUser``.
    """

    owner_field = "owner"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Nobody owns nothing: without this, ``|`` would let an anonymous request pass."""
        return bool(getattr(request.user, "is_authenticated", False))

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """Whether the object's owner is the user."""
        owner = getattr(obj, getattr(view, "owner_field", self.owner_field))
        user: Any = request.user
        return owner is not None and user is not None and owner in (user, user.pk)


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
        def has_permission(self, request: Request, view: APIView) -> bool:
            if not bool(getattr(request.user, "is_authenticated", False)):
                return False
            claims = request.auth if isinstance(request.auth, Mapping) else {}
            if time.time() - claims.get("auth_time", 0) > max_age:
                raise ReauthenticationRequired(max_age)
            return True

    return IsRecent
