"""What a process knows of ended sessions, and from which moment on it knows of all."""

from collections import deque
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

#: Cut-offs of single subjects kept at the most. Each stands for more than a hundred endings.
MOST_CUT_OFFS = 10_000
#: Seconds from the announcement of an ending after which no token of the session is issued. The
#: issuer announces an ending again whose transaction takes nearly as long; and tokens have their
#: moments in whole seconds.
LAST_TOKEN = 3.0


class KnownCutOff(NamedTuple):
    """The ending of all sessions of a subject up to an id, which tells their age (UUIDv7).

    Args:
        subject: the ``sub`` claim; "" for everybody.
        last: the highest id.
        kept: the id of a session that goes on; None for none.
        announced_at: when, in seconds since 1970; None where the source does not say.
    """

    subject: str
    last: UUID
    kept: UUID | None = None
    announced_at: float | None = None

    def ends(self, session: UUID) -> bool:
        """Return whether it covers a session of its subject."""
        return session <= self.last and session != self.kept


class _Batch(NamedTuple):
    """Sessions that were learned of together.

    Args:
        forget_at: by the clock that ``forget`` is told.
        ended_by: no token of them was issued after that, in seconds since 1970.
        sessions: the ids, as integers.
    """

    forget_at: float
    ended_by: float
    sessions: list[int]


class KnownEndings:
    """The sessions that are known to have ended.

    ``add`` and ``forget`` are called by one thread at a time. Others may ask ``has_ended``
    meanwhile, without a lock. What was added is never replaced: a source that was restored to an
    earlier state must not bring a session back.

    A session takes about 90 bytes.
    """

    def __init__(self) -> None:
        #: A token that was issued after this moment, in seconds since 1970, is of a living
        #: session unless that is known to have ended: none is issued after its session's end.
        self.complete_since = float("-inf")
        # Integers: their hash is C, and a UUID takes four times the memory.
        self._sessions: set[int] = set()
        self._batches: deque[_Batch] = deque()
        # By subject: each with the two moments of a batch.
        self._cut_offs: dict[str, dict[KnownCutOff, tuple[float, float]]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def has_ended(self, subject: str, session: UUID, issued_at: float) -> bool | None:
        """Return whether a session has ended; None where that is not known.

        Args:
            subject: whose it is.
            session: its id.
            issued_at: the ``iat`` of a token of it.
        """
        if session.int in self._sessions:
            return True
        doubtful = issued_at <= self.complete_since
        if self._cut_offs:
            for whose in ("", subject):
                for cut_off in self._cut_offs.get(whose, ()):
                    if cut_off.ends(session):
                        # An id is as right as the clock that made it. A token that was issued
                        # after the cut-off may be of a session that was opened after it.
                        if cut_off.announced_at is None or issued_at < int(cut_off.announced_at):
                            return True
                        doubtful |= issued_at <= cut_off.announced_at + LAST_TOKEN
        return None if doubtful else False

    def add(self, sessions: Iterable[UUID], *, forget_at: float, ended_by: float) -> None:
        """Learn of sessions that have ended. Those known already stay as they are.

        Args:
            sessions: their ids.
            forget_at: when no token can be left of them.
            ended_by: no token of them was issued after that, in seconds since 1970.
        """
        known = self._sessions
        new = [session.int for session in sessions if session.int not in known]
        if new:
            known.update(new)
            self._batches.append(_Batch(forget_at, ended_by, new))

    def cut_off(
        self, cut_offs: Iterable[KnownCutOff], *, forget_at: float, ended_by: float
    ) -> None:
        """Learn of cut-offs.

        Args:
            cut_offs: known already or not.
            forget_at: as for ``add``. That of a known one is put off.
            ended_by: as for ``add``.
        """
        for cut_off in cut_offs:
            of_subject = self._cut_offs.get(cut_off.subject, {})
            # New dicts, here and below: other threads walk the old ones.
            self._cut_offs[cut_off.subject] = {**of_subject, cut_off: (forget_at, ended_by)}

    def forget(self, now: float, most: int) -> None:
        """Forget what is too old to matter, and the oldest of what is too much.

        Args:
            now: by the clock of ``forget_at``.
            most: as many sessions, and as many cut-offs of single subjects, may stay.
        """
        batches, known = self._batches, self._sessions
        while batches and batches[0].forget_at <= now:
            known.difference_update(batches.popleft().sessions)
        while len(known) > most:
            batch = batches.popleft()
            # First: a thread that asks meanwhile learns that it is not known any more.
            self._know_only_after(batch.ended_by)
            known.difference_update(batch.sessions)
        if self._cut_offs:
            self._forget_cut_offs(now, min(most, MOST_CUT_OFFS))

    def _forget_cut_offs(self, now: float, most: int) -> None:
        known = (pair for cut_offs in self._cut_offs.values() for pair in cut_offs.items())
        oldest_first = sorted(known, key=itemgetter(1))
        young = [(one, moments) for one, moments in oldest_first if moments[0] > now]
        # Everybody's are few, and stay: tokens are issued until the last of the sessions ends.
        too_many = sum(1 for cut_off, _ in young if cut_off.subject) - most
        kept: dict[str, dict[KnownCutOff, tuple[float, float]]] = {}
        for cut_off, moments in young:
            if cut_off.subject and too_many > 0:
                too_many -= 1
                self._know_only_after(moments[1])
            else:
                kept.setdefault(cut_off.subject, {})[cut_off] = moments
        self._cut_offs = kept

    def _know_only_after(self, moment: float) -> None:
        self.complete_since = max(self.complete_since, moment)
