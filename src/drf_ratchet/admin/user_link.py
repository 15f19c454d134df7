"""Link a user's admin page to the user's sessions."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from drf_ratchet.admin.filters import UserFilter
from drf_ratchet.models import Session

#: The name of the read-only field that shows the link.
LINK = "ratchet_sessions_link"


def may_look(request: HttpRequest) -> bool:
    """Return whether the request's user may view or end sessions."""
    permissions = ("drf_ratchet.view_session", "drf_ratchet.change_session")
    return any(request.user.has_perm(permission) for permission in permissions)


class SessionsOfUser:
    """A mixin for the ``ModelAdmin`` of a user model that links to the user's sessions.

    Write ``class PersonAdmin(SessionsOfUser, UserAdmin)``. Django's own ``auth.User`` does not need
    it: the templates of this app add the link there.
    """

    admin_site: admin.AdminSite

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Add the link to the read-only fields of a saved user."""
        fields = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        return [*fields, LINK] if obj is not None and may_look(request) else list(fields)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Add a section with the link, unless a section contains it already."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        shown = LINK in flatten_fieldsets(fieldsets) or LINK not in self.get_readonly_fields(
            request, obj
        )
        return [*fieldsets, *([] if shown else [(_("Sign-in sessions"), {"fields": [LINK]})])]

    @admin.display(description=_("sessions"))
    def ratchet_sessions_link(self, user: Any) -> str:
        """Return a link to the list of sessions, filtered by the user."""
        try:
            address = reverse(
                f"admin:{Session._meta.app_label}_{Session._meta.model_name}_changelist",
                current_app=self.admin_site.name,
            )
        except NoReverseMatch:  # this admin site does not register SessionAdmin
            return "-"
        query = urlencode({UserFilter.parameter_name: user.pk})
        return format_html('<a href="{}?{}">{}</a>', address, query, _("Sessions of this user"))
