"""Name the state of a session and the reason why it ended."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from drf_ratchet.clock import aware, process_now
from drf_ratchet.models import Session
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.end_reasons import EndReason

ACTIVE, EXPIRED, ENDED = "active", "expired", "ended"

STATES: dict[str, Any] = {
    ACTIVE: pgettext_lazy("session", "Active"),
    EXPIRED: pgettext_lazy("session", "Expired"),
    ENDED: pgettext_lazy("session", "Ended"),
}

#: The labels of this package's reasons. A project's own reasons are shown unchanged.
REASONS: dict[str, Any] = {
    EndReason.LOGOUT: _("Logged out"),
    EndReason.LOGOUT_ALL: _("Logged out everywhere"),
    EndReason.REVOKED: _("Ended from another device"),
    EndReason.REUSE: _("A refresh token was reused"),
    EndReason.USER_INACTIVE: _("The user is inactive"),
    EndReason.USER_DELETED: _("The user was deleted"),
    EndReason.PASSWORD_CHANGED: _("The password was changed"),
    EndReason.LIMIT: _("Too many devices"),
    EndReason.REPLACED: _("Signed in again in the same browser"),
    EndReason.ADMIN: _("Ended by an administrator"),
    EndReason.TOO_FAR_AHEAD: _("A token’s generation was too high"),
}


def state_of(session: Session) -> str:
    """Return ACTIVE, EXPIRED or ENDED, by this machine's clock."""
    if session.ended_at is not None:
        return ENDED
    ends = aware(session.expires_at, session._state.db or write_database())
    return ACTIVE if ends > process_now() else EXPIRED


def reason_of(session: Session) -> str | Promise:
    """Return the label of the reason why a session ended; "" if it has not ended."""
    words: str | Promise = REASONS.get(session.end_reason, session.end_reason)
    return words
