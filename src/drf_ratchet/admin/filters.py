"""What the list of sessions can be narrowed down to.

Each takes one word of the address, and what it does not know narrows nothing. None of these columns
has an index (every refresh writes them, and an index would make each refresh dearer), but for
the user's.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_permission_codename, get_user_model
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from drf_ratchet.admin.session_state import ENDED, EXPIRED, LIVING, REASONS, STATES
from drf_ratchet.clock import Now, process_now, stored
from drf_ratchet.models import Session
from drf_ratchet.sessions import store

Sessions = QuerySet[Session]


class StateFilter(admin.SimpleListFilter):
    """Living, expired, or ended."""

    title = pgettext_lazy("session", "state")
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        """All three."""
        return list(STATES.items())

    def queryset(self, request: Any, queryset: Sessions) -> Sessions:
        """Those in the state."""
        narrow: dict[str | None, Callable[[], Sessions]] = {
            LIVING: lambda: queryset.filter(ended_at=None, expires_at__gt=Now()),
            EXPIRED: lambda: queryset.filter(ended_at=None, expires_at__lte=Now()),
            ENDED: lambda: queryset.filter(ended_at__isnull=False),
        }
        return narrow.get(self.value(), lambda: queryset)()


class ReasonFilter(admin.SimpleListFilter):
    """Why it ended."""

    title = _("reason of ending")
    parameter_name = "reason"
    other = "other"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        """Those that this package writes, and all others as one."""
        return [
            *((str(reason), words) for reason, words in REASONS.items()),
            (self.other, pgettext_lazy("reason of ending", "Other")),
        ]

    def queryset(self, request: Any, queryset: Sessions) -> Sessions:
        """Those that ended for it."""
        value = self.value()
        if value == self.other:
            return queryset.exclude(end_reason__in=["", *REASONS])
        return queryset.filter(end_reason=value) if value in REASONS else queryset


class LastUseFilter(admin.SimpleListFilter):
    """When it was last refreshed."""

    title = _("last refresh")
    parameter_name = "last_use"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        """Spans of time up to now, and what is before them."""
        return [
            ("today", _("Today")),
            ("week", _("Past 7 days")),
            ("month", _("Past 30 days")),
            ("older", _("Longer ago")),
        ]

    def queryset(self, request: Any, queryset: Sessions) -> Sessions:
        """Those last used within it."""
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
    """One user's, by the primary key: where the link on the user's page leads."""

    title = _("user")
    parameter_name = "user"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        """The one that is asked for, so that it can be seen and taken back."""
        value = request.GET.get(self.parameter_name)
        if value is None:
            return []
        user = _user_of(value)
        return [(value, str(user) if _is_known(user, request) else _("Nobody"))]

    def queryset(self, request: Any, queryset: Sessions) -> Sessions:
        """The user's; none where there is no such user."""
        value = self.value()
        if value is None:
            return queryset
        user = _user_of(value)
        return queryset.none() if user is None else queryset.filter(user=user)


def _is_known(user: Any, request: Any) -> bool:
    """Whether who looks sees the name elsewhere too: as a user's, or as some session's.

    Else the numbers, one after the other, would tell the names of all users.
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
    """The user of that primary key; None for whatever is none."""
    model = get_user_model()
    field: Any = model._meta.pk
    if "\0" in value:  # PostgreSQL takes it for no text
        return None
    try:
        # A number that no column of the database holds is refused by the field's own validators.
        key = field.clean(value, None) if not field.remote_field else value
        return model._base_manager.filter(pk=key).first()
    except (ValueError, TypeError, OverflowError, ValidationError):
        return None
