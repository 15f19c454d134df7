"""Remember ended sessions, and the moment since which all of them are known."""

from collections import deque
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

#: The most cut-offs of single subjects that are kept. Each replaces more than a hundred endings.
MOST_CUT_OFFS = 10_000
#: Seconds after an ending's announcement in which a token of the session may still be issued. The
#: issuer announces an ending again if its transaction takes nearly as long. ``iat`` is in whole
#: seconds.
LAST_TOKEN = 3.0


class KnownCutOff(NamedTuple):
    """The ending of all sessions of a subject up to an id. Ids are ordered by time (UUIDv7).

    Args:
        subject: the ``sub`` claim; "" for all subjects.
        last: the highest id of an ended session.
        kept: the id of the one session that has not ended, or None.
        announced_at: seconds since 1970; None if the source does not tell.
    """

    subject: str
    last: UUID
    kept: UUID | None = None
    announced_at: float | None = None

    def ends(self, session: UUID) -> bool:
        """Return whether the cut-off covers a session of its subject."""
        return session <= self.last and session != self.kept


class _Batch(NamedTuple):
    """Sessions that were added together.

    Args:
        forget_at: the moment to forget them, by the clock of ``forget``.
        ended_by: seconds since 1970, after which no token of them was issued.
        sessions: the ids, as integers.
    """

    forget_at: float
    ended_by: float
    sessions: list[int]


class KnownEndings:
    """The sessions that are known to have ended.

    One thread at a time calls ``add`` and ``forget``. Other threads may call ``has_ended`` at the
    same time without a lock. Entries are never replaced: a source that was restored from a backup
    must not reactivate a session.

    A session takes about 90 bytes.
    """

    def __init__(self) -> None:
        #: Seconds since 1970. All sessions whose tokens were issued later are known if they have
        #: ended, because no token is issued after its session's end.
        self.complete_since = float("-inf")
        # Integers hash faster than UUIDs and take a quarter of the memory.
        self._sessions: set[int] = set()
        self._batches: deque[_Batch] = deque()
        # By subject: each cut-off with the two moments of a batch.
        self._cut_offs: dict[str, dict[KnownCutOff, tuple[float, float]]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def has_ended(self, subject: str, session: UUID, issued_at: float) -> bool | None:
        """Return whether a session has ended; None if that is not known.

        Args:
            subject: the session's user, the ``sub`` claim.
            session: the session's id.
            issued_at: the ``iat`` of a token of the session.
        """
        if session.int in self._sessions:
            return True
        doubtful = issued_at <= self.complete_since
        if self._cut_offs:
            for whose in ("", subject):
                for cut_off in self._cut_offs.get(whose, ()):
                    if cut_off.ends(session):
                        # The clock that made an id may be wrong. A token issued after the cut-off
                        # may belong to a session that was opened after it.
                        if cut_off.announced_at is None or issued_at < int(cut_off.announced_at):
                            return True
                        doubtful |= issued_at <= cut_off.announced_at + LAST_TOKEN
        return None if doubtful else False

    def add(self, sessions: Iterable[UUID], *, forget_at: float, ended_by: float) -> None:
        """Add ended sessions. Sessions that are known already do not change.

        Args:
            sessions: the ids of the sessions.
            forget_at: the moment at which all tokens of them have expired.
            ended_by: seconds since 1970, after which no token of them was issued.
        """
        known = self._sessions
        new = [session.int for session in sessions if session.int not in known]
        if new:
            known.update(new)
            self._batches.append(_Batch(forget_at, ended_by, new))

    def cut_off(
        self, cut_offs: Iterable[KnownCutOff], *, forget_at: float, ended_by: float
    ) -> None:
        """Add cut-offs.

        Args:
            cut_offs: the cut-offs. Those that are known already get the new moments.
            forget_at: as for ``add``.
            ended_by: as for ``add``.
        """
        for cut_off in cut_offs:
            of_subject = self._cut_offs.get(cut_off.subject, {})
            # New dicts, here and below: other threads may iterate over the old ones.
            self._cut_offs[cut_off.subject] = {**of_subject, cut_off: (forget_at, ended_by)}

    def forget(self, now: float, most: int) -> None:
        """Forget entries whose time has passed, and the oldest entries beyond a limit.

        Args:
            now: the current moment, by the clock of ``forget_at``.
            most: the number of sessions, and of cut-offs of single subjects, to keep.
        """
        batches, known = self._batches, self._sessions
        while batches and batches[0].forget_at <= now:
            known.difference_update(batches.popleft().sessions)
        while len(known) > most:
            batch = batches.popleft()
            # First, so that a concurrent has_ended returns None and not False.
            self._know_only_after(batch.ended_by)
            known.difference_update(batch.sessions)
        if self._cut_offs:
            self._forget_cut_offs(now, min(most, MOST_CUT_OFFS))

    def _forget_cut_offs(self, now: float, most: int) -> None:
        known = (pair for cut_offs in self._cut_offs.values() for pair in cut_offs.items())
        oldest_first = sorted(known, key=itemgetter(1))
        young = [(one, moments) for one, moments in oldest_first if moments[0] > now]
        # Cut-offs of all subjects are few and are kept: tokens are issued until the last of their
        # sessions ends.
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
