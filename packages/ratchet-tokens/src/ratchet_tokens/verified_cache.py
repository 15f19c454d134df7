"""Tokens whose signature was found good: to verify one again costs a look-up.

What is kept is the answer to one question: these claims, for this kind of token, issuer and
audience, are good by the signature of this key. Times are looked at each time. Whatever is asked
otherwise, or of a key that is no longer in the set, is worked out from the token again, and a
refusal is never kept.
"""

import threading
from typing import NamedTuple

from ratchet_tokens.claims import Claims, Kind
from ratchet_tokens.forks import after_fork
from ratchet_tokens.keys import Key

#: Characters of tokens that a process keeps: some 2,500 tokens of the usual length, about 10 MB
#: with what was read of them, and 30 MB with the most wasteful claims that a project can write.
LIMIT = 1_000_000


class Checked(NamedTuple):
    """A token that was found good, and the question it was the answer to.

    ``codec.verify`` compares all of the question each time.

    Args:
        kind: what it was demanded to be; its ``typ`` and ``token_type`` are.
        issuer: the ``iss`` that was demanded.
        audience: the names of which one was demanded in ``aud``.
        key: whose signature it is; this very object has to be in the key set, and not only its kid.
        claims: what it says; nothing can change them, so all who ask share them.
        not_before: seconds since 1970, by ``nbf`` and ``iat``.
        expires_at: seconds since 1970, ``exp``.
    """

    kind: Kind
    issuer: str | None
    audience: tuple[str, ...]
    key: Key
    claims: Claims
    not_before: float
    expires_at: float

    def __repr__(self) -> str:
        return f"<Checked {self.kind.value} by {self.key!r}>"


class CheckedTokens:
    """A bounded memory of them; the oldest goes first. Threads share it.

    A token is looked up by the whole of it. The hash of strings is keyed anew in each process, so
    nobody can aim at another's entry, nor tell by the time how much of one he has guessed.

    Args:
        limit: characters of tokens that it holds at the most.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._held = 0
        self._lock = threading.Lock()
        # In the order they came, which is about the order in which they expire.
        self._known: dict[str, Checked] = {}
        #: What is known of a token, or None. Takes no lock.
        self.get = self._known.get

    def add(self, token: str, checked: Checked, now: float) -> None:
        """Remember one, at the cost of those that have expired and of the oldest.

        Args:
            token: the whole of it.
            checked: what was found.
            now: seconds since 1970.
        """
        with self._lock:
            self._drop(token)
            self._known[token] = checked
            self._held += len(token)
            while self._known:
                oldest = next(iter(self._known))
                if self._held <= self._limit and self._known[oldest].expires_at > now:
                    break
                self._drop(oldest)

    def discard(self, token: str) -> None:
        """Forget one; it need not be there."""
        with self._lock:
            self._drop(token)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._known.clear()
            self._held = 0

    def after_fork(self) -> None:
        """In the child: the lock may be held by a thread that is not there."""
        self._lock = threading.Lock()
        self._held = sum(map(len, self._known))

    def _drop(self, token: str) -> None:
        if self._known.pop(token, None) is not None:
            self._held -= len(token)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"<CheckedTokens {len(self)}>"


#: This process's.
checked_tokens = CheckedTokens()

after_fork(checked_tokens.after_fork)
