"""Cache verified access tokens, so that verifying one again costs a look-up.

An entry holds the claims of a token, with the kind, issuer, audience and key they were verified
for. Times are checked at each use. If anything else differs, or the key is no longer in the set,
the token is verified again. Refusals are never cached.
"""

import threading
from typing import NamedTuple

from ratchet_tokens.claims import Claims, Kind
from ratchet_tokens.forks import after_fork
from ratchet_tokens.keys import Key

#: Characters of tokens that a process caches: about 2,500 tokens of the usual length. Measured with
#: the parsed claims, they take 10 MB, and at most 30 MB with a project's own claims.
LIMIT = 1_000_000


class Checked(NamedTuple):
    """The result of a verification, and the arguments it holds for.

    ``codec.verify`` compares all arguments at each use.

    Args:
        kind: the required kind.
        issuer: the required ``iss``.
        audience: the names of which ``aud`` contains one.
        key: the key that signed the token. The key set must contain this object, not only its kid.
        claims: the verified claims. They are immutable, so all requests share them.
        not_before: seconds since 1970, from ``nbf`` and ``iat``.
        expires_at: seconds since 1970, from ``exp``.
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
    """A bounded, thread-safe cache that evicts the oldest entry first.

    The whole token is the key. Python seeds the hash of strings per process, so an attacker cannot
    cause collisions, or learn a part of a token from timing.

    Args:
        limit: the most characters of tokens to hold.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._held = 0
        self._lock = threading.Lock()
        # In the order of insertion, which is about the order of expiry.
        self._known: dict[str, Checked] = {}
        #: Return the entry of a token, or None. Takes no lock.
        self.get = self._known.get

    def add(self, token: str, checked: Checked, now: float) -> None:
        """Add an entry, and evict expired entries and the oldest beyond the limit.

        Args:
            token: the whole token.
            checked: the result of its verification.
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
        """Remove the entry of a token, if there is one."""
        with self._lock:
            self._drop(token)

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._known.clear()
            self._held = 0

    def after_fork(self) -> None:
        """Replace the lock in a forked child: a thread of the parent may have held it."""
        self._lock = threading.Lock()
        self._held = sum(map(len, self._known))

    def _drop(self, token: str) -> None:
        if self._known.pop(token, None) is not None:
            self._held -= len(token)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"<CheckedTokens {len(self)}>"


#: The cache of this process.
checked_tokens = CheckedTokens()

after_fork(checked_tokens.after_fork)
