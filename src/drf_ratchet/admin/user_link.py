"""From a user's page to the user's sessions."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from drf_ratchet.admin.filters import UserFilter
from drf_ratchet.models import Session

#: The read-only field that the link is.
LINK = "ratchet_sessions_link"


def may_look(request: Any) -> bool:
    """Whether who asks may see sessions at all."""
    permissions = ("drf_ratchet.view_session", "drf_ratchet.change_session")
    return any(request.user.has_perm(permission) for permission in permissions)


class SessionsOfUser:
    """A mixin for the ``ModelAdmin`` of a user model: a link to the user's sessions on its page.

    ``class PersonAdmin(SessionsOfUser, UserAdmin)``. Django's own ``auth.User`` has the link
    without it.
    """

    admin_site: admin.AdminSite

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[Any]:
        """As before, and the link, where there is a user already."""
        fields: Any = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        return [*fields, LINK] if obj is not None and may_look(request) else list(fields)

    def get_fieldsets(self, request: Any, obj: Any = None) -> list[Any]:
        """As before, and a section with the link, unless it is in one of them already."""
        fieldsets: Any = super().get_fieldsets(request, obj)  # type: ignore[misc]
        shown = LINK in flatten_fieldsets(fieldsets) or LINK not in self.get_readonly_fields(
            request, obj
        )
        return [*fieldsets, *([] if shown else [(_("Sign-in sessions"), {"fields": [LINK]})])]

    @admin.display(description=_("sessions"))
    def ratchet_sessions_link(self, user: Any) -> str:
        """The list of sessions, narrowed down to the user's."""
        try:
            address = reverse(
                f"admin:{Session._meta.app_label}_{Session._meta.model_name}_changelist",
                current_app=self.admin_site.name,
            )
        except NoReverseMatch:  # an admin site without SessionAdmin
            return "-"
        query = urlencode({UserFilter.parameter_name: user.pk})
        return format_html('<a href="{}?{}">{}</a>', address, query, _("Sessions of this user"))
