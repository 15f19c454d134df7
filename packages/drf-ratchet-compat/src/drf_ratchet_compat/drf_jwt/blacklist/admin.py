"""The ended sessions in the admin, to look at."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from drf_ratchet_compat.drf_jwt.blacklist.models import BlacklistedToken


@admin.register(BlacklistedToken)
class BlacklistedTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Read only: an ending is final."""

    list_display = ("user", "token_id", "expires_at", "blacklisted_at")

    @admin.display(description=_("token id"))
    def token_id(self, obj: BlacklistedToken) -> Any:
        """The session's."""
        return obj.token_id

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False
