"""Filters of the admin's list of sessions.

Each filter reads one query parameter and ignores unknown values. Only the user's column has an
index: every refresh writes the others, and an index on them would slow each refresh down.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth import get_permission_codename, get_user_model
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from drf_ratchet.admin.session_state import ACTIVE, ENDED, EXPIRED, REASONS, STATES
from drf_ratchet.clock import Now, process_now, stored
from drf_ratchet.models import Session
from drf_ratchet.sessions import store

Sessions = QuerySet[Session]


class StateFilter(admin.SimpleListFilter):
    """Filter by state: active, expired or ended."""

    title = pgettext_lazy("session", "state")
    parameter_name = "state"

    def lookups(
        self, request: HttpRequest, model_admin: "ModelAdmin[Any]"
    ) -> list[tuple[str, Any]]:
        """Return the three states."""
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: Sessions) -> Sessions:
        """Return the sessions in the chosen state."""
        narrow: dict[str | None, Callable[[], Sessions]] = {
            ACTIVE: lambda: queryset.filter(ended_at=None, expires_at__gt=Now()),
            EXPIRED: lambda: queryset.filter(ended_at=None, expires_at__lte=Now()),
            ENDED: lambda: queryset.filter(ended_at__isnull=False),
        }
        return narrow.get(self.value(), lambda: queryset)()


class ReasonFilter(admin.SimpleListFilter):
    """Filter by the reason why a session ended."""

    title = _("reason of ending")
    parameter_name = "reason"
    other = "other"

    def lookups(
        self, request: HttpRequest, model_admin: "ModelAdmin[Any]"
    ) -> list[tuple[str, Any]]:
        """Return this package's reasons, and one entry for all others."""
        return [
            *((str(reason), words) for reason, words in REASONS.items()),
            (self.other, pgettext_lazy("reason of ending", "Other")),
        ]

    def queryset(self, request: HttpRequest, queryset: Sessions) -> Sessions:
        """Return the sessions that ended for the chosen reason."""
        value = self.value()
        if value == self.other:
            return queryset.exclude(end_reason__in=["", *REASONS])
        return queryset.filter(end_reason=value) if value in REASONS else queryset


class LastUseFilter(admin.SimpleListFilter):
    """Filter by the time of the last refresh."""

    title = _("last refresh")
    parameter_name = "last_use"

    def lookups(
        self, request: HttpRequest, model_admin: "ModelAdmin[Any]"
    ) -> list[tuple[str, Any]]:
        """Return spans of time that end now, and one entry for everything older."""
        return [
            ("today", _("Today")),
            ("week", _("Past 7 days")),
            ("month", _("Past 30 days")),
            ("older", _("Longer ago")),
        ]

    def queryset(self, request: HttpRequest, queryset: Sessions) -> Sessions:
        """Return the sessions last refreshed within the chosen span."""
        now = timezone.localtime(process_now())
        narrow = {
            "today": ("gte", now.replace(hour=0, minute=0, second=0, microsecond=0)),
            "week": ("gte", now - timedelta(days=7)),
            "month": ("gte", now - timedelta(days=30)),
            "older": ("lt", now - timedelta(days=30)),
        }.get(self.value() or "")
        if narrow is None:
            return queryset
        side, moment = narrow
        return queryset.filter(**{f"rotated_at__{side}": stored(moment, queryset.db)})


class UserFilter(admin.SimpleListFilter):
    """Filter by a user's primary key. The link on a user's page uses it."""

    title = _("user")
    parameter_name = "user"

    def lookups(
        self, request: HttpRequest, model_admin: "ModelAdmin[Any]"
    ) -> list[tuple[str, Any]]:
        """Return the chosen user alone, so that the filter is visible and can be removed."""
        value = request.GET.get(self.parameter_name)
        if value is None:
            return []
        user = _user_of(value)
        return [(value, str(user) if _is_known(user, request) else _("Unknown user"))]

    def queryset(self, request: HttpRequest, queryset: Sessions) -> Sessions:
        """Return the user's sessions; no sessions for an unknown user."""
        value = self.value()
        if value is None:
            return queryset
        user = _user_of(value)
        return queryset.none() if user is None else queryset.filter(user=user)


def _is_known(user: Any, request: HttpRequest) -> bool:
    """Return whether the administrator may see this user's name.

    They may if they may view users, or if the user has sessions. Otherwise they could read the
    names of all users by counting up through primary keys.
    """
    if user is None:
        return False
    opts = user._meta
    if any(
        request.user.has_perm(f"{opts.app_label}.{get_permission_codename(action, opts)}")
        for action in ("view", "change")
    ):
        return True
    return store.has_sessions(user)


def _user_of(value: str) -> Any:
    """Return the user with this primary key, or None.

    Args:
        value: a query parameter, not validated.
    """
    model = get_user_model()
    field = model._meta.pk
    if "\0" in value:  # PostgreSQL rejects NUL characters in text
        return None
    try:
        # The field's own validators reject a number outside the column's range.
        key = field.clean(value, None) if not field.remote_field else value
        return model._base_manager.filter(pk=key).first()
    except (ValueError, TypeError, OverflowError, ValidationError):
        return None
