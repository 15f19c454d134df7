"""The rule of the counter: pure, no I/O, one function from state to outcome."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drf_ratchet.sessions.end_reasons import EndReason, reason_after
from ratchet_tokens.errors import Reason


class Outcome(StrEnum):
    """What a refresh comes to."""

    #: No new tokens.
    REFUSE = "refuse"
    #: A new access token; the same refresh token stays good.
    HOLD = "hold"
    #: The counter turns by one.
    ADVANCE = "advance"
    #: The turn was made before; hand out its result again and write nothing.
    REPEAT = "repeat"
    #: A token behind the counter: end the session.
    REUSE = "reuse"
    #: The database lost writes: the counter jumps to just after the token.
    CATCH_UP = "catch_up"


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session as the rule sees it.

    Args:
        generation: where the counter stands.
        rotates: whether the counter turns at a refresh.
        rotated_at: when it last turned.
        expires_at: when the session has been idle for too long, or reached its absolute end.
        ended: whether an ending was written.
        end_reason: with what reason.
        key_hash: hash of the Idempotency-Key of the last turn, "" for none.
        elevated: whether the last turn was a step up.
        is_of_subject: whether the row's user is the one the token names.
        user_active: whether that user is there and may sign in.
        password_unchanged: whether the session was opened under the present password.
    """

    generation: int
    rotates: bool
    rotated_at: datetime
    expires_at: datetime
    ended: bool = False
    end_reason: str = ""
    key_hash: str = ""
    elevated: bool = False
    is_of_subject: bool = True
    user_active: bool = True
    password_unchanged: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, and what follows from it.

    Args:
        outcome: which case applies.
        generation: of the refresh token to hand out; 0 where none is.
        reason: why it is refused, for the client.
        ending: the end_reason to write, or None to leave the row alone.
    """

    outcome: Outcome
    generation: int = 0
    reason: Reason | None = None
    ending: EndReason | None = None

    @property
    def advances(self) -> bool:
        """Whether the counter has to be moved, by compare-and-set."""
        return self.outcome in (Outcome.ADVANCE, Outcome.CATCH_UP)


def decide(
    state: SessionState | None,
    generation: int,
    *,
    now: datetime,
    grace: timedelta,
    catch_up_limit: int,
    key_hash: str = "",
    retry_window: timedelta | None = None,
    elevates: bool = False,
) -> Decision:
    """What becomes of a verified refresh token.

    Args:
        state: the row, None if there is none.
        generation: of the token presented.
        now: by the clock that stamped the row.
        grace: how long the token just turned may still be used; zero for not at all.
        catch_up_limit: how many generations ahead of the row lost writes may explain.
        key_hash: hash of the Idempotency-Key presented, "" for none.
        retry_window: how long after its turn that key repeats it; None for until the next turn.
        elevates: whether this is a step up, which no grace period may repeat.
    """
    refused = refusal(state, now)
    if state is None or refused is not None:
        return refused or _NO_SESSION
    current = state.generation
    if generation == current:
        outcome = Outcome.ADVANCE if state.rotates else Outcome.HOLD
        return Decision(outcome, current + 1 if state.rotates else current)
    if generation == current - 1:
        age = now - state.rotated_at
        in_window = retry_window is None or age < retry_window
        if in_window and _same_key(key_hash, state.key_hash):
            return Decision(Outcome.REPEAT, current)
        if age < grace:
            # A thief who is quick would share the elevation; an owner who is not asks again.
            if elevates or state.elevated:
                return Decision(Outcome.REFUSE, reason=Reason.REUSED)
            return Decision(Outcome.REPEAT, current)
    if generation < current:
        return Decision(Outcome.REUSE, reason=Reason.REUSED, ending=EndReason.REUSE)
    if generation - current <= catch_up_limit:
        return Decision(Outcome.CATCH_UP, generation + 1)
    return Decision(Outcome.REFUSE, reason=Reason.SESSION_ENDED, ending=EndReason.TOO_FAR_AHEAD)


def refusal(state: SessionState | None, now: datetime) -> Decision | None:
    """Why no token of this session is good, whatever its generation; None if they may be.

    Args:
        state: the row, None if there is none.
        now: by the clock that stamped the row.
    """
    if state is None:
        return _NO_SESSION
    if not state.user_active:
        ending = None if state.ended else EndReason.USER_INACTIVE
        return Decision(Outcome.REFUSE, 0, Reason.USER_INACTIVE, ending)
    if state.ended:
        return Decision(Outcome.REFUSE, reason=reason_after(state.end_reason))
    if now >= state.expires_at:
        return Decision(Outcome.REFUSE, reason=Reason.EXPIRED)
    if not state.is_of_subject:
        return _NO_SESSION
    if not state.password_unchanged:
        return Decision(Outcome.REFUSE, 0, Reason.PASSWORD_CHANGED, EndReason.PASSWORD_CHANGED)
    return None


_NO_SESSION = Decision(Outcome.REFUSE, reason=Reason.SESSION_ENDED)


def _same_key(presented: str, stored: str) -> bool:
    return presented != "" and hmac.compare_digest(presented, stored)
