"""Who may impersonate."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class IsSuperUser(BasePermission):
    """Superusers only."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether a superuser asks."""
        return bool(getattr(request.user, "is_superuser", False))
