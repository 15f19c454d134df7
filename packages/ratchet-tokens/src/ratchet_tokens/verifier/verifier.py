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
    """Verifies the access tokens of one issuer with its published keys.

    Create one per process. Threads share it, and a forked child starts a background thread of its
    own. The background thread fetches the keys and the feed. ``verify`` fetches only if it must:
    before the first result, for an unknown ``kid``, and when the known data is too old.

    Args:
        issuer: the required ``iss``, usually the server's URL. None accepts any, and requires a
            ``jwks_url``.
        audience: the names of this service, one of which must be in ``aud``. If empty, a token with
            an audience is refused (RFC 7519 section 4.1.3).
        jwks_url: the URL of the keys; by default ``/.well-known/jwks.json`` at the issuer.
        feed_url: the URL of the list of ended sessions (``ended-sessions/``). Without it, a token
            is valid until it expires, even if its session ends.
        auth: the name and the secret of this service, as in the issuer's ``SERVICE_SECRETS``.
        leeway: seconds of tolerance for the issuer's clock.
        keys_interval: the least seconds between two fetches of the keys.
        keys_max_age: seconds for which keys are valid while the issuer does not respond.
        feed_interval: seconds between two fetches of the feed.
        feed_max_age: seconds for which a feed is valid, counted from its ``iat``.
        feed_fails_open: accept tokens while the feed is too old or incomplete. Tokens of sessions
            known to have ended are still refused.
        algorithms: the accepted algorithms (RFC 7518, RFC 9864); None for all asymmetric ones.
        timeout: seconds for one fetch, without the DNS look-up.
        allow_http: accept ``http://`` URLs of other hosts, if something else encrypts.

    Raises:
        ValueError: an argument is invalid; the text names it and contains no secret.
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
            raise ValueError("feed_url requires authentication. Pass auth=(name, secret).")
        if auth is not None and not _is_service(auth):
            raise ValueError("auth is not a name and a secret. Pass two strings.")
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
        """Return the claims of a valid access token. Thread-safe.

        Args:
            token: the value that the client sent, of any type.

        Raises:
            TokenRefused: the token is invalid.
            Unavailable: the issuer's keys or its feed are unknown or too old.
        """
        self.start()
        try:
            return self._keys.judge(token, lambda keys: self._check(token, keys))
        except Unavailable:
            if not self._fetch_what_is_missing():
                raise
        return self._keys.judge(token, lambda keys: self._check(token, keys))

    async def verify_async(self, token: object) -> Claims:
        """Return the claims of a valid access token, without blocking the event loop.

        Fetches run in a thread.

        Args:
            token: the value that the client sent, of any type.

        Raises:
            TokenRefused: the token is invalid.
            Unavailable: as for ``verify``.
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
        """Start the background thread, unless it runs. ``verify`` calls this, too."""
        if self._runs_or_may_not:
            return
        with self._lock:
            if not self._runs_or_may_not:
                self._thread = threading.Thread(
                    target=self._run, args=[self._stop], name="ratchet_tokens.verifier", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Stop the background thread. It cannot be started again."""
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
        """Return the sources whose data is unknown or too old, the keys first."""
        return [one for one in (self._keys, self._feed) if one and not one.is_usable]

    def _fetch_what_is_missing(self) -> bool:
        """Fetch missing data, and return whether the limits allowed an attempt."""
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
                    except Exception as error:  # the thread must keep running
                        log.error("The verifier's thread failed: %s.", type(error).__name__)
            stop.wait(max(_SHORTEST_WAIT, min(one.due_in for one in sources)))

    def _prepare(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = None

    def _after_fork(self) -> None:
        # A forked child has no other threads, and one of the parent's may have held the locks.
        self._prepare()
        for one in (self._keys, self._feed):
            if one:
                one.limit.after_fork()


#: Seconds. The thread must not spin if it wakes early by the clock's resolution.
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
        raise ValueError(f"algorithms is not a list of supported names. Choose from {public}.")


def _check_seconds(least: float, **named: Any) -> None:
    for name, value in named.items():
        good = type(value) in (int, float) and math.isfinite(value) and value >= least
        if not good:
            raise ValueError(f"{name} is not valid. Pass a number of seconds, at least {least}.")
