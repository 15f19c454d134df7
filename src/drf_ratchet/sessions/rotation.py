"""The rule of the counter: one pure function from a session's state to the outcome of a refresh."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drf_ratchet.sessions.end_reasons import EndReason, reason_after
from ratchet_tokens.errors import Reason


class Outcome(StrEnum):
    """The outcome of a refresh."""

    #: The refresh is refused: no new tokens.
    REFUSE = "refuse"
    #: A new access token; the refresh token stays valid.
    HOLD = "hold"
    #: The counter is incremented.
    ADVANCE = "advance"
    #: The counter was incremented before: issue the same refresh token again and write nothing.
    REPEAT = "repeat"
    #: The token was rotated before: end the session.
    REUSE = "reuse"
    #: The database lost writes: set the counter to one more than the token's generation.
    CATCH_UP = "catch_up"


@dataclass(frozen=True, slots=True)
class SessionState:
    """The state of a session, as far as the rule needs it.

    Args:
        generation: the counter's value.
        rotates: whether a refresh increments the counter.
        rotated_at: when the counter was last incremented.
        expires_at: when the session expires, by idle time or by its absolute end.
        ended: whether the session has ended.
        end_reason: the reason of its ending.
        key_hash: hash of the last refresh's Idempotency-Key; "" for none.
        elevated: whether the last refresh was a step-up.
        is_of_subject: whether the row's user is the token's subject.
        user_active: whether that user exists and may sign in.
        password_unchanged: whether the session was opened under the current password.
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
    """The outcome of a refresh, and what to write and answer.

    Args:
        outcome: the case that applies.
        generation: the generation of the refresh token to issue; 0 if none is issued.
        reason: why the token is refused, for the client.
        ending: the ``end_reason`` to write; None to leave the row unchanged.
    """

    outcome: Outcome
    generation: int = 0
    reason: Reason | None = None
    ending: EndReason | None = None

    @property
    def advances(self) -> bool:
        """Return whether the counter must be changed, by compare-and-set."""
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
    """Decide the outcome of a refresh with a verified refresh token.

    Args:
        state: the session's state; None if there is no row.
        generation: the token's generation.
        now: the time by the clock that wrote the row's times.
        grace: how long the previous token may still be used; zero for not at all.
        catch_up_limit: how many generations a token may be ahead of the row, if the database lost
            writes.
        key_hash: hash of the request's Idempotency-Key; "" for none.
        retry_window: how long after a refresh its key may repeat it; None for until the next
            refresh.
        elevates: whether this is a step-up, which the grace period cannot repeat.
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
            # Otherwise a thief within the grace period would share the elevation. The owner can
            # retry with the new token.
            if elevates or state.elevated:
                return Decision(Outcome.REFUSE, reason=Reason.REUSED)
            return Decision(Outcome.REPEAT, current)
    if generation < current:
        return Decision(Outcome.REUSE, reason=Reason.REUSED, ending=EndReason.REUSE)
    if generation - current <= catch_up_limit:
        return Decision(Outcome.CATCH_UP, generation + 1)
    return Decision(Outcome.REFUSE, reason=Reason.SESSION_ENDED, ending=EndReason.TOO_FAR_AHEAD)


def refusal(state: SessionState | None, now: datetime) -> Decision | None:
    """Return why all tokens of this session are refused, of any generation; None if they are not.

    Args:
        state: the session's state; None if there is no row.
        now: the time by the clock that wrote the row's times.
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
