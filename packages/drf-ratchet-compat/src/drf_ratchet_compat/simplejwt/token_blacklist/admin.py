"""The two lists in the admin, to be looked at."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from drf_ratchet_compat.simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    actions = None

    def get_readonly_fields(self, *args: Any, **kwargs: Any) -> list[str]:
        """All."""
        return [field.name for field in self.model._meta.fields]

    def has_add_permission(self, *args: Any, **kwargs: Any) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, *args: Any, **kwargs: Any) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """To look, not to save."""
        return request.method in ("GET", "HEAD") and super().has_change_permission(request, obj)


class OutstandingTokenAdmin(_ReadOnly):
    """Sessions."""

    list_display = ("jti", "user", "created_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("user__pk",)
    ordering = ("user",)


class BlacklistedTokenAdmin(_ReadOnly):
    """Sessions that have ended."""

    list_display = (
        "token_jti",
        "token_user",
        "token_created_at",
        "token_expires_at",
        "blacklisted_at",
    )
    list_select_related = ("token__user",)
    search_fields = ("token__user__pk",)
    ordering = ("token__user",)

    @admin.display(description=_("jti"), ordering="token__jti")
    def token_jti(self, obj: BlacklistedToken) -> str:
        """Its id."""
        return str(obj.token.jti)

    @admin.display(description=_("user"), ordering="token__user")
    def token_user(self, obj: BlacklistedToken) -> Any:
        """Whose."""
        return obj.token.user

    @admin.display(description=_("created at"), ordering="token__created_at")
    def token_created_at(self, obj: BlacklistedToken) -> Any:
        """When it was opened."""
        return obj.token.created_at

    @admin.display(description=_("expires at"), ordering="token__expires_at")
    def token_expires_at(self, obj: BlacklistedToken) -> Any:
        """When it would have expired."""
        return obj.token.expires_at


admin.site.register(OutstandingToken, OutstandingTokenAdmin)
admin.site.register(BlacklistedToken, BlacklistedTokenAdmin)
