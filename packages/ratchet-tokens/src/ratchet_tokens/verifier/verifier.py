"""Verify another server's access tokens."""

import asyncio
import logging
import math
import threading
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from ratchet_tokens import codec
from ratchet_tokens.algorithms import ALGORITHMS, HMAC_BYTES
from ratchet_tokens.claims import Claims, Kind
from ratchet_tokens.errors import TokenRefused, Unavailable
from ratchet_tokens.forks import after_fork
from ratchet_tokens.keys import KeySet
from ratchet_tokens.verifier.feed import FetchedFeed
from ratchet_tokens.verifier.fetching import Source
from ratchet_tokens.verifier.keys import FetchedKeys

log = logging.getLogger("drf_ratchet")

WELL_KNOWN = "/.well-known/jwks.json"


class Verifier:
    """Verifies the access tokens of one issuer, by its published keys and without asking it.

    One for each process is enough: threads share it, and a forked child goes on with a background
    thread of its own. Keys and feed are fetched in that thread. ``verify`` fetches only what is
    needed to answer at all: before the first answer, for a token that names no known key, and where
    the thread has not come by for too long.

    Args:
        issuer: the ``iss`` that tokens must carry, which is the server's address as a rule. None
            asks for none and needs a ``jwks_url``.
        audience: this service's names; a token has to be for one of them. With none, a token that
            names an audience is refused (RFC 7519 section 4.1.3).
        jwks_url: where the keys are; ``/.well-known/jwks.json`` at the issuer unless given.
        feed_url: where the list of ended sessions is (``ended-sessions/``). Without one, a token
            is good until it expires, whatever happens to its session.
        auth: this service's name and secret, as the issuer's ``SERVICE_SECRETS`` has them.
        leeway: seconds that the issuer's clock may be off this one.
        keys_interval: seconds between two fetches of the keys, at the least.
        keys_max_age: seconds that keys go on while the issuer does not answer.
        feed_interval: seconds between two fetches of the feed.
        feed_max_age: seconds that a feed counts, by the moment it says it was made.
        feed_fails_open: let tokens through while the feed cannot tell. Sessions known to have
            ended are refused all the same.
        algorithms: the names of those that count (RFC 7518, RFC 9864); None for all that have a
            public key.
        timeout: seconds that one fetch may take; looking up the name is not in it.
        allow_http: take ``http://`` from other machines, where something else encrypts.

    Raises:
        ValueError: an argument cannot be used; the text says which and shows no secret.
    """

    def __init__(
        self,
        issuer: str | None,
        *,
        audience: str | Sequence[str] = (),
        jwks_url: str | None = None,
        feed_url: str | None = None,
        auth: tuple[str, str] | None = None,
        leeway: float = 0,
        keys_interval: float = 10.0,
        keys_max_age: float = 24 * 3600.0,
        feed_interval: float = 1.0,
        feed_max_age: float = 30.0,
        feed_fails_open: bool = False,
        algorithms: Sequence[str] | None = None,
        timeout: float = 5.0,
        allow_http: bool = False,
    ) -> None:
        if issuer is None and jwks_url is None:
            raise ValueError("A Verifier without an issuer needs a jwks_url.")
        if feed_url is not None and auth is None:
            raise ValueError("The feed is for services alone: say auth=(name, secret).")
        if auth is not None and not _is_service(auth):
            raise ValueError("auth must be a name and a secret: two strings.")
        _check_algorithms(algorithms)
        _check_seconds(0, leeway=leeway)
        _check_seconds(
            0.01,
            keys_interval=keys_interval,
            keys_max_age=keys_max_age,
            feed_interval=feed_interval,
            feed_max_age=feed_max_age,
            timeout=timeout,
        )
        self.issuer = issuer
        self._audience = (audience,) if isinstance(audience, str) else tuple(audience)
        self._leeway = leeway
        self._timeout = timeout
        keys_source = Source(
            jwks_url or f"{(issuer or '').rstrip('/')}{WELL_KNOWN}",
            timeout=timeout,
            allow_http=allow_http,
        )
        self._keys = FetchedKeys(
            keys_source, interval=keys_interval, max_age=keys_max_age, algorithms=algorithms
        )
        self._feed = feed_url and FetchedFeed(
            Source(feed_url, timeout=timeout, auth=auth, allow_http=allow_http),
            self._keys,
            issuer=issuer,
            interval=feed_interval,
            max_age=feed_max_age,
            leeway=leeway,
            fails_open=feed_fails_open,
        )
        self._closed = False
        self._thread: threading.Thread | None
        self._prepare()
        _all.add(self)

    def verify(self, token: object) -> Claims:
        """The claims of an access token that is good now. Thread-safe.

        Args:
            token: what the client sent; anything.

        Raises:
            TokenRefused: with the reason.
            Unavailable: the issuer's keys, or which sessions have ended, cannot be known just now.
        """
        self.start()
        try:
            return self._keys.judge(token, lambda keys: self._check(token, keys))
        except Unavailable:
            if not self._fetch_what_is_missing():
                raise
        return self._keys.judge(token, lambda keys: self._check(token, keys))

    async def verify_async(self, token: object) -> Claims:
        """As ``verify``, for an event loop: what has to be fetched is fetched in a thread.

        Args:
            token: what the client sent; anything.

        Raises:
            TokenRefused: with the reason.
            Unavailable: as ``verify``.
        """
        self.start()
        try:
            known = self._keys.current()
            try:
                return self._check(token, known)
            except TokenRefused as refused:
                may_help = self._keys.newer_may_help(refused, token, known)
                if not may_help or not self._keys.limit.would_fetch:
                    raise
        except Unavailable:
            if not any(one.limit.would_help for one in self._missing()):
                raise
        return await asyncio.to_thread(self.verify, token)

    def start(self) -> None:
        """Start the background thread, where it does not run yet; ``verify`` does, too."""
        if self._runs_or_may_not:
            return
        with self._lock:
            if not self._runs_or_may_not:
                self._thread = threading.Thread(
                    target=self._run, args=[self._stop], name="ratchet_tokens.verifier", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Stop the background thread, for good."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        self._stop.set()
        if thread is not None:
            thread.join(self._timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Verifier {self.issuer}>"

    @property
    def _runs_or_may_not(self) -> bool:
        return self._thread is not None or self._closed

    def _check(self, token: object, keys: KeySet) -> Claims:
        claims = codec.verify(
            token,
            keys,
            Kind.ACCESS,
            issuer=self.issuer,
            audience=self._audience,
            leeway=self._leeway,
        )
        if self._feed:
            self._feed.check(claims)
        return claims

    def _missing(self) -> list[FetchedKeys | FetchedFeed]:
        """What is needed to answer, and is not there or too old; the keys first."""
        return [one for one in (self._keys, self._feed) if one and not one.is_usable]

    def _fetch_what_is_missing(self) -> bool:
        """Whether that was tried; the limits on fetches may have forbidden it."""
        missing = [one for one in self._missing() if one.limit.would_help]
        for one in missing:
            one.limit.take(one.fetch)
        return bool(missing)

    def _run(self, stop: threading.Event) -> None:
        sources = [one for one in (self._keys, self._feed) if one]
        while not stop.is_set():
            for one in sources:
                if one.due_in <= 0:
                    try:
                        one.limit.take(one.fetch)
                    except Exception as error:  # The thread has to go on, whatever it is.
                        log.error("The verifier's thread met %s.", type(error).__name__)
            stop.wait(max(_SHORTEST_WAIT, min(one.due_in for one in sources)))

    def _prepare(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = None

    def _after_fork(self) -> None:
        # The thread is not in the child, and the locks may be held by threads that are not.
        self._prepare()
        for one in (self._keys, self._feed):
            if one:
                one.limit.after_fork()


#: So that a thread that is early, by the clock's resolution, does not spin.
_SHORTEST_WAIT = 0.001
_all: "weakref.WeakSet[Verifier]" = weakref.WeakSet()


def _all_after_fork() -> None:
    for verifier in list(_all):
        verifier._after_fork()


after_fork(_all_after_fork)


def _is_service(value: Any) -> bool:
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2
    return is_pair and all(isinstance(one, str) and one for one in value)


def _check_algorithms(names: Sequence[str] | None) -> None:
    if names is None:
        return
    public = [name for name in ALGORITHMS if name not in HMAC_BYTES]
    if isinstance(names, str) or not names or not set(names) <= set(public):
        raise ValueError(f"algorithms must be names out of {public}.")


def _check_seconds(least: float, **named: Any) -> None:
    for name, value in named.items():
        good = type(value) in (int, float) and math.isfinite(value) and value >= least
        if not good:
            raise ValueError(f"{name} must be a number of seconds, at least {least}.")
