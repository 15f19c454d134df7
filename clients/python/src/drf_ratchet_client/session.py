"""The session: signs in, hands out access tokens, refreshes, signs out."""

import asyncio
import json
import logging
import os
import random
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_ratchet_client.answers import (
    Tokens,
    demand_success,
    given_tokens,
    is_signed_out,
    stored_tokens,
    tokens_of,
)
from drf_ratchet_client.clock import Clock, SystemClock
from drf_ratchet_client.errors import RatchetError, SignedOut, UserChanged, setup_error
from drf_ratchet_client.origins import api_url, origin
from drf_ratchet_client.sending import Answer, Call, StandardSender
from drf_ratchet_client.stores import MemoryStore, Store

log = logging.getLogger("drf_ratchet_client")

Credentials = Mapping[str, Any]
T = TypeVar("T")

_FIRST_BACKOFF = 0.25
_LONGEST_BACKOFF = 8.0
#: How much longer than one request a process may hold the lock before it counts as stopped.
_LOCK_SLACK = 1.0
#: How many refreshes a call waits for at the most: one that began before it may not be enough.
_FLIGHTS = 3
#: For how long credentials that were refused are not tried again, in seconds.
_REFUSED_FOR = 60.0


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token to send, and whose it is.

    Args:
        user: the ``sub`` of the user.
        access: the token.
    """

    user: str
    access: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Held:
    """The tokens that this process knows.

    Args:
        tokens: as they are stored.
        since: when the access token was asked for, by ``Clock.elapsed``.
    """

    tokens: Tokens
    since: float


class RatchetSession:
    """A signed-in session with one API, for all threads and tasks of a program.

    Args:
        base_url: where ``drf_ratchet.urls`` is included, as in ``https://api.example.com/api/``.
        store: where the tokens are kept; in memory unless given. ``TokenFile`` is shared by
            processes.
        credentials: what to sign in with whenever nobody is signed in, for services: the fields of
            the sign-in, or a callable that returns them.
        margin: seconds before its end at which an access token is no longer used.
        patience: seconds for which a refresh is tried again while the server fails or is silent.
        timeout: seconds in which one request about the session has to be answered.
        allow_http: whether tokens may travel to other machines unencrypted.
        send: what sends these requests, in place of urllib: see ``Call`` and ``Answer``.
        clock: for tests.

    Raises:
        RatchetError: ``setup``; base_url cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        store: Store | None = None,
        credentials: Credentials | Callable[[], Credentials] | None = None,
        margin: float = 10.0,
        patience: float = 60.0,
        timeout: float = 10.0,
        allow_http: bool = False,
        send: Callable[[Call], Answer] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._base, self._origin = api_url(base_url, allow_http=allow_http)
        self._store = MemoryStore() if store is None else store
        self._credentials = credentials
        self._margin = margin
        self._patience = patience
        self._timeout = timeout
        self._send = StandardSender() if send is None else send
        self._clock = SystemClock() if clock is None else clock
        self._mutex = threading.Lock()
        self._held: _Held | None = None
        self._flight: Future[BaseException | None] | None = None
        self._refused: tuple[RatchetError, float] | None = None
        self._is_forked = False
        _sessions.add(self)

    def __repr__(self) -> str:
        return f"<RatchetSession at {self._base}>"

    @property
    def user(self) -> str | None:
        """The ``sub`` of the user who is signed in, as far as this process knows; or None."""
        held = self._known()
        return held.tokens.user if held else None

    def sign_in(self, **credentials: Any) -> None:
        """Sign in, in place of whoever was signed in here.

        Args:
            credentials: what the API's sign-in asks for, as ``username`` and ``password``.

        Raises:
            RatchetError: the server refuses or does not answer; ``locked``; ``storage``.
        """
        self._demand_usable()
        self._exclusively(lambda: self._sign_in(credentials))

    def adopt(self, refresh_token: str) -> None:
        """Go on with a refresh token that was handed out elsewhere, and is used by no one else.

        Args:
            refresh_token: of a session that is alive.

        Raises:
            RatchetError: ``setup``; it is no refresh token. ``locked``; ``storage``.
        """
        self._demand_usable()
        tokens = given_tokens(refresh_token, api=self._base)
        self._exclusively(lambda: self._keep(tokens, self._clock.elapsed()))

    def access_token(self) -> str:
        """Return an access token that is good now, for a WebSocket say.

        Raises:
            SignedOut: nobody is signed in, or the session has ended.
            UserChanged: another user has signed in while this waited.
            RatchetError: the server refuses or does not answer; ``locked``; ``storage``.
        """
        return self.grant().access

    def refresh(self) -> None:
        """Refresh now, whether it is time or not.

        Raises:
            SignedOut, UserChanged, RatchetError: as ``access_token``.
        """
        self.grant(after=self.grant())

    def sign_out(self, *, everywhere: bool = False) -> None:
        """End the session on the server, then forget the tokens. Nobody signed in: do nothing.

        Args:
            everywhere: end all sessions of the user.

        Raises:
            RatchetError: the server does not answer, and the user is still signed in; ``locked``;
                ``storage``.
        """
        self._demand_usable()
        if everywhere:
            self._end_all()
        self._patiently(lambda: self._exclusively(self._sign_out))

    async def asign_in(self, **credentials: Any) -> None:
        """Sign in: ``sign_in`` for asyncio."""
        await asyncio.to_thread(self.sign_in, **credentials)

    async def aaccess_token(self) -> str:
        """Return an access token: ``access_token`` for asyncio."""
        return (await self.agrant()).access

    async def arefresh(self) -> None:
        """Refresh now: ``refresh`` for asyncio."""
        await self.agrant(after=await self.agrant())

    async def asign_out(self, *, everywhere: bool = False) -> None:
        """Sign out: ``sign_out`` for asyncio."""
        await asyncio.to_thread(self.sign_out, everywhere=everywhere)

    # For the adapters

    def owns(self, scheme: str, host: str, port: int | None) -> bool:
        """Return whether a URL is of the API's origin: tokens go nowhere else."""
        return origin(scheme, host, port) == self._origin

    def grant(self, *, after: Grant | None = None) -> Grant:
        """Return the access token to send, and whose it is.

        Args:
            after: one that the server has refused.

        Raises:
            SignedOut, UserChanged, RatchetError: as ``access_token``.
        """
        user = after.user if after else self._user_now()
        for _ in range(_FLIGHTS):
            flight = self._flight_for(after)
            if flight is None:
                break
            _raise_outcome(_waited(flight, self._limit))
        return self._granted(user, after)

    async def agrant(self, *, after: Grant | None = None) -> Grant:
        """Return the access token to send, and whose it is: ``grant`` for asyncio."""
        user = after.user if after else self._user_now()
        for _ in range(_FLIGHTS):
            flight = self._flight_for(after)
            if flight is None:
                break
            _raise_outcome(await _awaited(flight, self._limit))
        return self._granted(user, after)

    # One refresh for all

    @property
    def _limit(self) -> float:
        """How long anybody waits for a refresh, in seconds."""
        return self._patience + 3 * (self._timeout + _LOCK_SLACK)

    def _user_now(self) -> str | None:
        """Return the user whom a call that begins now belongs to; None if it is to sign in."""
        self._demand_usable()
        held = self._known()
        if held is None and self._credentials is None:
            raise _nobody()
        return held.tokens.user if held else None

    def _known(self) -> _Held | None:
        if self._held is None and (stored := self._stored()) is not None:
            self._hold_first(self._aged(stored))
        return self._held

    def _hold_first(self, held: _Held) -> None:
        with self._mutex:
            # Somebody may have signed in meanwhile.
            if self._held is None:
                self._held = held

    def _flight_for(self, after: Grant | None) -> "Future[BaseException | None] | None":
        """Return the refresh to wait for; None where there is a token to use."""
        refused = after.access if after else ""
        with self._mutex:
            if self._held and self._is_fresh(self._held, refused):
                return None
            if self._flight is None:
                self._flight = Future()
                # A thread of its own: whoever waits may be a task, or may give up.
                threading.Thread(
                    target=self._fly, args=(self._flight, refused), daemon=True
                ).start()
            return self._flight

    def _fly(self, flight: "Future[BaseException | None]", refused: str) -> None:
        outcome: BaseException | None = None
        try:
            self._patiently(
                lambda: self._exclusively(lambda: self._renew(refused), or_without=True)
            )
        except BaseException as error:
            outcome = error
        with self._mutex:
            if self._flight is flight:
                self._flight = None
        flight.set_result(outcome)

    def _is_fresh(self, held: _Held, refused: str = "") -> bool:
        tokens = held.tokens
        margin = min(self._margin, tokens.lifetime / 2)
        left = held.since + tokens.lifetime - margin - self._clock.elapsed()
        return tokens.access not in ("", refused) and left > 0

    def _granted(self, user: str | None, after: Grant | None) -> Grant:
        held = self._held
        if held is None:
            raise _nobody()
        tokens = held.tokens
        if user not in (None, tokens.user):
            raise UserChanged(
                "user_changed", "Another user has signed in meanwhile. Nothing was sent as theirs."
            )
        if tokens.access in ("", after.access if after else ""):
            raise RatchetError("bad_answer", "The server hands out no new access token.")
        return Grant(tokens.user, tokens.access)

    def _renew(self, refused: str) -> None:
        """Take what another process has stored, or refresh. The store's lock is held, mostly."""
        stored = self._stored()
        if stored is None:
            self._sign_in_again(_nobody())
            return
        held = self._held
        if held is None or held.tokens != stored:
            held = self._held = self._aged(stored)
        if self._is_fresh(held, refused):
            return
        asked, at = self._clock.elapsed(), self._clock.wall()
        try:
            answer = self._ask(
                "token/refresh/", {"refresh": stored.refresh}, {"Idempotency-Key": stored.key}
            )
            new = tokens_of(answer, api=self._base, before=stored, received=at)
        except RatchetError as error:
            if not is_signed_out(error):
                raise
            self._forget(stored)
            self._sign_in_again(_ended(error))
            return
        self._replace(stored, new, asked)

    def _sign_in_again(self, instead: SignedOut) -> None:
        if self._credentials is None:
            self._held = None
            raise instead
        if self._refused and self._clock.elapsed() < self._refused[1]:
            raise self._refused[0].again()
        given = self._credentials
        try:
            self._sign_in(given() if callable(given) else given)
        except RatchetError as error:
            # Each request would try them again, until the account is locked.
            if error.status in (400, 401, 403):
                self._refused = (error, self._clock.elapsed() + _REFUSED_FOR)
            raise

    def _sign_in(self, credentials: Credentials) -> None:
        asked, at = self._clock.elapsed(), self._clock.wall()
        answer = self._ask("token/", credentials)
        self._keep(tokens_of(answer, api=self._base, before=None, received=at), asked)

    def _sign_out(self) -> None:
        stored = self._stored()
        if stored is not None:
            try:
                self._ask("logout/", {"refresh": stored.refresh})
            except RatchetError as error:
                # The server cannot end what it does not know.
                if error.code != "token_not_valid":
                    raise
            self._forget(stored)
        self._held = None

    def _end_all(self) -> None:
        try:
            grant = self.grant()
            self._patiently(
                lambda: self._ask("logout/all/", {}, {"Authorization": f"Bearer {grant.access}"})
            )
        except SignedOut:
            return
        except RatchetError as error:
            if not is_signed_out(error):
                raise

    # What is stored

    def _stored(self) -> Tokens | None:
        text = self._store.load()
        if text is None:
            return None
        tokens = stored_tokens(text)
        if tokens.api != self._base:
            raise setup_error(f"What is stored here belongs to {tokens.api}, not to {self._base}.")
        return tokens

    def _aged(self, stored: Tokens) -> _Held:
        """Return what another process has stored, with the age that its token has by now."""
        # Both times are this machine's. If its clock was set meanwhile, the token is refreshed
        # early, or is refused and then refreshed.
        age = self._clock.wall() - stored.received
        if age < 0:
            age = stored.lifetime
        return _Held(stored, self._clock.elapsed() - age)

    def _keep(self, tokens: Tokens, since: float) -> None:
        """Store new tokens, and use them only then."""
        self._store.save(tokens.text())
        with self._mutex:
            self._held = _Held(tokens, since)

    def _replace(self, old: Tokens, new: Tokens, since: float) -> None:
        # This process may have been stopped for a while, and others have gone on without it.
        stored = self._stored()
        if stored is not None and stored.refresh == old.refresh:
            self._keep(new, since)
        elif stored is not None:
            self._held = self._aged(stored)
        else:
            self._held = None
            raise _nobody()

    def _forget(self, tokens: Tokens) -> None:
        stored = self._stored()
        if stored is not None and stored.refresh == tokens.refresh:
            self._store.delete()
        self._held = None

    # The network

    def _ask(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the server's answer to a request about the session, if it is a success."""
        call = Call(
            self._base + path,
            {
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": "drf-ratchet-client",
                **(headers or {}),
            },
            json.dumps(dict(body)).encode(),
            self._timeout,
        )
        # Timeouts of sockets are for each packet. This one is for all of it, names and TLS too.
        sending: Future[Answer | BaseException] = Future()
        threading.Thread(target=_send_into, args=(sending, self._send, call), daemon=True).start()
        try:
            answer = sending.result(self._timeout)
        except TimeoutError:
            answer = TimeoutError()
        if isinstance(answer, OSError):
            raise _no_answer(call, answer)
        if isinstance(answer, BaseException):
            raise answer
        demand_success(call.url, answer)
        return answer

    def _patiently(self, act: Callable[[], T]) -> T:
        """Act until it succeeds, as long as there is hope. The lock is free between two tries."""
        give_up = self._clock.elapsed() + self._patience
        backoff = _FIRST_BACKOFF
        while True:
            try:
                return act()
            except RatchetError as error:
                # Spread out: all clients come back at once when a server does.
                wait = backoff * random.uniform(0.5, 1)  # noqa: S311 - no secret
                wait = max(wait, error.retry_after or 0)
                # The wait for a lock has been one already.
                is_hopeless = not error.is_transient or error.code == "locked"
                if is_hopeless or self._clock.elapsed() + wait > give_up:
                    raise
                log.info("%s Trying again in %.1f seconds.", error.detail, wait)
            self._clock.sleep(wait)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)

    def _exclusively(self, act: Callable[[], T], *, or_without: bool = False) -> T:
        """Act while no other thread or process does; the wait for them has an end.

        Args:
            act: what to do.
            or_without: go on all the same then. The server makes that safe for a refresh: all who
                ask with one token and key get the same answer.
        """
        with self._store.lock(self._timeout + _LOCK_SLACK) as is_ours:
            if is_ours or or_without:
                return act()
        raise RatchetError(
            "locked",
            "Another thread or process is in the middle of a sign-in, a refresh or a sign-out, "
            "and has stopped there.",
        )

    # This process

    def _demand_usable(self) -> None:
        if self._is_forked:
            raise setup_error(
                "This process was forked from the one that is signed in. Make the session after "
                "the fork, or give it a store that processes share: store=TokenFile(…)."
            )

    def _after_fork(self) -> None:
        # The mutex may be held, and a refresh under way, by a thread that is not in this process.
        self._mutex = threading.Lock()
        has_tokens = self._held is not None or self._flight is not None
        self._flight = None
        self._is_forked = has_tokens and not self._store.is_shared


#: All that there are, for the hook below.
_sessions: "weakref.WeakSet[RatchetSession]" = weakref.WeakSet()


def _after_fork() -> None:
    for session in list(_sessions):
        session._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _send_into(
    sending: "Future[Answer | BaseException]", send: Callable[[Call], Answer], call: Call
) -> None:
    try:
        sending.set_result(send(call))
    except BaseException as error:
        sending.set_result(error)


def _waited(flight: "Future[BaseException | None]", seconds: float) -> BaseException | None:
    try:
        return flight.result(seconds)
    except TimeoutError:
        raise _stuck(seconds) from None


async def _awaited(flight: "Future[BaseException | None]", seconds: float) -> BaseException | None:
    try:
        async with asyncio.timeout(seconds):
            # Shielded: a task that is cancelled leaves the refresh to the others.
            return await asyncio.shield(asyncio.wrap_future(flight))
    except TimeoutError:
        raise _stuck(seconds) from None


def _raise_outcome(outcome: BaseException | None) -> None:
    if isinstance(outcome, RatchetError):
        raise outcome.again()
    if outcome is not None:
        raise outcome


def _nobody() -> SignedOut:
    return SignedOut("signed_out", "Nobody is signed in. Call sign_in().")


def _ended(error: RatchetError) -> SignedOut:
    return SignedOut("signed_out", error.detail, status=error.status, reason=error.reason)


def _no_answer(call: Call, error: OSError) -> RatchetError:
    cause = getattr(error, "reason", error)
    how = f"({_reason(cause)})"
    if isinstance(cause, TimeoutError):
        how = f"within {call.timeout:g} seconds"
    return RatchetError("no_answer", f"{call.url} did not answer {how}.")


def _stuck(seconds: float) -> RatchetError:
    return RatchetError("no_answer", f"The refresh has not come to an end in {seconds:g} seconds.")


def _reason(cause: object) -> str:
    """Return what is known of a failure. An address of a proxy, with its password, is not in it."""
    name = type(cause).__name__
    text = getattr(cause, "strerror", None) or getattr(cause, "verify_message", None)
    return f"{name}: {text}" if text else name
