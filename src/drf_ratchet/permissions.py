"""Permissions that DRF lacks."""

from typing import Any

from rest_framework.permissions import BasePermission
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

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Nobody owns nothing: without this, ``|`` would let an anonymous request pass."""
        return bool(getattr(request.user, "is_authenticated", False))

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """Whether the object's owner is the user."""
        owner = getattr(obj, getattr(view, "owner_field", self.owner_field))
        user: Any = request.user
        return owner is not None and user is not None and owner in (user, user.pk)
