"""The issuer's public keys, as fetched."""

import json
import logging
import time
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from ratchet_tokens import codec
from ratchet_tokens.algorithms import BadKey
from ratchet_tokens.errors import Reason, TokenRefused, Unavailable
from ratchet_tokens.key_texts import from_jwk
from ratchet_tokens.keys import Key, KeySet
from ratchet_tokens.verifier.fetch_limit import FetchLimit
from ratchet_tokens.verifier.fetching import Answer, FetchFailed, Source
from ratchet_tokens.verifier.problem_log import ProblemLog

T = TypeVar("T")

log = logging.getLogger("drf_ratchet")

#: Seconds that a set is kept before it is fetched again, where the issuer says nothing, and at
#: the most: a key that the issuer has withdrawn must not count for much longer.
KEPT, KEPT_AT_MOST = 300.0, 3600.0
#: Keys that one fetch says in the log that they are passed over: a set may hold thousands.
_MOST_LINES = 10


class FetchedKeys:
    """The set that was fetched last; it takes the place of the one before.

    Args:
        source: where the JWKS (RFC 7517 section 5) is.
        interval: seconds between two fetches, at the least.
        max_age: seconds that a set goes on while no newer one can be had.
        algorithms: those that count; None for all that have a public key.
    """

    def __init__(
        self,
        source: Source,
        *,
        interval: float,
        max_age: float,
        algorithms: Collection[str] | None = None,
    ) -> None:
        self.limit = FetchLimit(interval)
        self._source = source
        self._interval = interval
        self._max_age = max_age
        self._algorithms = None if algorithms is None else frozenset(algorithms)
        # Replaced as one, since other threads read it without a lock: the set, and since when.
        self._known: tuple[KeySet, float] | None = None
        self._etag: str | None = None
        self._problem = ProblemLog("The issuer's keys cannot be fetched")
        self._passed_over: frozenset[str] = frozenset()
        self._due = float("-inf")

    def current(self) -> KeySet:
        """The keys that count.

        Raises:
            Unavailable: none were ever fetched, or those that were are too old.
        """
        known = self._known
        if known is None or not self.is_usable:
            raise Unavailable("The issuer's keys are not known, or too old.")
        return known[0]

    def judge(self, text: object, check: Callable[[KeySet], T], *, waits: bool = False) -> T:
        """Check a signature; with the issuer's newest keys if it names none of the known ones.

        Args:
            text: what is signed.
            check: raises TokenRefused, bad_signature, where none of the keys it is given did.
            waits: a little, where another thread is fetching the keys. Who sends tokens of
                unknown keys must not hold a thread with each.

        Raises:
            TokenRefused: what ``check`` raises.
            Unavailable: as ``current``.
        """
        known = self.current()
        try:
            return check(known)
        except TokenRefused as refused:
            if not self.newer_may_help(refused, text, known):
                raise
            self.limit.take(self.fetch, waits=waits)
            newest = self.current()
            if newest is known:
                raise
        return check(newest)

    def newer_may_help(self, refused: TokenRefused, text: object, known: KeySet) -> bool:
        """Whether a refusal could be otherwise with newer keys: it was for an unknown one.

        A bad signature of a known key stays bad, so nobody has the issuer asked with it.

        Args:
            refused: what the known keys came to.
            text: what is signed.
            known: those keys.
        """
        if refused.reason is not Reason.BAD_SIGNATURE or not isinstance(text, str):
            return False
        # It has come as far as its signature, so its header can be read.
        return known.get(codec.kid_of(text)) is None

    @property
    def is_usable(self) -> bool:
        """Whether there are keys that count."""
        known = self._known
        return known is not None and time.monotonic() - known[1] <= self._max_age

    @property
    def due_in(self) -> float:
        """Seconds until it is time to fetch; not positive when it is."""
        return self._due - time.monotonic()

    def fetch(self) -> None:
        """Fetch now; what goes wrong is logged, and what is known stays."""
        started = time.monotonic()
        self._due = started + self._interval
        try:
            answer = self._source.get(None if self._known is None else self._etag)
            keys = self._read(answer)
        except (FetchFailed, ValueError) as error:
            self._problem.report(str(error))
            return
        self._problem.resolve()
        self._known = keys, started
        self._etag = answer.etag
        kept = KEPT if answer.max_age is None else answer.max_age
        self._due = started + max(self._interval, min(kept, KEPT_AT_MOST))

    def _read(self, answer: Answer) -> KeySet:
        if answer.body is None:
            if self._known is None:
                raise ValueError("it says 304 and we have nothing")
            return self._known[0]
        # In the order of the set, and of two with one id the first.
        by_kid: dict[str, Key] = {}
        passed_over: list[str] = []
        for number, one in enumerate(_members(answer.body)):
            try:
                key = self._usable(one)
            except BadKey as error:
                # RFC 7517 section 5: what is not understood is passed over, and not the whole set.
                passed_over.append(f"keys[{number}]: {error}")
                continue
            if key is not None and by_kid.setdefault(key.kid, key) is not key:
                passed_over.append(f"keys[{number}]: another one has its kid")
        self._say(passed_over)
        if not by_kid:
            raise ValueError("the set holds no public key that can be used")
        first, *others = by_kid.values()
        return KeySet(first, others)

    def _usable(self, members: Any) -> Key | None:
        """Return the key, or None for one whose algorithm does not count here.

        Raises:
            BadKey: it cannot be used.
        """
        key = from_jwk(members)
        if key.is_symmetric or key.can_sign:
            raise BadKey("the issuer publishes a secret key, with which every reader can sign")
        return key if self._algorithms is None or self._algorithms & key.names else None

    def _say(self, passed_over: list[str]) -> None:
        """Log each key that is passed over, once: the same set is fetched again and again."""
        new = [one for one in passed_over if one not in self._passed_over]
        for one in new[:_MOST_LINES]:
            log.warning("A key of the issuer's set is passed over. %s", one)
        if len(new) > _MOST_LINES:
            log.warning("%d more keys of it are passed over.", len(new) - _MOST_LINES)
        self._passed_over = frozenset(passed_over)

    def __repr__(self) -> str:
        return f"<FetchedKeys {self._source.shown}>"


def _members(body: bytes) -> list[Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list):
        raise ValueError("it is no JWK Set")
    return keys
