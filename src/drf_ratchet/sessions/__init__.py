"""What a session is, and the rules of its counter."""

from drf_ratchet.sessions.endings import EndReason
from drf_ratchet.sessions.grant import Grant
from drf_ratchet.sessions.rotation import Outcome
from drf_ratchet.sessions.store import (
    end_all_sessions,
    end_session,
    living_sessions,
    open_session,
    refresh_session,
)

__all__ = [
    "EndReason",
    "Grant",
    "Outcome",
    "end_all_sessions",
    "end_session",
    "living_sessions",
    "open_session",
    "refresh_session",
]
