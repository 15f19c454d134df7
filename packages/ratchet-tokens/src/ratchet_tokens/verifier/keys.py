"""Fetch the issuer's public keys, and keep the newest set."""

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

#: Seconds until a set is fetched again: the default if the issuer sends no max-age, and the most. A
#: key that the issuer has withdrawn must not stay valid for much longer.
KEPT, KEPT_AT_MOST = 300.0, 3600.0
#: The most ignored keys that one fetch logs: a set may contain thousands.
_MOST_LINES = 10


class FetchedKeys:
    """The key set that was fetched last.

    Args:
        source: the URL of the JWKS (RFC 7517 section 5).
        interval: the least seconds between two fetches.
        max_age: seconds for which a set is valid while no newer one can be fetched.
        algorithms: the accepted algorithms; None for all asymmetric ones.
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
        # The set and the time of its fetch, replaced together: threads read it without a lock.
        self._known: tuple[KeySet, float] | None = None
        self._etag: str | None = None
        self._problem = ProblemLog("The issuer's keys cannot be fetched")
        self._passed_over: frozenset[str] = frozenset()
        self._due = float("-inf")

    def current(self) -> KeySet:
        """Return the known key set.

        Raises:
            Unavailable: no set was fetched yet, or the last one is too old.
        """
        known = self._known
        if known is None or not self.is_usable:
            raise Unavailable("The issuer's keys are unknown or too old.")
        return known[0]

    def judge(self, text: object, check: Callable[[KeySet], T], *, waits: bool = False) -> T:
        """Check a signature. If its ``kid`` is unknown, fetch the issuer's newest keys first.

        Args:
            text: the signed text.
            check: the function that verifies the text with a key set. It raises TokenRefused with
                bad_signature if none of the keys signed it.
            waits: wait if another thread is fetching the keys. Pass False for tokens of clients:
                tokens with unknown keys must not block threads.

        Raises:
            TokenRefused: as raised by ``check``.
            Unavailable: as for ``current``.
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
        """Return whether newer keys may verify the text: its ``kid`` is unknown.

        An invalid signature of a known key stays invalid, so it causes no fetch.

        Args:
            refused: the refusal with the known keys.
            text: the signed text.
            known: the known keys.
        """
        if refused.reason is not Reason.BAD_SIGNATURE or not isinstance(text, str):
            return False
        # The check reached the signature, so the header is well-formed.
        return known.get(codec.kid_of(text)) is None

    @property
    def is_usable(self) -> bool:
        """Return whether a key set is known and young enough."""
        known = self._known
        return known is not None and time.monotonic() - known[1] <= self._max_age

    @property
    def due_in(self) -> float:
        """Return the seconds until the next fetch; not positive if it is due."""
        return self._due - time.monotonic()

    def fetch(self) -> None:
        """Fetch the keys now. Log an error and keep the known set if that fails."""
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
                raise ValueError("status 304, but no set is known")
            return self._known[0]
        # In the order of the set. Of two keys with the same kid, use the first.
        by_kid: dict[str, Key] = {}
        passed_over: list[str] = []
        for number, one in enumerate(_members(answer.body)):
            try:
                key = self._usable(one)
            except BadKey as error:
                # RFC 7517 section 5: ignore a key that is not understood, not the whole set.
                passed_over.append(f"keys[{number}]: {error}")
                continue
            if key is not None and by_kid.setdefault(key.kid, key) is not key:
                passed_over.append(f"keys[{number}]: another key has the same kid")
        self._say(passed_over)
        if not by_kid:
            raise ValueError("the set contains no usable public key")
        first, *others = by_kid.values()
        return KeySet(first, others)

    def _usable(self, members: Any) -> Key | None:
        """Return the key of a JWK, or None if its algorithm is not accepted here.

        Args:
            members: an entry of the set, of any type.

        Raises:
            BadKey: the key is unusable.
        """
        key = from_jwk(members)
        if key.is_symmetric or key.can_sign:
            raise BadKey("the issuer publishes a secret key, so anyone who reads it can sign")
        return key if self._algorithms is None or self._algorithms & key.names else None

    def _say(self, passed_over: list[str]) -> None:
        """Log each ignored key once, because the same set is fetched again and again."""
        new = [one for one in passed_over if one not in self._passed_over]
        for one in new[:_MOST_LINES]:
            log.warning("A key of the issuer's set is ignored. %s", one)
        if len(new) > _MOST_LINES:
            log.warning("%d more keys of the issuer's set are ignored.", len(new) - _MOST_LINES)
        self._passed_over = frozenset(passed_over)

    def __repr__(self) -> str:
        return f"<FetchedKeys {self._source.shown}>"


def _members(body: bytes) -> list[Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the response is not JSON") from None
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list):
        raise ValueError("the response is not a JWK Set")
    return keys
