"""Sessions, one per signed-in device, and the rules of their counters."""

from drf_ratchet.sessions.coroutines import (
    aend_all_sessions,
    aend_session,
    aopen_session,
    arefresh_session,
    astep_up_session,
)
from drf_ratchet.sessions.database import Contended
from drf_ratchet.sessions.end_reasons import EndReason
from drf_ratchet.sessions.ending import end_all_sessions, end_session, end_sessions_before
from drf_ratchet.sessions.grant import Grant
from drf_ratchet.sessions.opening import open_session
from drf_ratchet.sessions.refreshing import refresh_session, step_up_session
from drf_ratchet.sessions.rotation import Outcome
from drf_ratchet.sessions.store import active_sessions
from drf_ratchet.sessions.user_changes import keep_session

__all__ = [
    "Contended",
    "EndReason",
    "Grant",
    "Outcome",
    "active_sessions",
    "aend_all_sessions",
    "aend_session",
    "aopen_session",
    "arefresh_session",
    "astep_up_session",
    "end_all_sessions",
    "end_session",
    "end_sessions_before",
    "keep_session",
    "open_session",
    "refresh_session",
    "step_up_session",
]
