"""Who may impersonate."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    # Not at run time: settings may name the classes here, and DRF's views read those settings.
    from rest_framework.views import APIView


class IsSuperUser(BasePermission):
    """Superusers only."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether a superuser asks."""
        return bool(getattr(request.user, "is_superuser", False))
