"""List, search, show and end sessions in Django's admin."""

from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from drf_ratchet.admin import keys_page
from drf_ratchet.admin.device_name import device_name
from drf_ratchet.admin.filters import LastUseFilter, ReasonFilter, StateFilter, UserFilter
from drf_ratchet.admin.paginator import BoundedPaginator
from drf_ratchet.admin.session_state import ACTIVE, ENDED, STATES, reason_of, state_of
from drf_ratchet.admin.user_link import may_look
from drf_ratchet.models import Session
from drf_ratchet.sessions import Contended, EndReason, active_sessions, store
from drf_ratchet.sessions.database import EveryDatabase, write_database
from drf_ratchet.sessions.ending import end_several

#: The most sessions, and users, that one action handles. ``manage.py ratchet end`` takes more.
MOST_SESSIONS = 1000
MOST_USERS = 100
#: The most words of a search that are used. SQLite rejects expressions deeper than 1,000.
MOST_WORDS = 8

# The fields of a session's page: neither the fingerprint nor the hash of an idempotency key.
_ABOUT = ("user_link", "state", "device", "user_agent", "address", "id")
_TIMES = ("created_at", "auth_time", "rotated_at", "expires_at", "ends_at", "ended_at")


class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """List and end sessions. Sessions cannot be added, changed or deleted here.

    Viewing requires the permission ``view_session``, ending requires ``change_session``. A session
    is ended instead of deleted, because tokens in use still refer to its row.
    """

    list_display = (
        "user_name",
        "device",
        "address",
        "signed_in",
        "last_refresh",
        "expiry",
        "state",
    )
    list_select_related = ("user",)
    list_filter = (StateFilter, ReasonFilter, LastUseFilter, UserFilter)
    # Sorting by anything but the primary key (which follows the time of sign-in) reads every row.
    # So every column is a method: the "o" parameter cannot sort by a method.
    ordering = ("-id",)
    sortable_by = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 100
    # Django shows the search box only if this is not empty. get_search_results searches.
    search_fields = ("id",)
    search_help_text = _(
        "Search for a session’s id, an address or a whole username. Searching for a part of a "
        "username, a user agent or an address takes longer."
    )
    actions = ("end_selected", "end_all_of_users")
    fieldsets = (
        (None, {"fields": _ABOUT}),
        (_("Times"), {"fields": _TIMES}),
    )
    readonly_fields = (*_ABOUT, *_TIMES)

    # Permissions

    def has_add_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Return False: only signing in creates a session."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Return False: no column may be edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Return False: sessions are ended, and ``manage.py ratchet prune`` deletes old rows."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Return whether the user may view or end sessions."""
        return may_look(request)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may end sessions: the permission ``change_session``."""
        return request.user.has_perm("drf_ratchet.change_session")

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        """Return all sessions, from the primary: a replica may show ended sessions as active."""
        return super().get_queryset(request).using(write_database())

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Return whether a filter uses this lookup. Others could probe columns not shown."""
        return lookup in {
            one.parameter_name for one in self.list_filter if hasattr(one, "parameter_name")
        }

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        """Search by id, address or username where an index finds one; else by parts of text."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "\0" in term:
            return queryset.none(), False
        found = Q(pk=term) if _is_id(term) else _address_is(term) or _username_is(term)
        if found is None:
            found = Q()
            name = f"user__{get_user_model().USERNAME_FIELD}__icontains"
            for word in list(dict.fromkeys(term.split()))[:MOST_WORDS]:
                parts = {name: word, "user_agent__icontains": word, "ip__startswith": word}
                found &= Q(*parts.items(), _connector=Q.OR)
        return queryset.filter(found), False

    # Columns and fields

    @admin.display(description=_("user"))
    def user_name(self, session: Session) -> str:
        """Return the user as text, or "-" for a deleted user."""
        return "-" if session.user is None else str(session.user)

    @admin.display(description=_("user"))
    def user_link(self, session: Session) -> str:
        """Return the user, linked to the user's admin page if there is one."""
        user = session.user
        if user is None:
            return "-"
        names = user._meta.app_label, user._meta.model_name, quote(user.pk)
        try:
            address = reverse(
                "admin:{}_{}_change".format(*names[:2]),
                args=(names[2],),
                current_app=self.admin_site.name,
            )
        except NoReverseMatch:  # this admin site does not register the user model
            return str(user)
        return format_html('<a href="{}">{}</a>', address, user)

    @admin.display(description=_("device"))
    def device(self, session: Session) -> str:
        """Return the readable name of the device."""
        return device_name(session.user_agent)

    @admin.display(description=pgettext_lazy("session", "address"), empty_value="-")
    def address(self, session: Session) -> str | None:
        """Return the IP address of the last sign-in or refresh."""
        return session.ip

    @admin.display(description=_("signed in"))
    def signed_in(self, session: Session) -> str:
        """Return the time of the sign-in."""
        return _short(session.created_at)

    @admin.display(description=_("last refresh"))
    def last_refresh(self, session: Session) -> str:
        """Return the time of the last refresh."""
        return _short(session.rotated_at)

    @admin.display(description=_("expires"))
    def expiry(self, session: Session) -> str:
        """Return the time at which the session expires unless it is refreshed."""
        return _short(session.expires_at)

    @admin.display(description=pgettext_lazy("session", "state"))
    def state(self, session: Session) -> str:
        """Return the state of the session and, if it has ended, the reason."""
        state = state_of(session)
        words = STATES[state]
        reason = reason_of(session) if state == ENDED else ""
        return f"{words}: {reason}" if reason else str(words)

    # Ending

    @admin.action(description=_("End the selected sessions"), permissions=["end"])
    def end_selected(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """End those of the selected sessions that are active."""
        sessions = _few(queryset)
        if sessions is None:
            self._say_too_many(request)
            return
        self._end(request, sessions)

    @admin.action(
        description=_("Log the users of the selected sessions out everywhere"), permissions=["end"]
    )
    def end_all_of_users(
        self, request: HttpRequest, queryset: QuerySet[Session]
    ) -> HttpResponse | None:
        """End every active session of the selected users, after a confirmation page."""
        sessions = _few(queryset.exclude(user=None))
        users = {session.user_id: session.user for session in sessions or ()}
        if sessions is None or len(users) > MOST_USERS:
            self._say_too_many(request)
            return None
        counts = store.count_active(users)
        if sum(counts.values()) > MOST_SESSIONS:
            self._say_too_many(request)
            return None
        if request.POST.get("post"):
            for user in users.values():
                self._end(request, list(active_sessions(user)), of=user)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Log out everywhere"),
            "subtitle": None,
            "opts": self.opts,
            "media": self.media,
            "users": [(user, counts.get(pk, 0)) for pk, user in users.items()],
            # One session of each user, so that the confirmation covers the users shown.
            "selected": [session.pk for session in _one_of_each_user(sessions)],
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        request.current_app = self.admin_site.name
        name = "admin/drf_ratchet/session/log_out_everywhere.html"
        return TemplateResponse(request, name, context)

    def end_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End one session, for the button on its page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_end_permission(request):
            raise PermissionDenied
        session = self.get_object(request, unquote(object_id))
        if session is None:
            missing: HttpResponse = self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]
                request, self.opts, object_id
            )
            return missing
        self._end(request, [session])
        page = reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_change",
            args=(quote(session.pk),),
            current_app=self.admin_site.name,
        )
        return HttpResponseRedirect(page)

    def _end(self, request: HttpRequest, sessions: list[Session], of: object = None) -> None:
        """End sessions, log each in the admin's history, and show how many were ended.

        Args:
            request: the administrator's request.
            sessions: the sessions to end; those not active are skipped.
            of: the user who is logged out everywhere, for a history entry of their own.
        """
        ended = []
        try:
            for session in end_several(sessions, reason=EndReason.ADMIN, request=request):
                ended.append(session)
        except Contended:
            self.message_user(request, _("The server is busy. Try again."), messages.ERROR)
        if ended:
            _log(request, ended, "Ended.")
            if of is not None:
                _log(request, [of], f"Logged out everywhere: {len(ended)} sessions ended.")
        words = ngettext(
            "%(count)d session was ended.", "%(count)d sessions were ended.", len(ended)
        )
        self.message_user(
            request,
            words % {"count": len(ended)},
            messages.SUCCESS if ended else messages.WARNING,
        )

    def _say_too_many(self, request: HttpRequest) -> None:
        self.message_user(
            request,
            _(
                "More than %(sessions)d sessions or %(users)d users are selected. No session was "
                "ended. Select fewer, or use “manage.py ratchet end”."
            )
            % {"sessions": MOST_SESSIONS, "users": MOST_USERS},
            messages.ERROR,
        )

    # Django's hooks

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run an action as Django does, but reject a selection that is not a list of ids."""
        if not all(map(_is_id, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            self.message_user(request, _("Select sessions from the list."), messages.WARNING)
            return None
        return super().response_action(request, queryset, *args, **kwargs)

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        """Show the button that ends the session if it is active and the user may end it."""
        alive = obj is not None and state_of(obj) == ACTIVE
        context["show_end"] = alive and self.has_end_permission(request)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_urls(self) -> list[Any]:
        """Return Django's URLs, the URL that ends a session, and the page of keys."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        keys = keys_page.view(self)
        own = [
            path("keys/", self.admin_site.admin_view(keys), name=f"{name}_keys"),
            path(
                "<path:object_id>/end/",
                self.admin_site.admin_view(self.end_view),
                name=f"{name}_end",
            ),
        ]
        urls = [*own, *super().get_urls()]
        for pattern in urls:
            if str(pattern.name).endswith(("_changelist", "_end")):
                # Ending a session inside a transaction raises: a rollback would undo it.
                view: Any = pattern.callback
                view._non_atomic_requests = EveryDatabase()
        return urls


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _address_is(term: str) -> Q | None:
    try:
        return Q(ip=str(ip_address(term)))
    except ValueError:
        return None


def _username_is(term: str) -> Q | None:
    """Return a filter for the sessions of the user with exactly this name, or None.

    Both look-ups use an index: the username's, and the sessions' by user.
    """
    model: Any = get_user_model()
    field = model._meta.get_field(model.USERNAME_FIELD)
    try:
        user = model._base_manager.filter(**{field.name: field.to_python(term)}).first()
    except (ValueError, OverflowError, ValidationError):
        return None
    return None if user is None else Q(user=user)


def _few(queryset: QuerySet[Session]) -> list[Session] | None:
    """Return the sessions; None if there are more than one request may end."""
    sessions = list(queryset.select_related("user")[: MOST_SESSIONS + 1])
    return sessions if len(sessions) <= MOST_SESSIONS else None


def _one_of_each_user(sessions: list[Session]) -> Iterable[Session]:
    return {session.user_id: session for session in sessions}.values()


def _log(request: Any, objects: list[Any], message: str) -> None:
    """Write one entry per object to the admin's log, which the History page shows."""
    LogEntry.objects.log_actions(request.user.pk, objects, CHANGE, message)


def _short(moment: datetime) -> str:
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return date_format(local, "SHORT_DATETIME_FORMAT")
